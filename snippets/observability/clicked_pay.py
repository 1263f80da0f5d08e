"""The first liar is whoever turns a timeout into "failed", and it need not be the UI.

A user clicks pay. The API opens trace T1 and publishes event E9; a worker writes the
payment, with two retries under one key, and its report goes back as a callback. One
step is one message that arrives or is lost.

Faults: at most three: a write, its answer, or a callback is lost. The click and the
event arrive.
Leaves out: crashes, late messages, a second click, and a database that forgets.
Source: [@saltzer-1984], [@aws-idempotent-apis]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[22, 8, 0]

A patient UI tells no lie of its own any more, and passes on the worker's:

>>> [sorted({run.result.liar for run in explore(variant) if not holds(run.result)})
...  for variant in variants]
[['ui', 'worker'], ['worker'], []]

Where the user is told the truth, nobody is named:

>>> {run.result.liar for each in variants for run in explore(each) if holds(run.result)}
{None}

The patient worker asks a fourth time at most; any of its tries may have written:

>>> patient = [run.result for run in explore(silence_is_unknown)]
>>> max(told.tries for told in patient)
4
>>> sorted({told.written_by for told in patient if told.tries == 4})
[1, 2, 3, 4]

The worker's log shows three timeouts. Which try wrote the payment, it cannot show:

>>> silent = [run for run in explore(silence_is_failed)
...           if run.seen_by("worker").count("timeout") == 3]
>>> len({run.seen_by("worker") for run in silent})
1
>>> sorted({run.result.written_by for run in silent})
[0, 1, 2, 3]
"""

from typing import NamedTuple


class Told(NamedTuple):
    """What the user is shown at last, and which try wrote the payment (0: none)."""

    shown: str
    written_by: int
    tries: int
    liar: str | None  # who first said "failed"


def silence_is_failed(world):
    """Three tries, one callback; whoever hears nothing says "failed"."""
    answer, written_by, tries = pay(world)
    report = answer or "failed"
    heard = called_back(world, report)
    world.note("ui", f"shows: {report if heard else 'failed'}")
    liar = "worker" if report == "failed" else None if heard else "ui"
    return Told("failed" if liar else "paid", written_by, tries, liar)


def ask_until_told(world):
    """The UI asks until it has the report; the worker still reports "failed"."""
    answer, written_by, tries = pay(world)
    report = answer or "failed"
    while not called_back(world, report):
        world.note("ui", "shows: pending, asks again")
    world.note("ui", f"shows: {report}")
    return Told(report, written_by, tries, None if answer else "worker")


def silence_is_unknown(world):
    """Silence is "pending" for everybody, until the row itself has answered."""
    answer, written_by, tries = pay(world)
    while not answer:
        world.note("worker", "unknown, asks again")
        tries += 1
        answer, written_by = write(world, tries, written_by)
    while not called_back(world, answer):
        world.note("ui", "shows: pending, asks again")
    world.note("ui", f"shows: {answer}")
    return Told(answer, written_by, tries, None)


def pay(world):
    """Click, publish, and try three times; the answer is None where none came."""
    world.allow(faults=0)  # the click and the event arrive
    world.delivers("ui", "api", "click pay")
    world.note("api", "opens trace T1")
    world.delivers("api", "board", "event E9")
    world.delivers("board", "worker", "event E9")
    world.allow(faults=3)
    answer, written_by, tries = None, 0, 0
    while not answer and tries < 3:
        tries += 1
        answer, written_by = write(world, tries, written_by)
    return answer, written_by, tries


def write(world, number, written_by):
    """One try: the row's key makes the first one that arrives the only one."""
    if world.delivers("worker", "db", f"pay, key K, try {number}"):
        world.note("db", "key K: known" if written_by else "key K: written")
        written_by = written_by or number
        if world.delivers("db", "worker", "paid"):
            return "paid", written_by
    world.note("worker", "timeout")
    return None, written_by


def called_back(world, report):
    arrives = world.delivers("worker", "api", f"callback: {report}")
    return arrives and world.delivers("api", "ui", report)


variants = (silence_is_failed, ask_until_told, silence_is_unknown)


def holds(result):
    """The payment is stored in the end, and the user is told so."""
    return result.shown == "paid" and result.written_by > 0


def idle(world):
    """Never takes the event up, so that no try can fail."""
    world.note("board", "keeps event E9")
    return Told("failed", 0, 0, None)
