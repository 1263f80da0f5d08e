"""A row and its event are two writes, and a crash between them leaves one missing.

A service stores an order in SQLite and publishes an event about it. A user asks until
the service answers, or gives up after a crash. Each commit and each publish is one
atomic step. The third variant commits the event as a row, and a relay publishes it.

Faults: at most two: the service or the relay crashes, the user gives up.
Leaves out: lost publishes, the order among events, two relays, outbox clean-up.
Source: [@richardson-outbox], [@helland-2012]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[4, 1, 0]

The user's retry does not mend the lost event: it finds the row and goes home.

>>> run = find(write_then_publish, lambda result: not holds(result))
>>> run.result, "order stored already" in run.seen_by("service")
(Settled(rows=1, events=0, gave_up=False), True)

An outbox loses none and invents none; it may publish twice, or three times.

>>> sorted({run.result.events for run in explore(outbox)})
[0, 1, 2, 3]
"""

import sqlite3
from contextlib import closing, suppress
from typing import NamedTuple


class Settled(NamedTuple):
    """Rows and events of the order at the end, and whether its user walked away."""

    rows: int
    events: int
    gave_up: bool


def write_then_publish(world):
    """Commit the row, then publish the event."""

    def handle(db, events):
        if stored(world, db, "order"):
            world.crash("service", "before it publishes")
            publish(world, "service", events)

    return place(world, handle)


def publish_then_write(world):
    """Publish the event, then commit the row."""

    def handle(db, events):
        publish(world, "service", events)
        stored(world, db, "order")

    return place(world, handle)


def outbox(world):
    """Commit the row and the event's row together; a relay publishes what it finds."""
    return place(world, lambda db, events: stored(world, db, "order and event"))


def place(world, handle):
    world.allow(faults=2)
    events: list[str] = []

    def relay(db, events):
        publish(world, "relay", events)
        world.crash("relay", "before it marks the event")
        db.execute("delete from outbox")
        db.commit()

    with store() as disk:  # one connection stays open and plays the disk
        disk.executescript("create table orders (id unique); create table outbox (id)")
        while not (answered := survives(world, handle, events)):
            if world.choose("the user gives up"):
                break
        while disk.execute("select * from outbox").fetchall():
            survives(world, relay, events)
        orders = disk.execute("select * from orders").fetchall()
        return Settled(len(orders), len(events), gave_up=not answered)


def survives(world, work, events):
    with suppress(world.Crash), store() as db:
        work(db, events)
        return True  # and None after a crash


def store():
    return closing(sqlite3.connect("file:orders?mode=memory&cache=shared", uri=True))


def stored(world, db, what):
    new = db.execute("insert or ignore into orders values ('order 7')").rowcount
    if new and "event" in what:
        db.execute("insert into outbox values ('order 7')")
    world.crash("service", "before it commits")
    db.commit()
    world.note("service", f"{what} stored" if new else "order stored already")
    return new


def publish(world, node, events):
    world.send(node, "broker", "order 7 placed")
    events.append(world.receive("broker").text)


variants = (write_then_publish, publish_then_write, outbox)


def holds(result):
    """Row if and only if event (safety); both, unless the user gave up (liveness)."""
    agree = (result.rows == 1) == (result.events > 0)
    return agree and (result.rows == 1 or result.gave_up)


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(rows=0, events=0, gave_up=False)
