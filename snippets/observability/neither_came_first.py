"""A smaller stamp proves no cause: of two concurrent events, neither came first.

The shop changes a price and the till sells, once each. The news of one may reach the
other node before its own event, or only afterwards. A report must say which of the two
could have caused the other. One step is one event, or one message.

Faults: the till's clock is 5 ms behind or ahead, the till has been busy (its counters
are ahead), and no news arrives in time, or it goes the other way; all combinations.
Leaves out: more than two nodes, lost messages, clocks that jump.
Source: [@lamport-1978], [@mattern-1989]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[10, 6, 0]

Lamport's numbers are right where there is a cause, and wrong only where there is none:

>>> {run.result.truth for run in explore(by_lamport_clock) if not holds(run.result)}
{'neither'}
"""

from typing import NamedTuple


class Report(NamedTuple):
    """Which event could have caused the other, in truth and in the report."""

    truth: str
    said: str


class Stamps(NamedTuple):
    """One event: wall clock in ms, Lamport's number, and a number for each node."""

    wall: int
    lamport: int
    vector: tuple[int, int]


def by_wall_clock(world):
    """The earlier time of day is the cause."""
    truth, price, sale = happened(world)
    return Report(truth, "price" if price.wall < sale.wall else "sale")


def by_lamport_clock(world):
    """The smaller number is the cause."""
    truth, price, sale = happened(world)
    return Report(truth, "price" if price.lamport < sale.lamport else "sale")


def by_vector_clock(world):
    """One counter for each node: the cause is what the other event has counted in."""
    truth, price, sale = happened(world)
    if price.vector[0] <= sale.vector[0]:
        return Report(truth, "price")
    return Report(truth, "sale" if sale.vector[1] <= price.vector[1] else "neither")


def happened(world):
    """Tell the two events; return the cause in truth, and the stamps of both."""
    skew = world.choose("till's clock off by (ms)", (0, -5, 5))
    busy = 3 * world.choose("the till has been busy")
    truth = world.choose("cause", ("price", "sale", "neither"))
    world.allow(faults=0)  # what is told arrives
    blank = Stamps(0, 0, (0, 0))
    if truth == "sale":
        sale = till_sells(world, 10 + skew, busy, blank)
        world.delivers("till", "shop", "sold")
        return truth, shop_changes(world, 14, sale), sale
    price = shop_changes(world, 10, blank)
    if truth == "price":
        world.delivers("shop", "till", "new price")
    sale = till_sells(world, 14 + skew, busy, price if truth == "price" else blank)
    return truth, price, sale


def shop_changes(world, wall, heard):
    stamps = Stamps(wall, 1 + heard.lamport, (1, heard.vector[1]))
    world.note("shop", f"price, {stamps.wall} ms, #{stamps.lamport}")
    return stamps


def till_sells(world, wall, busy, heard):
    stamps = Stamps(wall, 1 + max(busy, heard.lamport), (heard.vector[0], busy + 1))
    world.note("till", f"sale, {stamps.wall} ms, #{stamps.lamport}")
    return stamps


variants = (by_wall_clock, by_lamport_clock, by_vector_clock)


def holds(result):
    """The report names the cause, or says “neither” where there is none."""
    return result.said == result.truth


def idle(world):
    """Reports nothing."""
    return Report(happened(world)[0], "")
