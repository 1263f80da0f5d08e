"""Sorted by wall clock, an effect stands above its cause as soon as clocks lie enough.

One payment crosses four nodes: 4 ms, 2 ms and 3 ms lie between each cause and its
effect. Every node stamps one log line, and somebody sorts the four lines. One step is
one hop. A Lamport clock counts on from the stamp in the message; a hybrid logical
clock does the same, and starts from the wall clock.

Faults: each node's clock is right, 5 ms behind, or 5 ms ahead (2 ms, where a variant
says so); any of the four, all combinations.
Leaves out: drift while the request runs, clocks that jump back, two requests at once,
and lines that were never written. Equal stamps keep their true order here.
Source: [@lamport-1978], [@hlc-2014]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[66, 18, 0, 0]
>>> {len(list(explore(variant))) for variant in variants}
{81}

A skew of at most half the smallest gap turns no two lines round:

>>> [sum(not holds(run.result) for run in explore(lambda w: by_wall_clock(w, skew)))
...  for skew in (1, 2, 3, 5)]
[0, 18, 44, 66]

The hybrid stamps stay within the skew of true time. Lamport's tell no time at all:

>>> max(abs(line.stamp[0] - true) for run in explore(by_hybrid_clock)
...     for line in run.result for true in [TRUE[NODES.index(line.node)]])
5
>>> {tuple(line.stamp for line in run.result) for run in explore(by_lamport_clock)}
{((1, 0), (2, 0), (3, 0), (4, 0))}
"""

from typing import NamedTuple

NODES = ("api", "board", "worker", "db")
TRUE = (10, 14, 16, 19)  # ms: when each line is really written; nobody sees this


class Line(NamedTuple):
    """A log line: its stamp (ms or count, then a counter), and who wrote it."""

    stamp: tuple[int, int]
    node: str


def by_wall_clock(world, skew=5):
    """Each node stamps what its own clock says."""
    return sorted_log(world, skew, lambda now, stamp: (now, 0))


def by_better_clocks(world):
    """The same, with the clocks synchronised to 2 ms."""
    return by_wall_clock(world, skew=2)


def by_lamport_clock(world):
    """Each node stamps one more than the stamp in the message it received."""
    return sorted_log(world, 5, lambda now, stamp: (stamp[0] + 1, 0))


def by_hybrid_clock(world):
    """The wall clock, unless the message's stamp is ahead: then one more than that."""

    def tick(now, stamp):
        return (now, 0) if now > stamp[0] else (stamp[0], stamp[1] + 1)

    return sorted_log(world, 5, tick)


def sorted_log(world, skew, tick):
    """Pay once, on four nodes whose clocks may be wrong; return the sorted lines."""
    lines = []
    stamp = (0, 0)
    for node, true in zip(NODES, TRUE, strict=True):
        off = world.choose(f"{node}'s clock off by (ms)", (0, -skew, skew))
        stamp = tick(true + off, stamp)
        world.note(node, f"line stamped {stamp[0]}" + f".{stamp[1]}" * (stamp[1] > 0))
        lines.append(Line(stamp, node))
        if node != NODES[-1]:
            world.send(node, NODES[len(lines)], "pay")
            world.receive()
    return sorted(lines, key=lambda line: line.stamp)


variants = (by_wall_clock, by_better_clocks, by_lamport_clock, by_hybrid_clock)


def holds(result):
    """All four lines are there, and no effect stands above its cause."""
    return tuple(line.node for line in result) == NODES


def idle(world):
    """Writes no log: nothing is out of order, and nothing is told."""
    return sorted_log(world, 5, lambda now, stamp: (now, 0))[:0]
