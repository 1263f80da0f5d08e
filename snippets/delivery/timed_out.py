"""A timeout is not a no: saying "failed" sends the customer off to pay a second time.

A shop charges through a provider. A call ends for the shop as answered or as silence,
and behind silence stand three worlds: charged, not charged, not charged *yet*. Told
that it failed, the customer places a new order, which has a new key.

Faults: at most three: a request is lost, an answer is lost, a request comes late (after
all else).
Leaves out: crashes of the shop, a provider that says no, a customer who leaves.
Source: [@aws-idempotent-apis], [@stripe-idempotency]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[48, 44, 0]

The shop's own log is the same in all three worlds, and the truth is not.

>>> def first_call(world):
...     book = []
...     call(world, book, "order-1")
...     at_once = len(book)
...     arrive_late(world, book)
...     return at_once, len(book)
>>> silences = [
...     run for run in explore(first_call)
...     if "from provider: paid" not in run.seen_by("shop")
... ]
>>> sorted(run.result for run in silences)
[(0, 0), (0, 1), (1, 1)]
>>> len({run.seen_by("shop") for run in silences})
1

More tries than the model has faults look like a cure. A bad night has no such budget.

>>> def four_tries_then_failed(world):
...     return until_paid(world, tries=4)
>>> all(holds(run.result) for run in explore(four_tries_then_failed))
True
"""

from itertools import count
from typing import NamedTuple


class Settled(NamedTuple):
    """What the customer was told last, and the charges when nothing is in flight."""

    told: str
    charges: int


def timeout_means_failed(world):
    """One try; silence is reported as failed."""
    return until_paid(world, tries=1)


def two_tries_then_failed(world):
    """Try again under the same key; a second silence is reported as failed."""
    return until_paid(world, tries=2)


def pending_until_known(world):
    """Say "pending", and keep asking under the same key until an answer comes."""
    return until_paid(world, tries=None)


def until_paid(world, tries):
    world.allow(faults=3)
    book: list[str] = []
    order, told = 0, ""
    while told != "paid":
        order += 1
        world.note("customer", f"places order {order}")
        told = report(world, book, f"order-{order}", tries)
        world.send("shop", "customer", told)
        world.receive("customer")
    arrive_late(world, book)
    return Settled(told, len(book))


def report(world, book, key, tries):
    for attempt in count(1):
        if call(world, book, key):
            return "paid"
        if attempt == tries:
            return "failed"
        world.note("shop", "silence: try the same key" if tries else "pending: ask on")


def call(world, book, key):
    if world.choose("the request is slow"):
        world.send("shop", "provider", key)
        return False
    if not world.delivers("shop", "provider", key):
        return False
    charge(world, book, key)
    return world.delivers("provider", "shop", "paid")


def arrive_late(world, book):
    while late := world.receive("provider"):
        charge(world, book, late.text)


def charge(world, book, key):
    if key not in book:
        book.append(key)
        world.note("provider", f"charges the card ({len(book)})")


variants = (timeout_means_failed, two_tries_then_failed, pending_until_known)


def holds(result):
    """One charge at most (safety); the customer has paid and was told so (liveness)."""
    return result == Settled(told="paid", charges=1)


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(told="", charges=0)
