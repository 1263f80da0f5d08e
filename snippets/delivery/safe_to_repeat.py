"""Some writes are safe to repeat; that does not make them safe to reorder.

A bank publishes two facts about one order: $10 paid, then $3 refunded. The broker may
deliver one of them again, and the three messages arrive in any order. A balance keeps
up with them; each message is one atomic step.

Faults: at most one message is delivered again. Messages arrive in any order.
Leaves out: lost messages (a broker that waits for acks sends them again), crashes.
Source: [@helland-2012]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[12, 7, 0]

Adding minds the repeat and no order; setting minds the order and no repeat.

>>> find(add, lambda balance: balance != 7).result
17
>>> find(set_to, lambda balance: balance != 7).result
10
"""

from typing import NamedTuple


class Fact(NamedTuple):
    """What the bank says: the fact's number, the change, and the new balance."""

    version: int
    change: int
    balance: int


FACTS = {"paid $10": Fact(1, 10, 10), "refunded $3": Fact(2, -3, 7)}


def add(world):
    """Add the change to the balance."""
    return keep_up(world, lambda old, fact: (fact.version, old[1] + fact.change))


def set_to(world):
    """Set the balance to what the fact says: the same twice as once."""
    return keep_up(world, lambda old, fact: (fact.version, fact.balance))


def set_if_newer(world):
    """Set the balance, if the fact's version is higher than the one that was set."""
    return keep_up(world, lambda old, fact: max(old, (fact.version, fact.balance)))


def keep_up(world, apply):
    world.allow(faults=1)
    for text in FACTS:
        world.send("broker", "worker", text)
    again = world.choose("delivered again", ("none", *FACTS))
    if again != "none":
        world.send("broker", "worker", again)
    row = (0, 0)  # version and balance
    while message := world.receive("worker"):
        row = apply(row, FACTS[message.text])
        world.note("worker", f"balance is ${row[1]}")
    return row[1]


variants = (add, set_to, set_if_newer)


def holds(result):
    """No fact counts twice or is undone (safety), and both count (liveness)."""
    return result == 7


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return 0
