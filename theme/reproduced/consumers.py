"""The consumers whose workers are killed: the naive ones, and the recipes together.

Each handles an order from JetStream and writes a charge into a ledger in PostgreSQL
that would take any number of charges for one order. A comment names the point at which
a test kills the worker: right before that line.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from psycopg import AsyncConnection

from snippets.recipes.idempotent_consumer import JSON, Conflict, once
from snippets.recipes.jetstream_consumer import consume
from theme.reproduced.ground import database, jetstream, settled

LEDGER = """
CREATE TABLE charge (
    key text NOT NULL, amount int NOT NULL, CHECK (amount <> 13)
)
"""
FILES = (
    "theme/reproduced/consumers.py",
    "snippets/recipes/idempotent_consumer.py",
    "snippets/recipes/jetstream_consumer.py",
)
ATTEMPTS = 5

Subscription: TypeAlias = JetStreamContext.PullSubscription
Consumer: TypeAlias = Callable[
    [JetStreamContext, Subscription, AsyncConnection[Any], float],
    Awaitable[object],
]


async def ack_last(
    js: JetStreamContext,
    subscription: Subscription,
    ledger: AsyncConnection[Any],
    ack_wait: float,
) -> None:
    """Charge, then ack: the handler that everybody writes first."""
    if message := await _next(subscription, ack_wait):
        await _charge(ledger, message)
        await message.ack_sync()  # ack_last dies before the ack


async def ack_first(
    js: JetStreamContext,
    subscription: Subscription,
    ledger: AsyncConnection[Any],
    ack_wait: float,
) -> None:
    """Ack, then charge."""
    if message := await _next(subscription, ack_wait):
        await message.ack_sync()
        await _charge(ledger, message)  # ack_first dies before the charge


async def done_in_a_table(
    js: JetStreamContext,
    subscription: Subscription,
    ledger: AsyncConnection[Any],
    ack_wait: float,
) -> None:
    """Check a table of done keys, charge, record the key: three transactions."""
    if message := await _next(subscription, ack_wait):
        key = (message.headers or {})["Event-Key"]
        cursor = await ledger.execute("SELECT FROM inbox WHERE key = %s", [key])
        if not await cursor.fetchone():
            await _charge(ledger, message)
            await ledger.execute(  # done_in_a_table dies before the record
                "INSERT INTO inbox VALUES ('table', %s, '') ON CONFLICT DO NOTHING",
                [key],
            )
        await message.ack_sync()


async def recipe(
    js: JetStreamContext,
    subscription: Subscription,
    ledger: AsyncConnection[Any],
    ack_wait: float,
) -> None:
    """The recipes together: the inbox row and the charge in one transaction."""

    async def handle(key: str, body: Any) -> None:
        async def charge(connection: AsyncConnection[Any]) -> JSON:
            await connection.execute(  # recipe dies before the charge
                "INSERT INTO charge VALUES (%s, %s)", [key, body["amount"]]
            )
            return {"charged": body["amount"]}  # recipe dies before the commit

        await once(ledger, "payments", key, body, charge)
        return None  # recipe dies before the ack

    await consume(
        js,
        subscription,
        handle,
        ack_wait,
        attempts=ATTEMPTS,
        poison=(Conflict,),
        delay=lambda deliveries: 0.01,
        wait=ack_wait,
    )


CONSUMERS: dict[str, Consumer] = {
    each.__name__: each for each in (ack_last, ack_first, done_in_a_table, recipe)
}


def work(name: str, url: str, conninfo: str, stream: str, ack_wait: float) -> None:
    """A worker: consume until the stream is done with."""
    asyncio.run(_work(CONSUMERS[name], url, conninfo, stream, ack_wait))


async def _work(
    consumer: Consumer, url: str, conninfo: str, stream: str, ack_wait: float
) -> None:
    async with jetstream(url) as js, database(conninfo) as ledger:
        subscription = await js.pull_subscribe_bind("worker", stream=stream)
        while not await settled(js, stream):
            await consumer(js, subscription, ledger, ack_wait)


async def _next(subscription: Subscription, wait: float) -> Msg | None:
    try:
        (message,) = await subscription.fetch(1, timeout=wait)
    except nats.errors.TimeoutError:
        return None
    return message


async def _charge(ledger: AsyncConnection[Any], message: Msg) -> None:
    key = (message.headers or {})["Event-Key"]
    await ledger.execute("INSERT INTO charge VALUES (%s, 10)", [key])
