"""A sampler that draws lots, or waits too briefly, loses the one trace you need.

Four requests pass: two searches, two payments. One payment fails, and its error is on
the last span, the bank's callback. One step is one hop ending its span; the question
afterwards is whether all three spans of the failed payment were stored.

Faults: which payment fails, which request each lot falls on, and how late the last
span comes (0 s, 20 s, 3 h); every combination, no limit.
Leaves out: exporters that drop, collectors that run out of memory, and failing
searches, which the last variant gives up on purpose. The lots count cases; the chances
come from the rates, in `kept`, `failures_for` and `one_whole_trace_in`.
Source: [@otel-sampling], [@otel-tail-sampling]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[378, 18, 2, 0]

The error that comes three hours late is kept, and its story is not:

>>> find(tail_waits, lambda result: not holds(result)).result.spans
('callback',)

What it costs, in spans stored of the twelve that were made:

>>> [find(variant, holds).result.stored for variant in variants]
[3, 3, 3, 6]

Seven failures at 1 % leave one trace with a chance of 6.8 %; an even chance takes 69:

>>> f"{kept(7, 0.01):.1%}", failures_for(0.5, 0.01), one_whole_trace_in(0.1, 5)
('6.8%', 69, 100000)
>>> kept(failures_for(0.5, 0.01) - 1, 0.01) < 0.5 <= kept(failures_for(0.5, 0.01), 0.01)
True
"""

from math import ceil, log
from typing import NamedTuple

HOPS = ("api", "worker", "callback")
ROUTES = ("search", "pay", "search", "pay")  # requests 1 to 4
WAIT = 30  # seconds that the collector holds a trace's first spans


class Stored(NamedTuple):
    """The failed payment's spans that were stored, and how many spans of all."""

    spans: tuple[str, ...]
    stored: int


def each_hop_alone(world):
    """Every hop draws its own lot: one request in four."""
    failed, _ = a_payment_fails(world)
    lots = [world.choose(f"{hop} keeps request", (2, 3, 4, 1)) for hop in HOPS]
    return Stored(told(world, failed, lambda hop: lots[HOPS.index(hop)]), len(HOPS))


def head(world):
    """The API draws one lot for the whole trace, before anything went wrong."""
    failed, _ = a_payment_fails(world)
    lot = world.choose("head keeps request", (2, 3, 4, 1))
    return Stored(told(world, failed, lambda hop: lot), len(HOPS))


def tail_waits(world):
    """The collector waits 30 s, then keeps the trace if it saw an error."""
    failed, late = a_payment_fails(world)
    spans = told(world, failed, lambda hop: failed, too_late=late > WAIT)
    return Stored(spans, len(spans))


def by_route(world):
    """Whoever opens a trace keeps every payment; only searches are sampled."""
    failed, _ = a_payment_fails(world)
    spans = told(world, failed, lambda hop: failed)
    return Stored(spans, len(HOPS) * ROUTES.count("pay"))


def a_payment_fails(world):
    payments = [i for i, route in enumerate(ROUTES, 1) if route == "pay"]
    failed = world.choose("request that fails", payments)
    return failed, world.choose("callback after (s)", (0, 20, 10_800))


def told(world, failed, lot, too_late=False):
    """Tell the failed payment's hops; return those whose span was stored."""
    spans: list[str] = []
    for hop in HOPS:
        if hop == "callback" and too_late:  # it will be judged alone
            world.note("collector", f"{WAIT} s, no error: dropped")
            spans = []
        if lot(hop) == failed:
            error = hop == "callback"
            world.send(hop, "collector", "span: error" if error else "span: ok")
            world.receive("collector")
            spans.append(hop)
        else:
            world.note(hop, "not sampled")
    return tuple(spans)


def kept(failures, rate):
    """The chance (0 to 1) that head sampling at `rate` kept one failing trace."""
    return 1 - (1 - rate) ** failures


def failures_for(chance, rate):
    """How many failures it takes until one is kept with this `chance`."""
    return ceil(log(1 - chance) / log(1 - rate))


def one_whole_trace_in(rate, hops):
    """Of how many traces one is whole, when each hop samples alone at `rate`."""
    return round(rate**-hops)


variants = (each_hop_alone, head, tail_waits, by_route)


def holds(result):
    """The failed payment's trace is stored, and it is whole."""
    return result.spans == HOPS


def idle(world):
    """Stores nothing: a bill of zero, and no failed payment explained."""
    failed, _ = a_payment_fails(world)
    return Stored(told(world, failed, lambda hop: None), 0)
