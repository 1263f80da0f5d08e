"""Charging and acking are two steps, so a crash between them charges the card twice.

A broker delivers one order until it holds the ack. A worker charges the card at a
provider and acks; each is one atomic step. The worker may die between any two steps,
and the next worker knows no more than the message it is given.

Faults: at most two: the worker crashes, or the ack is lost.
Leaves out: two workers at once, a charge request that is lost or late, the provider's
own crashes, and the day when it forgets the key.
Source: [@saltzer-1984], [@stripe-idempotency]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[10, 6, 0]

Acking last charges once, twice, or three times. Acking first can also charge never.

>>> [sorted({run.result.charges for run in explore(variant)}) for variant in variants]
[[1, 2, 3], [0, 1, 2, 3], [1]]

The broker sees the same in a crash before the charge and in one after it.

>>> before = find(ack_last, lambda result: result == Settled(charges=1, deliveries=2))
>>> after = find(ack_last, lambda result: result == Settled(charges=2, deliveries=2))
>>> before.seen_by("broker") == after.seen_by("broker")
True

The key meets every fault that its absence met.

>>> [len(list(explore(variant))) for variant in (ack_last, key_to_the_provider)]
[13, 13]

It does not stop redelivery. It makes redelivery harmless.

>>> max(run.result.deliveries for run in explore(key_to_the_provider))
3
"""

from typing import NamedTuple


class Settled(NamedTuple):
    """What is left when the broker has its ack."""

    charges: int
    deliveries: int


def ack_last(world):
    """Charge, then ack: the usual handler."""

    def handle(acks, book):
        world.crash("worker", "before the charge")
        charge(world, book)
        world.crash("worker", "before the ack")
        ack(world, acks)

    return until_acked(world, handle)


def ack_first(world):
    """Swap the two lines: ack, then charge."""

    def handle(acks, book):
        world.crash("worker", "before the ack")
        ack(world, acks)
        world.crash("worker", "before the charge")
        charge(world, book)

    return until_acked(world, handle)


def key_to_the_provider(world):
    """Charge under the order's own key, then ack; the provider knows keys."""

    def handle(acks, book):
        world.crash("worker", "before the charge")
        charge(world, book, key="order-7")
        world.crash("worker", "before the ack")
        ack(world, acks)

    return until_acked(world, handle)


def until_acked(world, handle):
    world.allow(faults=2)
    acks: list[str] = []  # the broker's
    book: list[str] = []  # the provider's; both outlive the worker
    deliveries = 0
    while not acks:
        deliveries += 1
        world.send("broker", "worker", "order-created 7")
        world.receive("worker")
        try:
            handle(acks, book)
        except world.Crash:
            world.note("worker", "starts anew, knows nothing")
    return Settled(len(book), deliveries)


def charge(world, book, key=None):
    text = f"charge $10, key {key}" if key else "charge $10"
    world.send("worker", "provider", text)
    world.receive("provider")
    if key is None or key not in book:
        book.append(key)
        world.note("provider", f"charges the card ({len(book)})")
    else:
        world.note("provider", "key known: no new charge")


def ack(world, acks):
    if world.delivers("worker", "broker", "ack"):
        acks.append("order 7")


variants = (ack_last, ack_first, key_to_the_provider)


def holds(result):
    """The card is charged at most once (safety), and it is charged (liveness)."""
    return result.charges == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(charges=0, deliveries=0)
