"""A leader that was deposed does not know it, and answers reads from the past.

The old leader is cut off, the others elect near, and near commits balance 20 and says
so. A client asks the old leader meanwhile. Six atomic steps: the cut, the election, the
new write with its ack; the question, the old leader's check, its answer.

Faults: at most one beside the cut: the old leader's clock runs slow. The cut comes at
any moment, and the others elect once the old lease has ended by their own clocks.
A turn that the other one takes first is a surprise too.
Leaves out: a cut that heals; a client that remembers the newest value it saw and
refuses older ones, which mends its own reads and nobody else's.
Source: [@raft-thesis], section 6.4, [@herlihy-wing-1990]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[2, 1, 0]

The old leader has seen the same whether its answer is fresh or stale:

>>> runs = list(explore(ask_who_leads))
>>> fresh = {run.seen_by("old") for run in runs if holds(run.result)}
>>> stale = {run.seen_by("old") for run in runs if not holds(run.result)}
>>> stale <= fresh
True

A read that began before the write was acked may give either value:

>>> {run.result for run in explore(ask_a_quorum)} == {(10, 10), (10, 20), (20, 20)}
True
"""


def story(world, may_answer):
    """The newest balance acked before the question, and the balance that was told."""
    world.allow(faults=1)
    slow = world.choose("old's clock runs slow")
    world.allow(faults=0)
    happened, asked, told = set(), [], []

    def old_is_cut_off():
        happened.add("cut")
        world.note("near", "hears no more of old")

    def near_is_elected():
        happened.add("lease over")
        world.delivers("far", "near", "vote, term 2")

    def near_commits_20():
        world.delivers("near", "far", "balance 20")
        happened.add("acked")
        world.note("near", "20 acked to its writer")

    def client_asks():
        asked.append(20 if "acked" in happened else 10)
        world.delivers("client", "old", "balance?")

    def old_checks():
        if not may_answer(happened, slow):
            told.append(20)
        world.note("old", "may not answer" if told else "may answer")

    def old_answers():
        if not told:
            told.append(10)
            world.delivers("old", "client", "10")

    world.interleave(
        [client_asks, old_checks, old_answers],
        [old_is_cut_off, near_is_elected, near_commits_20],
    )
    if told == [20]:
        world.delivers("client", "near", "balance?")
        world.delivers("near", "client", "20")
    return asked[0], told[0]


def ask_who_leads(world):
    """Asks a member that takes itself for the leader."""
    return story(world, lambda happened, slow: True)


def trust_the_lease(world):
    """The old leader answers while its lease lasts, by its own clock."""
    return story(world, lambda happened, slow: slow or "lease over" not in happened)


def ask_a_quorum(world):
    """The old leader first asks a follower whether it still leads."""

    def confirmed(happened, slow):
        if "cut" in happened:
            world.note("old", "asks near: silence")
            return False
        world.delivers("old", "near", "do I still lead?")
        world.delivers("near", "old", "yes, in term 1")
        return True

    return story(world, confirmed)


variants = (ask_who_leads, trust_the_lease, ask_a_quorum)


def holds(result):
    """The client is told a balance, and none older than one acked before it asked."""
    acked_before, told = result
    return told >= acked_before > 0


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return 10, 0
