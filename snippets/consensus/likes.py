"""Likes need no leader: two regions count apart and agree later, if they merge rightly.

East takes two clicks, west takes one, each shows its count at once, and each tells the
other. When nobody answers a sync, it is sent again. One atomic step is a click, or a
sync until it is answered.

Faults: at most one: the answer to a sync is lost. At the end one quiet sync each way.
A turn that west takes first is a surprise too, and no fault.
Leaves out: lost syncs, which only delay; taking a like back, which wants a second
column; a limit on the count, which wants a quorum or shares dealt out beforehand.
Source: [@crdt-2011]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[24, 20, 0]

A sum that is sent again counts again, with all that came in meanwhile:

>>> sorted({run.result for run in explore(plus_so_many)})
[(3, 3), (3, 5), (4, 3)]

No click waits for the other region: a click is a note at one node, and no message.

>>> quiet = next(explore(one_column_each))
>>> [event.kind for event in quiet.trace if event.text.startswith("like")]
['note', 'note', 'note']
"""

from collections import Counter


def story(world, column, says, merges):
    """What east and west show in the end. `column` says where a region counts."""
    world.allow(faults=1)
    counts = {"east": Counter[str](), "west": Counter[str]()}
    untold = {"east": 0, "west": 0}

    def click(region):
        counts[region][column or region] += 1
        untold[region] += 1
        world.note(region, f"like: shows {counts[region].total()}")

    def tell(source, target):
        for _attempt in range(2):
            world.send(source, target, says(counts[source], untold[source]))
            world.receive(target)
            merges(counts[target], counts[source], untold[source])
            if world.delivers(target, source, "heard"):
                untold[source] = 0
                break

    def a_like_in_east():
        click("east")

    def a_like_in_west():
        click("west")

    def east_tells():
        tell("east", "west")

    def west_tells():
        tell("west", "east")

    world.interleave(
        [a_like_in_east, a_like_in_east, east_tells], [a_like_in_west, west_tells]
    )
    world.allow(faults=0)
    east_tells()
    west_tells()
    return counts["east"].total(), counts["west"].total()


def latest_total(world):
    """Each region sends its total; the other takes it over."""

    def merges(mine, theirs, _):
        mine["all"] = theirs["all"]

    return story(world, "all", lambda mine, _: f"{mine['all']} in all", merges)


def plus_so_many(world):
    """Each region sends the likes that the other has not yet answered for."""

    def merges(mine, _, untold):
        mine["all"] += untold

    return story(world, "all", lambda _, untold: f"+{untold}", merges)


def one_column_each(world):
    """Each region counts in its own column; a merge keeps the higher of each column."""

    def merges(mine, theirs, _):
        mine |= theirs  # a Counter's union: the maximum, column by column

    def says(mine, _):
        return f"east {mine['east']}, west {mine['west']}"

    return story(world, "", says, merges)


variants = (latest_total, plus_so_many, one_column_each)


def holds(result):
    """No like is lost or doubled: both regions show all three."""
    return result == (3, 3)


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return 0, 0
