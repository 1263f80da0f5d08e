"""Publish what was committed: the event is a row of the transaction that caused it.

`add` writes the event beside the business row. A relay reads the oldest unsent event of
each key, publishes it, and marks it sent. `SKIP LOCKED` alone would let a second relay
overtake with the key's next event; here the next one is not a candidate until the one
before it is marked.

Guarantees:
    An event is published if and only if its transaction committed, at least once. The
    events of one key are first published in the order of their commits, however many
    relays run.

To whom, as long as:
    To the readers of the broker, as long as a relay runs, every writer uses `add`, and
    no relay publishes after its database connection is gone (a relay that is paused in
    between wakes as a zombie; the broker drops its repeat only inside the window in
    which it remembers message ids).

Does not:
    Publish once. A relay that dies between publish and commit repeats, and past the
    broker's window the repeat is stored: the consumer needs an inbox. There is no
    order between keys.

Source: [@richardson-outbox], [@nats-dedup]

>>> event = Event("0b5e", "order-7", "orders.placed", b"{}")
>>> event.headers
{'Nats-Msg-Id': '0b5e', 'Event-Key': 'order-7'}
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

from nats.js import JetStreamContext
from psycopg import AsyncConnection
from psycopg.rows import class_row

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    place    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id       uuid  NOT NULL DEFAULT gen_random_uuid(),
    key      text  NOT NULL,
    subject  text  NOT NULL,
    body     bytea NOT NULL,
    sent_at  timestamptz
);
CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (key, place) WHERE sent_at IS NULL
"""


class Event(NamedTuple):
    """One event: `id` names it for ever, `key` is what it is ordered by."""

    id: str
    key: str
    subject: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What a broker and a consumer need in order to recognise a repeat."""
        return {"Nats-Msg-Id": self.id, "Event-Key": self.key}


Publish: TypeAlias = Callable[[Event], Awaitable[object]]


async def add(
    connection: AsyncConnection[Any], key: str, subject: str, body: bytes
) -> None:
    """Write one event inside the caller's transaction, which must be open.

    Writers of one key wait for each other until they commit: without that, a later
    place could commit, and be published, before an earlier one.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('outbox ' || %s::text, 0))",
        [key],
    )
    await connection.execute(
        "INSERT INTO outbox (key, subject, body) VALUES (%s, %s, %s)",
        [key, subject, body],
    )


async def relay_once(
    connection: AsyncConnection[Any], publish: Publish, keys: int = 50
) -> int:
    """Publish the oldest unsent event of up to `keys` keys; return how many.

    Call it again until it returns 0, then wait. `publish` must return only when the
    broker has stored the event. If it raises, what was published before it in this
    round is published again later.
    """
    async with connection.transaction():
        cursor = connection.cursor(row_factory=class_row(Event))
        await cursor.execute(
            """
            SELECT id::text, key, subject, body FROM outbox AS oldest
            WHERE sent_at IS NULL AND NOT EXISTS (
                SELECT FROM outbox AS older
                WHERE older.key = oldest.key AND older.sent_at IS NULL
                AND older.place < oldest.place)
            ORDER BY place LIMIT %s
            FOR UPDATE OF oldest SKIP LOCKED
            """,
            [keys],
        )
        events = await cursor.fetchall()
        for event in events:
            await publish(event)
        await connection.execute(
            "UPDATE outbox SET sent_at = now() WHERE id = ANY(%s::uuid[])",
            [[event.id for event in events]],
        )
    return len(events)


def to_jetstream(jetstream: JetStreamContext) -> Publish:
    """Publish to JetStream, and wait until the stream says that it is stored."""

    async def publish(event: Event) -> None:
        await jetstream.publish(event.subject, event.body, headers=event.headers)

    return publish


async def forget(connection: AsyncConnection[Any], older_than: timedelta) -> int:
    """Delete events that were sent longer ago; return how many."""
    deleted = await connection.execute(
        "DELETE FROM outbox WHERE sent_at < now() - %s", [older_than]
    )
    return deleted.rowcount
