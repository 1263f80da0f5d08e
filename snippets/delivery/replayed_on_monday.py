"""A key protects for as long as it is remembered, and no replay asks how long that is.

A worker charges at a provider that forgets a key after a day. A message that hears no
answer is tried again after an hour, or is parked on Friday and replayed from the
dead-letter queue on Monday. Each request and each answer is one atomic step.

Faults: at most three: a request or an answer is lost, the message is parked.
Leaves out: a request that is days late, a provider without lookup, crashes.
Source: [@stripe-idempotency], [@aws-idempotent-apis]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[18, 6, 0]

The key holds on every path that stays inside its day.

>>> def inside_the_day(result):
...     return result.hours < 24
>>> {run.result.charges for run in explore(key_for_a_day) if inside_the_day(run.result)}
{1}
>>> find(key_for_a_day, lambda result: not holds(result)).result
Settled(charges=2, hours=60)

A key kept for three days outlasts one weekend, which is all that this model parks.

>>> def key_for_three_days(world):
...     return until_answered(world, key="order-7", kept=72)
>>> all(holds(run.result) for run in explore(key_for_three_days))
True
"""

from typing import NamedTuple

HOUR, WEEKEND = 1, 60  # hours


class Settled(NamedTuple):
    """Charges at the end, and the hours from the first try to the last."""

    charges: int
    hours: int


def no_key(world):
    """Charge again after each silence."""
    return until_answered(world, key="")


def key_for_a_day(world):
    """Charge under the order's key. The provider keeps keys for a day."""
    return until_answered(world, key="order-7")


def key_then_reference(world):
    """Past the day, look for a charge with our own reference before charging again."""
    return until_answered(world, key="order-7", look_up=True)


def until_answered(world, key, look_up=False, kept=24):
    world.allow(faults=3)
    keys: dict[str, int] = {}  # the provider's, each with the hour of its charge
    book: list[str] = []  # the provider's too; what is in it stays in it
    hour, answer = 0, ""

    def charge():
        if not key or key not in keys or hour - keys[key] >= kept:
            keys[key] = hour
            book.append("order 7")
            world.note("provider", f"charges the card ({len(book)})")
        return "paid"

    while answer != "paid":
        if look_up and hour >= kept and answer != "not charged":
            answer = call(world, "order 7?", lambda: "paid" if book else "not charged")
        else:
            named = f", key {key}" if key else ""
            answer = call(world, f"charge $10{named}", charge)
        if not answer:
            hour += WEEKEND if world.choose("parked until Monday") else HOUR
    return Settled(len(book), hour)


def call(world, request, serve):
    if not world.delivers("worker", "provider", request):
        return ""
    answer = serve()
    return answer if world.delivers("provider", "worker", answer) else ""


variants = (no_key, key_for_a_day, key_then_reference)


def holds(result):
    """The order is charged at most once (safety), and it is charged (liveness)."""
    return result.charges == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(charges=0, hours=0)
