"""An email sent before the last step that can fail cannot be unsent.

A hotel booking is a saga of four steps: reserve a room, charge the card, issue the
voucher, send the confirmation. When a step fails, those done are compensated in reverse
order. A step, or a compensation, is one atomic step; sending is tried again until done.

Faults: at most one: one of the four steps fails.
Leaves out: what goes wrong after the last step (the hotel burns down: apologise).
Source: [@sagas-1987], [@richardson-2018]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[2, 1, 0]

Of all orders of the four steps, those that never send a false email are few. They
are the ones that send it last:

>>> honest = [o for o in ORDERS if all(holds(run.result) for run in explore(saga(o)))]
>>> len(ORDERS), len(honest), honest == [o for o in ORDERS if o[-1] == "email"]
(24, 6, True)

The books are right in every order: after a failure nothing is left done.

>>> runs = [run for order in ORDERS for run in explore(saga(order))]
>>> {run.result.done for run in runs if run.result.failed}
{()}

A mail that fails is sent again, so no booking fails by its mail:

>>> sorted({run.result.failed for run in runs})
['', 'charge', 'room', 'voucher']
"""

from itertools import permutations
from typing import NamedTuple

STEPS = {
    "room": ("hotel", "reserve a room", "give the room back"),
    "charge": ("bank", "charge 90", "refund 90"),
    "voucher": ("hotel", "issue the voucher", "cancel the voucher"),
    "email": ("ana", "email: see you Friday!", None),
}
ORDERS = tuple(permutations(STEPS))


class End(NamedTuple):
    """Which step failed, what stands at the end, and whether Ana has the email."""

    failed: str
    done: tuple[str, ...]
    mailed: bool


def hand(world, source, target, text):
    """A message that is neither lost nor overtaken."""
    world.send(source, target, text)
    world.receive(target)


def saga(order):
    """The scenario that takes the four steps in this order."""

    def scenario(world):
        world.allow(faults=1)
        mailed = False
        done: list[str] = []
        for step in order:
            node, text, _ = STEPS[step]
            hand(world, "saga", node, text)
            failed = world.choose(f"{step} fails")
            if failed and step == "email":
                hand(world, "saga", node, text)
            elif failed:
                hand(world, node, "saga", "no")
                undo(world, done)
                return End(step, tuple(done), mailed)
            done.append(step)
            mailed = mailed or step == "email"
        return End("", tuple(done), mailed)

    return scenario


def undo(world, done):
    """Compensate in reverse order. There is no such thing for an email."""
    while done:
        node, _, text = STEPS[done.pop()]
        if text:
            hand(world, "saga", node, text)
        else:
            world.note("saga", "cannot unsend an email")


def mail_when_reserved(world):
    """Room, email, charge, voucher: good news first."""
    return saga(("room", "email", "charge", "voucher"))(world)


def mail_when_paid(world):
    """Room, charge, email, voucher: good news when the money is there."""
    return saga(("room", "charge", "email", "voucher"))(world)


def mail_last(world):
    """Room, charge, voucher, email: good news when nothing can fail any more."""
    return saga(("room", "charge", "voucher", "email"))(world)


variants = mail_when_reserved, mail_when_paid, mail_last


def holds(end):
    """No email about a booking that was undone; if no step fails, all are done."""
    if end.failed:
        return not end.mailed and not end.done
    return end.mailed and set(end.done) == set(STEPS)


def idle(world):
    """Does nothing: no booking, no email."""
    return End("", (), False)
