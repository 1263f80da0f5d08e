"""Two workers that look before they write both find nothing; a constraint lets one win.

The first worker is slow. The broker's ack wait runs out and a second worker gets the
same order while the first still runs: nobody crashed. Each look, each pricing and each
write is one atomic step, on a real SQLite database.

Faults: none. Every order of the two workers' steps is tried. A surprise is a
turn that the second worker takes first.
Leaves out: crashes, more than one order, isolation levels that would refuse one of two
transactions, and the acks.
Source: [@brandur-idempotency]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[18, 12, 0]

Looking later makes the window shorter. It stays open.

>>> find(look_right_before, lambda charges: charges == 2).result
2

Three workers change nothing for the constraint.

>>> def three(world):
...     return unique_constraint(world, names=("worker 1", "worker 2", "worker 3"))
>>> {run.result for run in explore(three)}
{1}
"""

import sqlite3
from contextlib import closing


def look_then_charge(world):
    """SELECT, think, INSERT if nothing was there."""
    return every_order(world, ("look", "price", "charge"))


def look_right_before(world):
    """Think first, so that the SELECT stands right before the INSERT."""
    return every_order(world, ("price", "look", "charge"))


def unique_constraint(world, names=("worker 1", "worker 2")):
    """INSERT, and let the table's unique constraint say who was first."""
    return every_order(world, ("look", "price", "charge"), "unique", names)


def every_order(world, steps, constraint="", names=("worker 1", "worker 2")):
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"create table charge (for_order text {constraint})")
        for name in names:  # no ack yet, so the broker delivers to the next one
            world.send("broker", name, "order-created 7")
            world.receive(name)
        workers = [Worker(world, name, db) for name in names]
        world.interleave(*([getattr(each, step) for step in steps] for each in workers))
        return db.execute("select count(*) from charge").fetchone()[0]


class Worker:
    """One of several workers that were given the same order."""

    def __init__(self, world, name, db):
        self.world, self.name, self.db = world, name, db
        self.found = False

    def look(self):
        self.found = bool(self.db.execute("select * from charge").fetchall())
        self.note("finds the charge" if self.found else "finds no charge")

    def price(self):
        self.note("works out the price")

    def charge(self):
        if not self.found:
            insert = "insert or ignore into charge values ('order 7')"
            with self.db:
                won = self.db.execute(insert).rowcount
            self.note("charges" if won else "is refused: row exists")

    def note(self, text):
        self.world.note(self.name, text)


variants = (look_then_charge, look_right_before, unique_constraint)


def holds(result):
    """The order is charged at most once (safety), and it is charged (liveness)."""
    return result == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return 0
