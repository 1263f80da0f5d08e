"""Where a scenario is done again: the servers, the workers, and what was seen."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import nats
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StorageType, StreamConfig
from psycopg import AsyncConnection

from theme.reproduced.servers import Servers
from theme.reproduced.workers import Ended, Workers

DEADLINE = 30.0  # seconds that a condition may take to come true; a limit, no measure

Facts: TypeAlias = dict[str, Any]


class Ground:
    """The servers and the workers; every name that it gives is new."""

    def __init__(self, servers: Servers, workers: Workers) -> None:
        self.servers, self.workers = servers, workers
        self._names = count(1)

    def name(self, what: str) -> str:
        """A name for a stream or a database that nobody else uses."""
        return f"{what}{next(self._names)}"

    def database(self, *tables: str) -> str:
        """A place with these tables and nobody else's; what psycopg connects with."""
        return self.servers.postgres.new_schema(self.name("place"), *tables)

    async def worker(
        self, target: Callable[..., object], *arguments: Any, **options: Any
    ) -> Ended:
        """Run a module's function in a worker; see `Workers.start`."""
        name = f"{target.__module__}:{target.__name__}"
        return await asyncio.wrap_future(
            self.workers.start(name, *arguments, **options)
        )


class Reproduction(NamedTuple):
    """One scenario on real servers: `run` counts facts, `sentence` says them."""

    module: str
    servers: tuple[str, ...]
    sentence: str
    run: Callable[[Ground], Awaitable[Facts]]

    def said(self, facts: Mapping[str, Any]) -> str:
        """The facts as a sentence."""
        return self.sentence.format(**facts)


NATS, POSTGRES, OTEL = "NATS JetStream", "PostgreSQL", "OpenTelemetry SDK"


def reproduces(
    module: str, *servers: str
) -> Callable[[Callable[[Ground], Awaitable[Facts]]], Reproduction]:
    """Make a reproduction of a function, whose docstring is the sentence."""

    def make(run: Callable[[Ground], Awaitable[Facts]]) -> Reproduction:
        sentence = " ".join(inspect.cleandoc(run.__doc__ or "").split())
        return Reproduction(module, servers, sentence, run)

    return make


@asynccontextmanager
async def jetstream(url: str, timeout: float = 5) -> AsyncIterator[JetStreamContext]:
    """A client's connection to JetStream."""

    async def heard(error: Exception) -> None:
        """A server that is killed is part of the story: what matters is asked for."""

    client = await nats.connect(url, error_cb=heard, reconnect_time_wait=0.05)
    try:
        yield client.jetstream(timeout=timeout)
    finally:
        await client.close()


@asynccontextmanager
async def database(conninfo: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection in autocommit mode: outside `transaction()` a statement is one."""
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    async with connection:
        yield connection


async def one(connection: AsyncConnection[Any], query: str, *values: Any) -> Any:
    """The first column of the first row."""
    cursor = await connection.execute(query.encode(), values)
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def stream_of(
    js: JetStreamContext,
    name: str,
    ack_wait: float = 0.4,
    **options: Any,
) -> str:
    """Make a stream for the subject `NAME.>`, and a durable consumer "worker"."""
    await js.add_stream(
        StreamConfig(name, subjects=[f"{name}.>"], storage=StorageType.MEMORY)
    )
    await js.add_consumer(
        name, ConsumerConfig(durable_name="worker", ack_wait=ack_wait, **options)
    )
    return name


async def deliveries(js: JetStreamContext, stream: str) -> int:
    """How often the consumer "worker" was given a message, repeats included."""
    info = await js.consumer_info(stream, "worker")
    assert info.delivered is not None
    given: int = info.delivered.consumer_seq
    return given


async def settled(js: JetStreamContext, stream: str) -> bool:
    """Whether every message of the stream was delivered and acked."""
    info = await js.consumer_info(stream, "worker")
    return not info.num_pending and not info.num_ack_pending


async def stored(js: JetStreamContext, stream: str) -> int:
    """How many messages a stream holds."""
    held: int = (await js.stream_info(stream)).state.messages
    return held


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask again until it is true; raise `TimeoutError` when it never is."""
    deadline = time.monotonic() + DEADLINE
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {DEADLINE:g} seconds for {what}")
        await asyncio.sleep(0.01)
