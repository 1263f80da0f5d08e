"""Carry the trace over a message: its context in the headers, a link on the far side.

A message may be handled hours after it was made, several at once, or twice. So the span
of the processing is not a child inside the sender's trace: it starts a trace of its own
and links to the span that made each message. Two trace ids are then correct, and the
link is the bridge between them.

Guarantees:
    A processing span carries one link for each message whose headers hold a valid W3C
    `traceparent`, sampled or not, and says how many messages came without one.

To whom, as long as:
    To whoever reads the traces, as long as every hop hands the headers on: broker,
    batch, outbox row, and replay from a parking place.

Does not:
    Keep the far end. A link points at a span that may never have been sampled or
    exported. It does not show why a handler decided as it did.

Source: [@otel-messaging]

>>> from opentelemetry.sdk.trace import TracerProvider
>>> tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shop")
>>> with tracer.start_as_current_span("create order-7") as made:
...     headers = with_context({"Event-Key": "order-7"})
>>> sorted(headers)
['Event-Key', 'traceparent']
>>> with processing(tracer, "process orders", [headers, {}]) as span:
...     [link.context.span_id == made.get_span_context().span_id for link in span.links]
[True]
>>> span.context.trace_id == made.get_span_context().trace_id
False
>>> span.attributes["messages.without_context"]
1
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


def with_context(headers: Mapping[str, str]) -> dict[str, str]:
    """A copy of `headers` that also carries the context of the current span.

    Call it where the message is made, and store the headers with it: a context taken
    in a relay would point at the relay.
    """
    carrier = dict(headers)
    _W3C.inject(carrier)
    return carrier


def links(messages: Sequence[Mapping[str, str]]) -> list[Link]:
    """One link for each message whose headers hold a valid context, in their order."""
    contexts = [
        get_current_span(
            _W3C.extract(dict(headers), context=Context())
        ).get_span_context()
        for headers in messages
    ]
    return [Link(context) for context in contexts if context.is_valid]


@contextmanager
def processing(
    tracer: Tracer, name: str, messages: Sequence[Mapping[str, str]]
) -> Iterator[Span]:
    """A span for handling `messages` (their headers): a new trace, linked to each."""
    found = links(messages)
    with tracer.start_as_current_span(
        name,
        context=Context(),  # empty, so that no span which happens to be open adopts it
        kind=SpanKind.CONSUMER,
        links=found,
        attributes={"messages.without_context": len(messages) - len(found)},
    ) as span:
        yield span
