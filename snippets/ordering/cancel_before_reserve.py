"""Two partitions keep two orders, so a cancel can overtake the reserve it cancels.

Ana pays for seat 7A and changes her mind: the shop publishes `reserve`, then `cancel`.
Two workers of the seat service handle them; each read, look, write and message to Ana
is one atomic step. When both are done, Bob asks for the seat that Ana gave back.

Faults: none, only orders: every interleaving of the two workers. A surprise is a turn
that the second worker takes first.
Leaves out: crashes, redelivery, and a false email (drawn here, judged elsewhere).
Source: [@kafka-design], [@sagas-1987]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[22, 10, 9, 0, 0]

The shop publishes in the right order every time. Its log cannot tell the runs apart:

>>> runs = list(explore(by_event_type))
>>> len({run.seen_by("shop") for run in runs}), len({run.result for run in runs})
(1, 2)

Even a reserve that is read first may be held last: arriving and processing are two
orders.

>>> first = [run.seen_by("seats")[0] for run in runs if not holds(run.result)]
>>> first.count("from partition 1: reserve 7A"), len(first)
(10, 22)

A mark on the seat refuses everybody, and not only Ana: nobody gets it.

>>> {run.result.holder for run in explore(mark_the_seat) if not holds(run.result)}
{''}

One partition, one worker: no order is left to go wrong.

>>> [run.result for run in explore(by_seat)]
[End(holder='bob', refunds=1)]
"""

from typing import NamedTuple


class End(NamedTuple):
    """Who holds seat 7A after Bob has asked for it, and how often Ana was refunded."""

    holder: str
    refunds: int


class Seats:
    """The seat service. A method without an underscore is one atomic step."""

    def __init__(self, world, mark=lambda who: None, cancels_in="partition 2"):
        self.world, self.mark, self.cancels_in = world, mark, cancels_in
        self.holder, self.marks, self.refunds = "", set(), 0
        self.cancel = self.read_cancel, self.release, self.refund
        world.allow(faults=0)
        world.delivers("shop", "partition 1", "reserve 7A")
        world.delivers("shop", cancels_in, "cancel 7A")

    def read_reserve(self):
        self.world.delivers("partition 1", "seats", "reserve 7A")

    def look(self, who="ana"):
        self.free = not self.holder and self.mark(who) not in self.marks
        self.world.note("seats", f"look: 7A is {'' if self.free else 'not '}free")

    def hold(self, who="ana"):
        self.holder = who if self.free else self.holder
        self.world.note("seats", f"hold 7A for {who}" if self.free else f"refuse {who}")

    def look_and_hold(self, who="ana"):
        self.look(who)
        self.hold(who)

    def mail(self):
        if self.free:
            self.world.note("seats", "email: see you in 7A!")

    def read_cancel(self):
        self.world.delivers(self.cancels_in, "seats", "cancel 7A")

    def release(self):
        self.world.note("seats", "release 7A" if self.holder else "nothing to release")
        if not self.holder and self.mark("ana"):
            self.marks.add(self.mark("ana"))
        self.holder = ""

    def refund(self):
        self.refunds += 1
        self.world.note("seats", "refund ana")

    def _end(self, *workers):
        self.world.interleave(*workers)
        self.look_and_hold("bob")
        return End(self.holder, self.refunds)


def by_event_type(world):
    """Reserves in one partition, cancels in the other; look, then hold."""
    s = Seats(world)
    return s._end((s.read_reserve, s.look, s.hold, s.mail), s.cancel)


def mark_the_seat(world):
    """A cancel with nothing to release leaves a mark on the seat."""
    s = Seats(world, mark=lambda who: "7A")
    return s._end((s.read_reserve, s.look_and_hold, s.mail), s.cancel)


def look_for_a_mark(world):
    """The mark is on Ana's reservation; reserve looks for it, then holds."""
    s = Seats(world, mark=lambda who: f"reservation of {who}")
    return s._end((s.read_reserve, s.look, s.hold, s.mail), s.cancel)


def mark_the_reservation(world):
    """The mark is on Ana's reservation; looking and holding are one step."""
    s = Seats(world, mark=lambda who: f"reservation of {who}")
    return s._end((s.read_reserve, s.look_and_hold, s.mail), s.cancel)


def by_seat(world):
    """All events of one seat in one partition, so one worker handles them."""
    s = Seats(world, cancels_in="partition 1")
    return s._end((s.read_reserve, s.look, s.hold, s.mail, *s.cancel))


variants = by_event_type, mark_the_seat, look_for_a_mark, mark_the_reservation, by_seat


def holds(end):
    """Ana's reservation is cancelled and refunded once; Bob can have the seat."""
    return end == End(holder="bob", refunds=1)


def idle(world):
    """Does nothing: nobody refunds Ana."""
    return End(holder="bob", refunds=0)
