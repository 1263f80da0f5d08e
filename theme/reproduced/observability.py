"""Truth 2 with the OpenTelemetry SDK, its context in the headers of JetStream."""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, product
from typing import Any

from nats.js import JetStreamContext
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    Decision,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes
from psycopg import AsyncConnection

from snippets.recipes import idempotent_consumer
from snippets.recipes.trace_links import processing, with_context
from theme.reproduced.ground import (
    NATS,
    OTEL,
    POSTGRES,
    Facts,
    Ground,
    database,
    deliveries,
    jetstream,
    one,
    reproduces,
    stream_of,
)

W3C = TraceContextTextMapPropagator()
WAYS = ("parent", "link", "dropped")
NODES = ("ui", "api", "relay", "worker", "shop")
HOPS = 3


class Seeded(IdGenerator):
    """Ids from a seed, so that a sampler which looks at them decides the same again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def generate_trace_id(self) -> int:
        """128 bits, not zero."""
        return self._random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        """64 bits, not zero."""
        return self._random.getrandbits(64) or 1


class OwnLot(Sampler):
    """Every hop draws its own lot, whatever the others drew."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate, self._random = rate, random.Random(seed)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Keep the span, or drop it."""
        kept = self._random.random() < self._rate
        return SamplingResult(Decision.RECORD_AND_SAMPLE if kept else Decision.DROP)

    def get_description(self) -> str:
        """For the SDK's logs."""
        return f"OwnLot({self._rate})"


@contextmanager
def tracing(
    sampler: Sampler = ALWAYS_ON, seed: int = 0
) -> Iterator[tuple[Tracer, InMemorySpanExporter]]:
    """A tracer of the real SDK, and the store that its spans end in."""
    store = InMemorySpanExporter()
    provider = TracerProvider(
        sampler=sampler, id_generator=Seeded(seed), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(store))
    yield provider.get_tracer("chapter"), store
    provider.shutdown()


def by_trace(spans: Sequence[ReadableSpan]) -> dict[int, list[ReadableSpan]]:
    """Finished spans, grouped by the trace they belong to."""
    traces: dict[int, list[ReadableSpan]] = {}
    for span in spans:
        traces.setdefault(span.context.trace_id, []).append(span)
    return traces


@reproduces("observability.sampled_away", OTEL)
async def sampled_away(ground: Ground) -> Facts:
    """of {requests} failing requests over {hops} hops at {rate:.0%}, with ids from a
    seed: `TraceIdRatioBased` kept {head_whole} whole traces and {head_torn} torn ones;
    a lot of its own at every hop left {own_whole} whole and {own_torn} torn. Of
    {customers} customers with seven failures each at 1%, {seen} had at least one
    trace kept."""
    rate, requests, customers = 0.25, 400, 1_000

    def told(sampler: Sampler) -> tuple[int, int]:
        with tracing(sampler) as (tracer, store):
            for _ in range(requests):
                outer = tracer.start_span("api", context=Context())
                for name in ("worker", "callback"):
                    headers: dict[str, str] = {}
                    W3C.inject(headers, context=_within(outer))
                    far = W3C.extract(headers, context=Context())
                    tracer.start_span(name, context=far).end()
                outer.end()
            traces = by_trace(store.get_finished_spans())
        whole = sum(len(spans) == HOPS for spans in traces.values())
        return whole, len(traces) - whole

    with tracing(TraceIdRatioBased(0.01), seed=7) as (tracer, store):
        for customer in range(customers):
            for _ in range(7):
                span = tracer.start_span(
                    "pay", context=Context(), attributes={"customer": customer}
                )
                span.set_status(Status(StatusCode.ERROR))
                span.end()
        kept = [span.attributes or {} for span in store.get_finished_spans()]
    head, own = told(TraceIdRatioBased(rate)), told(OwnLot(rate, seed=3))
    return {
        "requests": requests,
        "hops": HOPS,
        "rate": rate,
        "head_whole": head[0],
        "head_torn": head[1],
        "own_whole": own[0],
        "own_torn": own[1],
        "customers": customers,
        "seen": len({attributes["customer"] for attributes in kept}),
    }


@reproduces("observability.four_hops", OTEL, NATS)
async def four_hops(ground: Ground) -> Facts:
    """one payment over four hops, its context in the headers of real messages, in all
    {combinations} ways of parent, link and dropped: everything was found by the trace
    id in {by_trace} of them, along the links in {by_links}, and by the payment's own
    id in {by_payment}. Four links in a row are {four_links} traces."""
    ways = list(product(WAYS, repeat=len(NODES) - 1))
    found = {"by_trace": 0, "by_links": 0, "by_payment": 0}
    four_links = 0
    async with jetstream(ground.servers.nats.url) as js:
        stream = await stream_of(js, ground.name("hops"), ack_wait=30)
        for way in ways:
            spans = await paid(js, stream, way)
            counts = reached(spans)
            for how, count in counts.items():
                found[how] += count == len(NODES)
            if set(way) == {"link"}:
                four_links = len(by_trace(spans))
    return {"combinations": len(ways), "four_links": four_links, **found}


async def paid(
    js: JetStreamContext, stream: str, way: Sequence[str]
) -> Sequence[ReadableSpan]:
    """Send one payment over as many hops as `way` has; the spans that were exported."""
    subscription = await js.pull_subscribe_bind("worker", stream=stream)
    with tracing() as (tracer, store):
        attributes = {"payment": "P7"}
        with tracer.start_as_current_span(NODES[0], Context(), attributes=attributes):
            headers = with_context({})
        for (_, node), how in zip(pairwise(NODES), way, strict=True):
            kept = {"Payment": "P7"} if how == "dropped" else headers
            await js.publish(f"{stream}.{node}", b"pay P7", headers=kept)
            (message,) = await subscription.fetch(1)
            await message.ack_sync()
            arrived = message.headers or {}
            if how == "link":
                with processing(tracer, node, [arrived]) as span:
                    span.set_attributes(attributes)
                    headers = with_context({})
            else:
                far = W3C.extract(arrived, context=Context())
                with tracer.start_as_current_span(node, far, attributes=attributes):
                    headers = with_context({})
        return store.get_finished_spans()


def reached(spans: Sequence[ReadableSpan]) -> dict[str, int]:
    """How many spans each way of asking finds, from the first span's trace."""
    first = spans[0].context.trace_id
    traces = {first}
    for span in spans:  # in the order of the hops: a link points back
        if any(link.context.trace_id in traces for link in span.links):
            traces.add(span.context.trace_id)
    return {
        "by_trace": sum(span.context.trace_id == first for span in spans),
        "by_links": sum(span.context.trace_id in traces for span in spans),
        "by_payment": sum(
            (span.attributes or {}).get("payment") == "P7" for span in spans
        ),
    }


@reproduces("observability.who_lied_first", OTEL, NATS, POSTGRES)
async def who_lied_first(ground: Ground) -> Facts:
    """the worker committed the payment, lost its ack and was given event E9 again, and
    nobody took its callback: {spans} spans in {traces} traces, {linked} of them linked
    to the click; delivery count {deliveries}, {rows} row, {errors} error, in the span
    of the UI that timed out. No span says which try wrote the row; the row
    that the worker wrote with the payment does: "{written_by}"."""
    schema = "CREATE TABLE payment (key text NOT NULL)"
    store_of_record = ground.database(schema, idempotent_consumer.SCHEMA)
    async with (
        jetstream(ground.servers.nats.url) as js,
        database(store_of_record) as connection,
    ):
        stream = await stream_of(js, ground.name("pay"), ack_wait=0.1)
        subscription = await js.pull_subscribe_bind("worker", stream=stream)
        with tracing() as (tracer, store):
            callback: asyncio.Future[str] = asyncio.Future()  # nobody ever completes it
            with tracer.start_as_current_span("ui: pay", Context()) as ui:
                with tracer.start_as_current_span("api: publish E9"):
                    headers = with_context({"Event-Key": "E9"})
                    body = json.dumps({"amount": 10}).encode()
                    await js.publish(f"{stream}.pay", body, headers=headers)
                try:
                    await asyncio.wait_for(callback, timeout=0.01)
                except TimeoutError:
                    ui.set_status(Status(StatusCode.ERROR, "timed out"))

            for delivery in (1, 2):
                (message,) = await subscription.fetch(1)
                assert message.metadata.num_delivered == delivery
                with processing(tracer, "worker: E9", [message.headers or {}]):
                    await idempotent_consumer.once(
                        connection, "worker", "E9", body.decode(), _written_by(delivery)
                    )
            await message.ack_sync()
            spans = store.get_finished_spans()
        written_by = await one(connection, "SELECT response FROM inbox")
        rows = await one(connection, "SELECT count(*) FROM payment")
        given = await deliveries(js, stream)
    return {
        "spans": len(spans),
        "traces": len(by_trace(spans)),
        "linked": sum(bool(span.links) for span in spans),
        "deliveries": given,
        "rows": rows,
        "errors": sum(span.status.status_code is StatusCode.ERROR for span in spans),
        "written_by": written_by,
    }


def _written_by(delivery: int) -> idempotent_consumer.Effect:
    async def write(connection: AsyncConnection[Any]) -> idempotent_consumer.JSON:
        await connection.execute("INSERT INTO payment VALUES ('E9')")
        return f"delivery {delivery}"

    return write


def _within(span: Span) -> Context:
    return set_span_in_context(span, Context())
