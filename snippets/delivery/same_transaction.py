"""A de-duplication table outside the charge's transaction only moves the bug.

Here the charge is a row in a ledger of your own, and SQLite is real. The worker opens
the ledger anew for each delivery; what it had not committed when it died is gone. One
commit is one atomic step.

Faults: at most two: the worker crashes between two steps, or the ack is lost.
Leaves out: two workers at once, a disk that loses what it called durable, and any
effect that is not a row of yours: a card, an email.
Source: [@brandur-idempotency], [@helland-2012]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[10, 6, 5, 0]

Two opposite bugs: the key after the charge doubles, the key before the charge loses.

>>> [sorted({run.result.charges for run in explore(variant)}) for variant in variants]
[[1, 2, 3], [1, 2, 3], [0, 1], [1]]

The same transaction is tried with as many crashes as its two halves apart.

>>> [len(list(explore(each))) for each in (key_after_charge, key_row_with_the_effect)]
[19, 19]

The lost charge is quiet: the message is acked and the key row says that it was done.

>>> find(key_before_charge, lambda result: result.charges == 0).result
Settled(charges=0, keys=1)
"""

import sqlite3
from contextlib import closing
from typing import NamedTuple


class Settled(NamedTuple):
    """The rows in the ledger when the broker has its ack."""

    charges: int
    keys: int


def no_table(world):
    """No memory at all: charge, commit, ack."""
    return until_acked(world, lambda db: write(world, db, "charge"))


def key_after_charge(world):
    """Look for the key; charge and commit; then record the key and commit."""
    return apart(world, "charge", "key")


def key_before_charge(world):
    """Look for the key; record it and commit; then charge and commit."""
    return apart(world, "key", "charge")


def key_row_with_the_effect(world):
    """Key and charge in one transaction: both are there, or neither is."""

    def handle(db):
        if db.execute("insert or ignore into key values ('order 7')").rowcount:
            world.crash("worker", "inside the transaction")
            write(world, db, "charge", "key and charge")

    return until_acked(world, handle)


def apart(world, first, second):
    def handle(db):
        if rows(db, "key"):
            world.note("worker", "finds the key: nothing to do")
        else:
            write(world, db, first)
            world.crash("worker", f"before the {second}")
            write(world, db, second)

    return until_acked(world, handle)


def until_acked(world, handle):
    world.allow(faults=2)
    with ledger() as disk:  # one connection stays open and plays the disk
        disk.execute("create table charge (for_order text)")
        disk.execute("create table key (for_order text primary key)")
        acked = False
        while not acked:
            world.send("broker", "worker", "order-created 7")
            world.receive("worker")
            try:
                with ledger() as db:
                    world.crash("worker", "before it begins")
                    handle(db)
                    world.crash("worker", "before the ack")
                acked = world.delivers("worker", "broker", "ack")
            except world.Crash:
                world.note("broker", "no ack: deliver again")
        return Settled(rows(disk, "charge"), rows(disk, "key"))


def ledger():
    return closing(sqlite3.connect("file:ledger?mode=memory&cache=shared", uri=True))


def rows(db, table):
    return len(db.execute(f"select * from {table}").fetchall())


def write(world, db, table, what=""):
    db.execute(f"insert into {table} values ('order 7')")
    db.commit()
    world.note("ledger", f"committed: {what or table}")


variants = (no_table, key_after_charge, key_before_charge, key_row_with_the_effect)


def holds(result):
    """One charge row, no second one (safety), and not none (liveness)."""
    return result.charges == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(charges=0, keys=0)
