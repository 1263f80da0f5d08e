"""Bob is told "sold out" because of a booking that is undone a moment later.

Ana and Bob each want the last seat: take it, pay, and give it back if the card is
refused. Sagas have no isolation, so one sees the half-done work of the other. Each
take, each payment (with giving back) and each asking again is one atomic step.

Faults: at most two: a card is refused. A turn that Bob takes first is a surprise too,
and no fault.
Leaves out: crashes, and how long a customer is willing to wait for an answer.
Source: [@sagas-1987], [@richardson-2018]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[4, 2, 0]

The seat ends free, and the one who could have paid for it has been sent away:

>>> sorted({run.result for run in explore(ask_twice) if not holds(run.result)})
[End(ana='card refused', bob='sold out'), End(ana='sold out', bob='card refused')]
"""

from functools import partial
from typing import NamedTuple


class End(NamedTuple):
    """Each customer's answer: sold, sold out, card refused, or none."""

    ana: str
    bob: str


class Shop:
    """The last seat. Its owner may still be paying. Take and pay are atomic steps."""

    def __init__(self, world, waits=False):
        world.allow(faults=2)
        self.world, self.waits = world, waits
        self.owner = self.waiting = ""
        self.answers = {"ana": "", "bob": ""}

    def takes_it(self, who):
        self.world.send(who, "shop", "the last seat, please")
        self.world.receive("shop")
        if not self.owner:
            self.owner, self.answers[who] = who, ""
            self.world.note("shop", f"pending: {who}")
        elif self.waits and self.answers[self.owner] != "sold":
            self.waiting = who
            self.world.note("shop", f"{who} waits: it is pending")
        else:
            self.answer(who, "sold out")

    def pays(self, who):
        if self.owner == who and not self.answers[who]:
            refused = self.world.choose(f"the card of {who} is refused")
            self.answer(who, "card refused" if refused else "sold")
            if refused:
                self.owner, self.waiting = self.waiting, ""
                self.world.note("shop", f"pending: {self.owner or 'nobody'}")
                self.pays(self.owner or who)
            elif self.waiting:
                self.answer(self.waiting, "sold out")

    def answer(self, who, text):
        self.answers[who] = text
        self.world.send("shop", who, text)
        self.world.receive(who)

    def asks_again(self, who):
        if self.answers[who] == "sold out":
            self.takes_it(who)
            self.pays(who)

    def sell(self, again=False):
        steps = [self.takes_it, self.pays, self.asks_again][: 2 + again]
        turns = [[partial(step, who) for step in steps] for who in self.answers]
        self.world.interleave(*turns)
        return End(**self.answers)


def refuse_at_once(world):
    """A seat that is pending counts as sold."""
    return Shop(world).sell()


def ask_twice(world):
    """A seat that is pending counts as sold, and a refused customer asks once more."""
    return Shop(world).sell(again=True)


def wait_while_pending(world):
    """Pending is said aloud: who comes then waits until it is sold or free."""
    return Shop(world, waits=True).sell()


variants = refuse_at_once, ask_twice, wait_while_pending


def holds(end):
    """One seat sold at most, all answered, nobody refused while the seat ends free."""
    sold = list(end).count("sold")
    return all(end) and sold <= 1 and ("sold out" not in end or sold == 1)


def idle(world):
    """Does nothing: nobody is answered."""
    return End("", "")
