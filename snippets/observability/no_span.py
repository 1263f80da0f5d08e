"""A missing span proves nothing: the write may well have run, and left no trace.

A worker writes a payment and ends its span, which waits in memory until it is flushed.
Later somebody asks: did the write run? One step is one write, one flush, one query. A
crash takes the unflushed spans with it; the row is in the database or it is not.

Faults: at most two: the trace is not sampled, the worker crashes before the write or
before the flush, the queue to the exporter is full, the query looks at the wrong hour.
Leaves out: a redelivery after the crash, a database that forgets, spans of a write that
was rolled back afterwards.
Source: [@otel-sampling], [@otel-sdk-trace]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[5, 3, 0]

The store of traces answers the same in both worlds; the truth is not the same:

>>> blank = [run for run in explore(no_span_so_it_did_not_run)
...          if "from traces: no span" in run.seen_by("reader")]
>>> len({run.seen_by("reader") for run in blank})
1
>>> sorted({run.result.ran for run in blank})
[False, True]

A span that is there does prove something. Only its absence proves nothing:

>>> {run.result.ran for run in explore(no_span_so_it_did_not_run)
...  if "from traces: a span" in run.seen_by("reader")}
{True}
>>> any(run.result.concluded for run in explore(keep_every_span))
True
"""

from typing import NamedTuple


class Verdict(NamedTuple):
    """Whether the write ran, and what the reader concluded."""

    ran: bool
    concluded: bool | None


def no_span_so_it_did_not_run(world):
    """Sampled traces; what has no span did not run."""
    ran, spans = work(world, sampled=False)
    return Verdict(ran, asked_the_traces(world, spans))


def keep_every_span(world):
    """The same reading, with sampling switched off."""
    ran, spans = work(world, sampled=True)
    return Verdict(ran, asked_the_traces(world, spans))


def ask_the_row(world):
    """Ask the database: the row is written by the effect itself, not about it."""
    ran, _ = work(world, sampled=False)
    world.send("reader", "db", "is there a row?")
    world.receive()
    return Verdict(ran, answer(world, "db", "a row" if ran else "no row") == "a row")


def work(world, sampled):
    """Write the payment; return whether it was written, and the spans that arrived."""
    world.allow(faults=2)
    ran, spans = False, []
    try:
        kept = sampled or not world.choose("the trace is not sampled")
        world.crash("worker", "before the write")
        world.send("worker", "db", "write the payment")
        ran = world.receive() is not None
        world.crash("worker", "before the flush")
        if kept and world.delivers("worker", "traces", "span: write"):
            spans.append("write")
    except world.Crash:
        world.note("worker", "restarts, with no spans")
    return ran, spans


def asked_the_traces(world, spans):
    """Search the last hour, or by mistake another one; no span is read as no write."""
    world.send("reader", "traces", "any span of it?")
    world.receive()
    found = bool(spans) and not world.choose("the query's hour is wrong")
    return answer(world, "traces", "a span" if found else "no span") == "a span"


def answer(world, source, text):
    world.send(source, "reader", text)
    return world.receive().text


variants = (no_span_so_it_did_not_run, keep_every_span, ask_the_row)


def holds(result):
    """The reader reaches a verdict, and the verdict is true."""
    return result.concluded == result.ran


def idle(world):
    """Looks nowhere, and concludes nothing."""
    return Verdict(work(world, sampled=False)[0], None)
