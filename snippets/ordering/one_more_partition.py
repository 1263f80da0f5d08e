"""Adding a partition moves keys, and a moved key's new events overtake its old ones.

Three bookings were reserved while the topic had two partitions, chosen by hash modulo
two. Then a third is added, and the cancels go where hash modulo three says. Each
partition has a reader of its own; reading one event and acting on it is one atomic
step, and a cancel that is read before its reserve is in vain.

Faults: none, only orders: every interleaving of the three readers. A surprise is a
turn that a later partition's reader takes first.
Leaves out: hashes as they are; here ana's is 2, cid's 1, bob's 5.
Source: [@kafka-operations]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[44, 2, 0]

Only keys that moved are ever overtaken:

>>> sorted({name for run in explore(add_and_go_on) for name in run.result.overtaken})
['ana', 'bob']

The share of all hashes that move: two thirds, twelve thirteenths, half when doubling.

>>> [str(moved(*change)) for change in [(2, 3), (12, 13), (12, 24)]]
['2/3', '12/13', '1/2']
"""

from fractions import Fraction
from typing import NamedTuple

HASHES = {"ana": 2, "cid": 1, "bob": 5}


def moved(old, new):
    """The share of evenly spread hashes whose partition changes from old to new."""
    hashes = range(old * new)
    return Fraction(sum(h % old != h % new for h in hashes), len(hashes))


class End(NamedTuple):
    """Whose cancel came after its reserve, and whose came before it and was in vain."""

    cancelled: tuple[str, ...]
    overtaken: tuple[str, ...]


class Partition:
    """One column of the topic, and its reader's place in it."""

    def __init__(self, world, number, seen):
        self.world, self.name = world, f"part {number}"
        self.events, self.seen = [], seen

    def read(self):
        self.seen.append(self.events.pop(0))
        self.world.delivers(self.name, "seats", self.seen[-1])


def topic(world, before):
    """Reserve; let each reader read `before` events; add a partition; cancel."""
    world.allow(faults=0)
    seen: list[str] = []
    partitions = [Partition(world, number, seen) for number in range(3)]

    def publish(event, modulo):
        for who, number in HASHES.items():
            partition = partitions[number % modulo]
            partition.events.append(f"{event} {who}")
            world.delivers("shop", partition.name, f"{event} {who}")

    def read(events):
        world.interleave(*([p.read] * len(p.events[:events]) for p in partitions))

    publish("reserve", modulo=2)
    read(before)
    world.note("shop", "add part 2")
    publish("cancel", modulo=3)
    read(None)
    late = [w for w in HASHES if seen.index(f"cancel {w}") < seen.index(f"reserve {w}")]
    return End(tuple(who for who in HASHES if who not in late), tuple(late))


def add_and_go_on(world):
    """Add the partition while the readers lag behind."""
    return topic(world, before=0)


def pause_for_a_moment(world):
    """Stop publishing until each reader has read one event more; then add it."""
    return topic(world, before=1)


def drain_first(world):
    """Stop publishing until every reader has read to the end; then add it."""
    return topic(world, before=None)


variants = add_and_go_on, pause_for_a_moment, drain_first


def holds(end):
    """Every booking is cancelled: no cancel was read before its reserve."""
    return end.cancelled == tuple(HASHES)


def idle(world):
    """Does nothing: no booking is cancelled."""
    return End((), ())
