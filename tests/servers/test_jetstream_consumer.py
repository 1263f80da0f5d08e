"""The consumer: it keeps its deadline, hands back what may mend, and parks the rest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError

from snippets.recipes.jetstream_consumer import Poison, consume, open_parking
from theme.reproduced.delivery import parked_of
from theme.reproduced.ground import Ground, deliveries, jetstream, settled, stream_of

ACK_WAIT = 0.3


@asynccontextmanager
async def orders(
    ground: Ground, *bodies: bytes, ack_wait: float = ACK_WAIT
) -> AsyncIterator[tuple[JetStreamContext, str, JetStreamContext.PullSubscription]]:
    """A stream with these bodies, each under a key, and a subscription to it."""
    async with jetstream(ground.servers.nats.url) as js:
        await open_parking(js)
        stream = await stream_of(js, ground.name("orders"), ack_wait)
        for number, body in enumerate(bodies, 1):
            headers = {"Event-Key": f"order-{number}", "Nats-Msg-Id": f"{number}"}
            await js.publish(f"{stream}.created", body, headers=headers)
        yield js, stream, await js.pull_subscribe_bind("worker", stream=stream)


def failing(error: Exception, times: int) -> tuple[list[str], Callable[..., Any]]:
    """A handler that fails so often, and the keys that it was given."""
    seen: list[str] = []

    async def handle(key: str, body: Any) -> None:
        seen.append(key)
        if len(seen) <= times:
            raise error

    return seen, handle


def told(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 30))


def test_a_slow_handler_is_not_given_its_message_twice(ground: Ground) -> None:
    async def story() -> None:
        async with orders(ground, b"{}") as (js, stream, subscription):
            handled = []

            async def slow(key: str, body: Any) -> None:
                other = await js.pull_subscribe_bind("worker", stream=stream)
                with pytest.raises(TimeoutError):  # three deadlines, and nothing comes
                    await other.fetch(1, timeout=3 * ACK_WAIT)
                handled.append(key)

            assert await consume(js, subscription, slow, ACK_WAIT)
            assert handled == ["order-1"]
            assert await deliveries(js, stream) == 1
            assert await settled(js, stream)

    told(story)


def test_a_failure_that_mends_itself_is_tried_again(ground: Ground) -> None:
    async def story() -> None:
        async with orders(ground, b"{}") as (js, stream, subscription):
            seen, handle = failing(TimeoutError("database away"), times=2)
            while not await settled(js, stream):
                await consume(
                    js, subscription, handle, ACK_WAIT, delay=lambda n: 0.001 * n
                )
            assert seen == ["order-1"] * 3
            assert await parked_of(js, stream) == {}

    told(story)


def test_a_failure_that_stays_is_parked_with_its_reason(ground: Ground) -> None:
    async def story() -> None:
        async with orders(ground, b'{"n": 1}') as (js, stream, subscription):
            seen, handle = failing(TimeoutError("database\naway"), times=100)
            while not await settled(js, stream):
                await consume(
                    *(js, subscription, handle, ACK_WAIT),
                    attempts=3,
                    delay=lambda n: 0.001,
                )
            assert len(seen) == 3
            reason = "given up after 3 deliveries: TimeoutError('database\\naway')"
            assert await parked_of(js, stream) == {1: reason}
            message = await js.get_last_msg("PARKED", f"parked.{stream}.1")
            assert message.data == b'{"n": 1}'
            headers = message.headers or {}
            assert headers["Event-Key"] == "order-1"
            assert headers["Parked-Subject"] == f"{stream}.created"
            assert headers["Parked-Deliveries"] == "3"

    told(story)


def test_poison_does_not_hold_up_the_messages_behind_it(ground: Ground) -> None:
    async def story() -> None:
        bodies = (b"{", b"\xff\xfe", b"{}")
        async with orders(ground, *bodies) as (js, stream, subscription):
            seen, handle = failing(Poison("unused"), times=0)
            for _ in bodies:
                assert await consume(js, subscription, handle, ACK_WAIT)
            assert seen == ["order-3"]
            reason = "body is no JSON"
            assert await parked_of(js, stream) == {1: reason, 2: reason}
            assert await settled(js, stream)

    told(story)


@pytest.mark.parametrize(
    ("reason", "parked"),
    [
        ("x" * 200_000, "x" * 500),  # the server takes 64 KB of headers
        ("no such café", r"no such caf\xe9"),
        ("a\r\nParked-Deliveries: 0", "a Parked-Deliveries: 0"),
        ("", ""),
    ],
    ids=["long", "not ASCII", "two lines", "empty"],
)
def test_a_message_is_parked_whatever_its_reason_looks_like(
    ground: Ground, reason: str, parked: str
) -> None:
    async def story() -> None:
        async with orders(ground, b"{}") as (js, stream, subscription):
            _, handle = failing(Poison(reason), times=1)
            assert await consume(js, subscription, handle, ACK_WAIT)
            assert await parked_of(js, stream) == {1: parked}
            assert await settled(js, stream)

    told(story)


def test_what_cannot_be_parked_is_neither_acked_nor_lost(ground: Ground) -> None:
    async def story() -> None:
        async with orders(ground, b"{") as (js, stream, subscription):
            _, handle = failing(Poison("unused"), times=0)
            await js.delete_stream("PARKED")
            with pytest.raises(NoStreamResponseError):
                await consume(js, subscription, handle, ACK_WAIT)
            assert not await settled(js, stream)
            await open_parking(js)
            while not await settled(js, stream):
                await consume(js, subscription, handle, ACK_WAIT, wait=ACK_WAIT)
            assert await parked_of(js, stream) == {1: "body is no JSON"}

    told(story)


def test_an_empty_stream_gives_nothing(ground: Ground) -> None:
    async def story() -> None:
        async with orders(ground) as (js, _, subscription):
            _, handle = failing(Poison("unused"), times=0)
            assert not await consume(js, subscription, handle, ACK_WAIT, wait=0.05)

    told(story)


def test_a_late_ack_by_the_first_holder_is_taken(ground: Ground) -> None:
    async def story() -> None:
        async with orders(ground, b"{}", ack_wait=0.1) as (js, stream, subscription):
            (first,) = await subscription.fetch(1)
            (second,) = await subscription.fetch(1)
            assert second.metadata.num_delivered == 2
            await first.ack_sync()
            assert await settled(js, stream)  # though the second holder still works

    told(story)
