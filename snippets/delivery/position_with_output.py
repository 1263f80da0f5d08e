"""Inside one store, work can be exactly once; the email that it sends cannot.

A processor reads two inputs, sends a mail about each, writes an output for each, and
commits its position. SQLite plays the log: outputs and position are rows. One commit is
one atomic step, and the mail is another, outside of it.

Faults: at most two: the processor crashes between two steps.
Leaves out: several processors, zombies, readers that look at uncommitted output.
Source: [@kafka-design], [@kip-98]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[36, 20, 0]

Output apart from position: twice, or never. Together: once.

>>> [sorted({run.result.outputs for run in explore(variant)}) for variant in variants]
[['AAAB', 'AAB', 'AABB', 'AB', 'ABB', 'ABBB'], ['', 'A', 'AB', 'B'], ['AB']]

The same right variant sends up to four mails about two inputs: a mail is no row.

>>> sorted({run.result.mails for run in explore(position_with_the_output)})
[2, 3, 4]

Mailing after the commit turns the double mail into a lost one.

>>> def mail_last(world):
...     return process(world, ("output", "position", "commit", "mail"))
>>> sorted({run.result.mails for run in explore(mail_last)})
[0, 1, 2]
"""

import sqlite3
from contextlib import closing
from typing import NamedTuple


class Settled(NamedTuple):
    """The committed outputs, in order, and the mails that went out."""

    outputs: str
    mails: int


def output_then_position(world):
    """Exactly-once is impossible, they say: so commit the output, then the position."""
    return process(world, ("mail", "output", "commit", "position", "commit"))


def position_then_output(world):
    """The other way round, so that nothing is committed twice."""
    return process(world, ("mail", "position", "commit", "output", "commit"))


def position_with_the_output(world):
    """Both in one transaction."""
    return process(world, ("mail", "output", "position", "commit"))


def process(world, steps):
    world.allow(faults=2)
    mails: list[str] = []
    with log() as disk:  # one connection stays open and plays the disk
        disk.execute("create table output (input text)")
        disk.execute("create table position (input text)")
        while rows(disk, "position") < 2:
            try:
                with log() as db:
                    while (done := rows(db, "position")) < 2:
                        for step in steps:
                            take(world, db, mails, step, "AB"[done])
            except world.Crash:
                world.note("processor", "starts again")
        outputs = disk.execute("select input from output").fetchall()
        return Settled("".join(row[0] for row in outputs), len(mails))


def take(world, db, mails, step, letter):
    if step == "mail":
        world.send("processor", "customer", f"mail about {letter}")
        world.receive("customer")
        mails.append(letter)
    elif step == "commit":
        db.commit()
        world.note("store", "commit")
        world.crash("processor", "after a commit")
    else:
        db.execute(f"insert into {step} values (?)", letter)
        world.note("processor", f"writes {step} {letter}")
        world.crash("processor", "before the commit")


def log():
    return closing(sqlite3.connect("file:log?mode=memory&cache=shared", uri=True))


def rows(db, table):
    return db.execute(f"select count(*) from {table}").fetchone()[0]


variants = (output_then_position, position_then_output, position_with_the_output)


def holds(result):
    """No output is committed twice (safety), and each is committed (liveness)."""
    return result.outputs == "AB"


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(outputs="", mails=0)
