"""A reader who is called away between the notice and the bookmark reads it twice.

A baker pins one notice. Ann and Bob pass by, each with a bookmark of their own, and
each puts bread on a shopping list. Reading, listing and moving the bookmark are one
step each; a reader who is called away (a crash) forgets what was only in mind.

Faults: at most one: a reader is called away, before any step or after the last.
Leaves out: a second notice, a board that loses notices, two readers with one bookmark.
Source: [@kafka-design]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[2, 2, 0]

Moving the bookmark late doubles, moving it early loses; nobody did anything foolish.

>>> sorted({run.result.ann for run in explore(bookmark_last)})
[1, 2]
>>> sorted({run.result.ann for run in explore(bookmark_first)})
[0, 1]

Bob came back and saw the notice as if for the first time.

>>> run = find(bookmark_last, lambda lists: lists.bob == 2)
>>> run.seen_by("bob").count("from board: 1: bread at noon")
2
"""

from dataclasses import dataclass
from typing import NamedTuple


class Lists(NamedTuple):
    """How often bread stands on each reader's shopping list."""

    ann: int
    bob: int


@dataclass
class Reader:
    """What is on paper, and so outlives being called away."""

    name: str
    bookmark: int = 0
    bread: int = 0


def writing_the_list(world, reader):
    reader.bread += 1
    world.note(reader.name, "puts bread on the list")


def moving_the_bookmark(world, reader):
    reader.bookmark = 1
    world.note(reader.name, "moves the bookmark to 1")


def writing_one_line(world, reader):
    reader.bread, reader.bookmark = reader.bread + 1, 1
    world.note(reader.name, "list and bookmark: one line")


def hand(world, source, target, text):
    """A notice changes hands. On this square none is lost on the way."""
    world.send(source, target, text)
    world.receive(target)


def square(world, *steps):
    """Pin one notice, and let both readers pass until their bookmarks say 1."""
    world.allow(faults=1)
    hand(world, "baker", "board", "1: bread at noon")
    readers = Reader("ann"), Reader("bob")
    for reader in readers:
        while reader.bookmark < 1:
            hand(world, "board", reader.name, "1: bread at noon")
            try:
                for step in steps:
                    what = step.__name__.replace("_", " ")
                    world.crash(reader.name, f"before {what}")
                    step(world, reader)
                world.crash(reader.name, "when all is done")
            except world.Crash:
                world.note(reader.name, f"comes back, bookmark: {reader.bookmark}")
    return Lists(*(reader.bread for reader in readers))


def bookmark_last(world):
    """Write the list, then move the bookmark."""
    return square(world, writing_the_list, moving_the_bookmark)


def bookmark_first(world):
    """Move the bookmark, then write the list."""
    return square(world, moving_the_bookmark, writing_the_list)


def one_line(world):
    """Keep list and bookmark on one sheet, and write both in one line."""
    return square(world, writing_one_line)


variants = (bookmark_last, bookmark_first, one_line)


def holds(result):
    """Bread is on each list, and on none of them twice."""
    return result == Lists(ann=1, bob=1)


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Lists(ann=0, bob=0)
