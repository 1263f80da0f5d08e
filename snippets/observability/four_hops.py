"""A trace id finds what was passed on as a parent; the payment's own id finds it all.

One payment takes four hops: an HTTP call, an outbox row, a message, a webhook. Whoever
wrote a hop's library decided how the context travels there. As a parent the next
span joins the trace; as a link it starts a trace of its own that points back;
dropped, it starts one that points nowhere. One step is one hop.

Faults: each hop links, or drops the header, or neither; all combinations, no limit.
Leaves out: sampling, batches, spans lost on their way to the store, and a hop that
rewrites the message's body.
Source: [@otel-messaging], [@w3c-trace-context]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[80, 65, 0]
>>> {len(list(explore(variant))) for variant in variants}
{81}

Four links, and nothing is broken: five traces, by design, and every span is found.

>>> run = next(run for run in explore(follow_links)
...            if {choice.options[choice.picked] for choice in run.choices} == {"link"})
>>> holds(run.result), run.result.traces
(True, 5)

Only a drop hides a span from those who follow links; a link hides it from the others:

>>> all(holds(run.result) == (not dropped(run)) for run in explore(follow_links))
True
"""

from itertools import pairwise
from typing import NamedTuple

HOPS = {"ui": "HTTP call", "api": "outbox row", "relay": "message", "worker": "webhook"}
NODES = (*HOPS, "shop")


class Found(NamedTuple):
    """The nodes whose span was found, and how many traces there are."""

    nodes: tuple[str, ...]
    traces: int


class Span(NamedTuple):
    """What a node exports: its trace, the trace it links to, and the payment's id."""

    node: str
    trace: str
    link: str | None
    payment: str


def by_trace_id(world):
    """Ask the store for trace T1."""
    spans = pay(world)
    return Found(tuple(s.node for s in spans if s.trace == "T1"), count(spans))


def follow_links(world):
    """Ask for T1, then for every trace that links to one that was found."""
    spans = pay(world)
    found = {"T1"}
    for span in spans:  # a link points back, so one pass finds them all
        if span.link in found:
            found.add(span.trace)
    return Found(tuple(s.node for s in spans if s.trace in found), count(spans))


def by_payment_id(world):
    """Ask for the payment's id, which travels in the body and is on every span."""
    spans = pay(world)
    return Found(tuple(s.node for s in spans if s.payment == "P7"), count(spans))


def pay(world):
    """Send payment P7 over the four hops; return the spans of the five nodes."""
    spans = [Span("ui", "T1", None, "P7")]
    for sender, receiver in pairwise(NODES):
        hop, last = HOPS[sender], spans[-1].trace
        context = world.choose(f"{hop}, context", ("parent", "link", "dropped"))
        trace = last if context == "parent" else f"T{count(spans) + 1}"
        header = "" if context == "dropped" else f", {context} {last}"
        world.send(sender, receiver, f"pay P7{header}")
        world.receive()
        world.note(receiver, f"span in trace {trace}")
        link = last if context == "link" else None
        spans.append(Span(receiver, trace, link, "P7"))
    return spans


def count(spans):
    return len({span.trace for span in spans})


def dropped(run):
    """Did a hop of this run drop the context?"""
    return any(choice.options[choice.picked] == "dropped" for choice in run.choices)


variants = (by_trace_id, follow_links, by_payment_id)


def holds(result):
    """The span of every node that took part is found."""
    return result.nodes == NODES


def idle(world):
    """Looks for nothing, and misses it all."""
    return Found((), count(pay(world)))
