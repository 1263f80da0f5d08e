"""The trace over a message: a trace of its own, and a link to whoever made it."""

from opentelemetry.context import Context

from snippets.recipes.trace_links import links, processing, with_context
from theme.reproduced.observability import tracing

BROKEN = {"traceparent": "00-nothing-at-all-01"}


def test_a_span_that_happens_to_be_open_does_not_adopt_the_processing() -> None:
    with tracing() as (tracer, _):
        with tracer.start_as_current_span("made", Context()) as made:
            headers = with_context({})
        with (
            tracer.start_as_current_span("poll", Context()) as poll,
            processing(tracer, "process", [headers]) as span,
        ):
            ids = {each.get_span_context().trace_id for each in (made, poll, span)}
    assert len(ids) == 3


def test_a_batch_has_a_link_for_each_message_in_its_order() -> None:
    with tracing() as (tracer, store):
        made, batch = [], []
        for number in range(3):
            with tracer.start_as_current_span(f"made {number}", Context()) as span:
                made.append(span.get_span_context().span_id)
                batch.append(with_context({}))
        with processing(tracer, "process", batch):
            pass
        *_, handled = store.get_finished_spans()
    assert [link.context.span_id for link in links(batch)] == made
    assert [link.context.span_id for link in handled.links] == made


def test_a_message_without_a_readable_context_is_counted_and_not_linked() -> None:
    with tracing() as (tracer, store):
        with processing(tracer, "process", [{}, BROKEN]):
            pass
        (span,) = store.get_finished_spans()
    assert len(span.links) == 0
    assert (span.attributes or {})["messages.without_context"] == 2


def test_the_headers_that_were_there_are_kept_and_not_changed_in_place() -> None:
    before = {"Event-Key": "order-7"}
    with tracing() as (tracer, _), tracer.start_as_current_span("made", Context()):
        after = with_context(before)
    assert before == {"Event-Key": "order-7"}
    assert after.keys() == {"Event-Key", "traceparent"}
