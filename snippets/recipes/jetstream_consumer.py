"""Consume from JetStream: ack after the commit, and park what cannot be handled.

The handler commits, then the message is acked. While it works the ack deadline is
extended, so that a slow handler is not a second delivery. A message that no retry can
mend goes to a parking stream with its reason, and so does one that has failed, or has
killed its worker, too often. Each parked message has a subject of its own, so parking
it twice leaves one copy.

Guarantees:
    Every message is handled at least once, or ends in the parking stream with a reason.
    None is dropped, and none is retried for ever.

To whom, as long as:
    To the publisher who got an ack, as long as a worker runs, the consumer has explicit
    acks and no `max_deliver` of its own (the server would stop delivering, with no more
    than an advisory), both streams keep their messages until somebody looks, and no
    message is so large that the server's limits leave no room for 1 KB of parking
    headers.

Does not:
    Handle once: the worker may die between commit and ack, so the handler must be
    idempotent. A worker that is paused past the deadline runs beside its successor.
    A retried message is overtaken by the ones behind it.

Source: [@nats-consumers]

>>> read(b'{"order": 7}', {"Event-Key": "order-7"})
('order-7', {'order': 7})
>>> for data, headers in [(b"{", {"Event-Key": "order-7"}), (b"{}", None)]:
...     try:
...         read(data, headers)
...     except Poison as poison:
...         print(poison)
body is no JSON
no Event-Key
>>> parking_subject("ORDERS", 42)
'parked.ORDERS.42'
>>> one_line("no such café:\\n" + "x" * 1000)[:25]
'no such caf\\\\xe9: xxxxxxxx'
>>> [retry_delay(deliveries) for deliveries in (1, 2, 3, 10)]
[1.0, 2.0, 4.0, 60.0]
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

Handle: TypeAlias = Callable[[str, Any], Awaitable[object]]
Delay: TypeAlias = Callable[[int], float]


class Poison(Exception):
    """No retry can mend this message; the text is the reason that is parked with it."""


def read(data: bytes, headers: Mapping[str, str] | None) -> tuple[str, Any]:
    """The key and the body of a message. Raises `Poison` when either is missing."""
    key = (headers or {}).get("Event-Key")
    if not key:
        raise Poison("no Event-Key")
    try:
        return key, json.loads(data)
    except ValueError:
        raise Poison("body is no JSON") from None


def parking_subject(stream: str, sequence: int) -> str:
    """One subject for each message of a stream, so that parking is idempotent."""
    return f"parked.{stream}.{sequence}"


def one_line(reason: str) -> str:
    """A reason as a header can carry it: one line of ASCII, at most 500 characters.

    A server refuses headers above 64 KB, and a message whose parking is refused would
    come back for ever.
    """
    words = " ".join(reason.split())
    return words.encode("ascii", "backslashreplace").decode()[:500]


def retry_delay(deliveries: int) -> float:
    """Seconds to wait before the next delivery: doubled each time, at most 60."""
    return float(min(2 ** (deliveries - 1), 60))


async def open_parking(jetstream: JetStreamContext, replicas: int = 1) -> None:
    """Make the parking stream; one message for each subject, kept until removed."""
    await jetstream.add_stream(
        StreamConfig(
            "PARKED",
            subjects=["parked.>"],
            max_msgs_per_subject=1,
            num_replicas=replicas,
        )
    )


async def consume(
    jetstream: JetStreamContext,
    subscription: JetStreamContext.PullSubscription,
    handle: Handle,
    ack_wait: float,
    attempts: int = 5,
    poison: tuple[type[Exception], ...] = (),
    delay: Delay = retry_delay,
    wait: float = 5,
) -> bool:
    """Take one message and bring it to an end, or hand it back for later.

    `handle(key, body)` returns after its commit. `ack_wait` is the consumer's own, in
    seconds. `poison` are the exceptions, beside `Poison`, that no retry can mend.
    Returns False when nothing came within `wait` seconds.

    An attempt is a delivery, so one that killed its worker counts as well.
    """
    try:
        (message,) = await subscription.fetch(1, timeout=wait)
    except nats.errors.TimeoutError:
        return False
    deliveries = message.metadata.num_delivered
    async with _deadline_extended(message, ack_wait / 3):
        try:
            if deliveries > attempts:
                raise Poison(f"given up after {attempts} deliveries")
            await handle(*read(message.data, message.headers))
        except (Poison, *poison) as reason:  # type: ignore[misc]
            await _park(jetstream, message, str(reason))
        except Exception as error:
            if deliveries < attempts:
                await message.nak(delay=delay(deliveries))
                return True
            why = f"given up after {attempts} deliveries: {error!r}"
            await _park(jetstream, message, why)
        with suppress(nats.errors.TimeoutError):  # unheard: it comes back, a repeat
            await message.ack_sync()
    return True


async def _park(jetstream: JetStreamContext, message: Msg, reason: str) -> None:
    """Store the message as it came. Raises when the stream does not confirm."""
    at = message.metadata
    await jetstream.publish(
        parking_subject(at.stream, at.sequence.stream),
        message.data,
        headers={
            **{  # a message id would make the parking stream take a replay for a repeat
                name: text
                for name, text in (message.headers or {}).items()
                if not name.startswith("Nats-")
            },
            "Parked-Reason": one_line(reason),
            "Parked-Subject": message.subject,
            "Parked-Deliveries": str(at.num_delivered),
        },
    )


@asynccontextmanager
async def _deadline_extended(message: Msg, every: float) -> AsyncIterator[None]:
    async def extend() -> None:
        while True:
            await asyncio.sleep(every)
            await message.in_progress()

    task = asyncio.create_task(extend())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, nats.errors.Error):
            await task
