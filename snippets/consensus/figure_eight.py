"""What a majority has stored can still be overwritten: stored is not committed.

Four terms on three members. A leader copies one old entry to c, appends its own, copies
that to c: three atomic steps, and it may be cut off before any. Then a or b leads, if
c's log is no newer than its own: c votes for no one with an older last entry.
An entry is named by its term: the log 1 3 holds the entries of terms 1 and 3.

Faults: at most six: a leader of the first three terms is cut off, or the other of a and
b leads next. The last leader is left in peace and finishes.
Leaves out: c as a leader, and copies between a and b (the search below this figure has
both); more entries a term; changes of membership. A log on disk is never damaged.
Source: [@raft-2014], section 5.4.2 and figure 8

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[2, 1, 0]

The entry of term 1 was on two of three disks, and the leader had said: committed.

>>> find(count_copies, lambda group: not holds(group)).result
Group(promised=(1, 2, 4), last_leaders_log=(2, 4))
"""

from typing import NamedTuple


class Group(NamedTuple):
    promised: tuple[int, ...]
    last_leaders_log: tuple[int, ...]


def story(world, may_commit):
    world.allow(faults=6)
    logs = {"a": tuple[int, ...](), "b": tuple[int, ...](), "c": tuple[int, ...]()}
    promised: list[int] = []
    leader, term = "a", 1

    def stored():
        """The entries of the leader that c has too: with its own disk, two of three."""
        pairs = zip(logs[leader], logs["c"], strict=False)
        return [mine for mine, its in pairs if mine == its]

    def copies():
        """Sends c the first entry that it lacks; c drops whatever stood there."""
        kept = len(stored())
        for entry in logs[leader][kept : kept + 1]:
            world.send(leader, "c", f"entry {entry}")
            world.receive("c")
            logs["c"] = logs[leader][: kept + 1]
            world.note("c", f"log: {written(logs['c'])}")

    def appends():
        logs[leader] += (term,)
        world.note(leader, f"log: {written(logs[leader])}")

    def commits():
        new = [entry for entry in stored() if entry not in promised]
        if new and may_commit(stored(), logs[leader], term):
            promised.extend(new)
            world.note(leader, f"commits {written(new)}")

    world.note("a", "leads, term 1")
    for term in (1, 2, 3, 4):
        if term > 1:
            # One entry a term: the same last entry means the same log.
            able = [name for name in "ab" if logs[name][-1:] >= logs["c"][-1:]]
            able.sort(key=lambda name: name != leader)
            leader = world.choose("next to lead", able)
            world.send("c", leader, f"vote, term {term}")
            world.receive(leader)
        steps = [copies, appends, copies]
        for step in steps if term < 4 else [*steps, copies, copies]:
            cut = f"term {term}: {leader} is cut off before it {step.__name__}"
            if term < 4 and world.choose(cut):
                break
            step()
            commits()
    return Group(tuple(promised), logs[leader])


def written(entries):
    return " ".join(map(str, entries))


def count_copies(world):
    """Commits every entry that two of three have stored."""
    return story(world, lambda stored, log, term: True)


def own_entry_appended(world):
    """Commits old entries as soon as the leader has appended one of its own term."""
    return story(world, lambda stored, log, term: term in log)


def own_entry_stored(world):
    """Commits old entries only together with one of its own term that two have."""
    return story(world, lambda stored, log, term: term in stored)


variants = (count_copies, own_entry_appended, own_entry_stored)


def holds(result):
    """The last leader has every entry that was called committed, and there are some."""
    kept = set(result.promised) <= set(result.last_leaders_log)
    return kept and len(result.promised) > 0


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Group((), ())
