"""News that arrives in the end is enough for a cache, and too late for an owner.

Two nodes, a and b, both want to take over a shard. Each looks at its own view, tells
the others, and acts. Where two claims meet the higher name wins, so the views agree in
the end. One atomic step is a look, the arrival of one node's news, or an act.

Faults: none is needed: every order of three steps of a and three of b. A surprise is a
turn that b takes first.
Leaves out: a lost message or a voter that dies, which a majority must then outlast; the
old owner's late writes, for which see the fencing token; how a lease is given back.
Source: [@raft-2014], [@crdt-2011]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[12, 2, 0]

Looking again leaves one bad order: a acts, and b, whose name is higher, acts after it.

>>> sorted({run.result.owners for run in explore(look_again)})
[('a',), ('a', 'b'), ('b',)]
>>> {owner for run in explore(act_at_once) for owner in run.result.owners} == set("ab")
True

As a cache entry the same news is fine: in every run all three views agree in the end.

>>> all(len(set(run.result.views)) == 1 for run in explore(act_at_once))
True

With votes the owner is known to all three, and it is the one that acted:

>>> runs = [run.result for run in explore(ask_a_majority)]
>>> all(set(run.views) == set(run.owners) for run in runs)
True
"""

from functools import partial
from typing import NamedTuple


class Outcome(NamedTuple):
    owners: tuple[str, ...]  # who acted as the owner, in order
    views: tuple[str, ...]  # whom a, b and c take for the owner in the end


def story(world, rule):
    """Runs three steps of a and three of b, in every order."""
    world.allow(faults=0)
    views, votes, owners = dict.fromkeys("abc", ""), dict.fromkeys("abc", ""), []

    def act(node):
        owners.append(node)
        world.note(node, "acts as the owner")

    def looks(node):
        if not views[node] and not votes[node]:
            views[node] = votes[node] = node
            world.note(node, "sees no owner: claims")
            if rule == "at once":
                act(node)

    def tells_the_others(node):
        if votes[node] != node:
            return
        for other in "abc".replace(node, ""):
            if rule == "majority":
                world.delivers(node, other, "your vote?")
                votes[other] = votes[other] or node
                world.delivers(other, node, f"mine is {votes[other]}'s")
            else:
                world.delivers(node, other, f"{node} owns it")
                views[other] = max(views[other], node)

    def looks_again(node):
        if rule == "look" and views[node] == node:
            world.note(node, "looks again: still mine")
            act(node)
        if rule == "majority" and list(votes.values()).count(node) >= 2:
            act(node)
            views.update(dict.fromkeys("abc", node))

    steps = looks, tells_the_others, looks_again
    world.interleave(*([partial(step, node) for step in steps] for node in "ab"))
    return Outcome(tuple(owners), tuple(views.values()))


def act_at_once(world):
    """Acts on its own view, then tells the others."""
    return story(world, "at once")


def look_again(world):
    """Tells the others, looks at its view once more, then acts."""
    return story(world, "look")


def ask_a_majority(world):
    """Acts on two votes of three; each node votes one time."""
    return story(world, "majority")


variants = (act_at_once, look_again, ask_a_majority)


def holds(result):
    """One node acts as the owner: never two, and not none."""
    return len(result.owners) == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Outcome((), ("", "", ""))
