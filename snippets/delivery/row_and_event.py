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

Who gives up may be wrong: the service had stored the order, and died with its answer.

>>> find(outbox, lambda result: result.gave_up and result.rows == 1).result
Settled(rows=1, events=1, gave_up=True)
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
    return place(world, (store_order, publish))


def publish_then_write(world):
    """Publish the event, then commit the row."""
    return place(world, (publish, store_order))


def outbox(world):
    """Commit the row and the event's row together; a relay publishes what it finds."""
    return place(world, (store_order_and_event,))


def place(world, steps):
    world.allow(faults=2)
    events: list[str] = []
    with store() as disk:  # one connection stays open and plays the disk
        disk.executescript("create table orders (id unique); create table outbox (id)")
        answered = gave_up = False
        while not (answered or gave_up):
            world.send("user", "service", "place order 7")
            world.receive("service")
            answered = survives(world, steps, events)
            gave_up = not answered and world.choose("the user gives up")
        while disk.execute("select * from outbox").fetchall():
            survives(world, (relay,), events)
        orders = disk.execute("select * from orders").fetchall()
        return Settled(len(orders), len(events), gave_up)


def survives(world, steps, events):
    with suppress(world.Crash), store() as db:
        any(step(world, db, events) for step in steps)  # until one says: known already
        return True
    return False


def store_order(world, db, events, what="order"):
    new = db.execute("insert or ignore into orders values ('order 7')").rowcount
    if new and "event" in what:
        db.execute("insert into outbox values ('order 7')")
    world.crash("service", "before it commits")
    db.commit()
    world.note("service", f"{what} stored" if new else "order stored already")
    return not new


def store_order_and_event(world, db, events):
    known = store_order(world, db, events, "order and event")
    return known or world.crash("service", "before it answers")


def publish(world, db, events, node="service"):
    world.crash(node, "before it publishes")
    world.send(node, "broker", "order 7 placed")
    events.append(world.receive("broker").text)


def relay(world, db, events):
    publish(world, db, events, "relay")
    world.crash("relay", "before it marks the event")
    db.execute("delete from outbox")
    db.commit()


def store():
    return closing(sqlite3.connect("file:orders?mode=memory&cache=shared", uri=True))


variants = (write_then_publish, publish_then_write, outbox)


def holds(result):
    """Row if and only if event (safety); both, unless the user gave up (liveness)."""
    return result.rows == (result.events > 0) and (result.rows == 1 or result.gave_up)


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(rows=0, events=0, gave_up=False)
