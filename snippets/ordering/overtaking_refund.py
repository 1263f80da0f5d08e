"""A refund that finds nothing to undo must be remembered, or the late charge stands.

The saga's call to charge Ana times out, so it compensates with a refund; the charge is
still on its way and the two arrive in any order. Handling one of them is one atomic
step. The saga stops when the refund is answered, for it believes that all is undone.

Faults: at most two: a message is handed out again, the tombstone expires.
Leaves out: amounts, a lost refund (the saga sends it again until it is answered).
Source: [@sagas-1987]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[6, 3, 4, 0]

The saga's own log is the same on the good day and on the bad one:

>>> good = find(undo_what_is_there, holds)
>>> bad = find(undo_what_is_there, lambda end: not holds(end))
>>> good.seen_by("saga") == bad.seen_by("saga")
True
>>> bad.result
End(balance=1, answered=True)
"""

from typing import NamedTuple

UNDO_WHAT_IS_THERE = {("none", "charge"): "charged", ("charged", "refund"): "refunded"}
TOMBSTONE = {**UNDO_WHAT_IS_THERE, ("none", "refund"): "tombstone"}
REMOVED_WHEN_MET = {**TOMBSTONE, ("tombstone", "charge"): "none"}


class End(NamedTuple):
    """Charges minus refunds, and whether the saga was told that all is undone."""

    balance: int
    answered: bool


def hand(world, source, target, text):
    """A message that is neither lost nor overtaken."""
    world.send(source, target, text)
    world.receive(target)


def provider(world, moves, expires=False):
    """Two messages, one row. `moves` says what (row, message) makes of the row."""
    world.allow(faults=2)
    row, balance, answered = "none", 0, False
    for text in ("charge", "refund"):
        hand(world, "saga", "queue", text)
        world.send("queue", "provider", text)
    while message := world.receive("provider"):
        if expires and row == "tombstone" and world.choose("the tombstone expires"):
            row = "none"
        text, before = message.text, row
        row = moves.get((before, text), before)
        world.note(
            "provider", f"{text}: {before} to {row}" if row != before else "no-op"
        )
        balance += (row == "charged") - (before == "charged")
        if text == "refund" and not answered:
            hand(world, "provider", "saga", "refund: ok")
            answered = True
        if world.choose(f"{text} is handed out again"):
            world.send("queue", "provider", text)
    return End(balance, answered)


def undo_what_is_there(world):
    """Nothing to refund: answer ok and change nothing."""
    return provider(world, UNDO_WHAT_IS_THERE)


def tombstone_until_met(world):
    """Remember the refund; the late charge is refused and takes the tombstone along."""
    return provider(world, REMOVED_WHEN_MET)


def tombstone_for_a_while(world):
    """Remember the refund for a time that seemed long enough."""
    return provider(world, TOMBSTONE, expires=True)


def tombstone_kept(world):
    """Remember the refund for as long as a charge could still come."""
    return provider(world, TOMBSTONE)


variants = (
    undo_what_is_there,
    tombstone_until_met,
    tombstone_for_a_while,
    tombstone_kept,
)


def holds(end):
    """The saga was told that all is undone, and Ana has paid nothing."""
    return end == End(balance=0, answered=True)


def idle(world):
    """Does nothing: the saga is never answered."""
    return End(balance=0, answered=False)
