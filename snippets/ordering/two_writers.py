"""Two producers of one key publish in another order than they committed.

Pod a moves Ana to seat 9C, pod b moves her to 12F; the later commit counts. Each pod
commits and then publishes what it committed, under Ana's key. Each commit and each
publication is one atomic step; the one partition keeps the order it was given.

Faults: at most one: a pod's clock is ahead, by as much as one step and a half. A
turn that pod b takes first is a surprise too, and no fault.
Leaves out: a pod that dies between commit and publication (that wants an outbox).
Source: [@lamport-1978], [@richardson-outbox]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[6, 4, 0]

A clock is good enough exactly as long as its error is smaller than the gap:

>>> wrong = [run for run in explore(latest_stamp) if not holds(run.result)]
>>> all("clock is ahead" in str(run.trace) for run in wrong)
True
"""

from typing import NamedTuple


class End(NamedTuple):
    """What the row says, and what the reader of the events believes."""

    row: str
    reader: str


class Change(NamedTuple):
    """What a pod publishes of its commit."""

    version: int
    stamp: float
    seat: str


class Pod:
    """One of two producers. Its methods are its two atomic steps."""

    def __init__(self, world, name, seat, table, log):
        self.world, self.name, self.seat = world, name, seat
        self.table, self.log = table, log
        self.skew = 1.5 * world.choose(f"{name}'s clock is ahead")

    def commits(self):
        self.table.append(self.seat)
        stamp = len(self.table) + len(self.log) + self.skew
        self.change = Change(len(self.table), stamp, self.seat)
        self.world.note(self.name, f"row v{len(self.table)} at {stamp:g}: {self.seat}")

    def publishes(self):
        self.log.append(self.change)
        self.world.send(self.name, "partition", f"{self.seat}")
        self.world.receive("partition")


def both(world, newest):
    """Both pods at once; the reader believes the newest event, as `newest` orders."""
    world.allow(faults=1)
    table: list[str] = []
    log: list[Change] = []
    a = Pod(world, "pod a", "9C", table, log)
    b = Pod(world, "pod b", "12F", table, log)
    world.interleave([a.commits, a.publishes], [b.commits, b.publishes])
    believed = max(enumerate(log), key=newest)[1].seat
    world.note("reader", f"believes {believed}")
    return End(table[-1], believed)


def last_to_arrive(world):
    """Same key, same partition: the last event is the newest."""
    return both(world, newest=lambda entry: entry[0])


def latest_stamp(world):
    """The event with the latest time stamp is the newest."""
    return both(world, newest=lambda entry: entry[1].stamp)


def highest_version(world):
    """The row counts its versions; the event with the highest one is the newest."""
    return both(world, newest=lambda entry: entry[1].version)


variants = last_to_arrive, latest_stamp, highest_version


def holds(end):
    """The reader ends up believing what the row says, and that is one of the seats."""
    return end.reader == end.row != ""


def idle(world):
    """Does nothing: no row, no event."""
    return End("", "")
