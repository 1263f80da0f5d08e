"""Handle a redelivered message once: its key and its effect commit together.

The claim of the key is one `INSERT` that the primary key arbitrates. It stands in the
same transaction as the effect, so a worker that dies leaves both or neither. There is
no "in progress" state to clean up: nobody can see a claim that has not committed, and
a second worker with the same key waits for the first one to commit or to die.

Guarantees:
    The rows that `effect` writes are written once per (consumer, key), and every
    repeat gets the response of the first. The same key with another body is refused
    with `Conflict`, and changes nothing.

To whom, as long as:
    To every consumer of one PostgreSQL database that shares the `inbox` table, as long
    as the row is kept: never `forget` sooner than the longest way on which a message
    can come back, replays of parked messages included. `effect` must use the
    connection it is given, and must not commit on it.

Does not:
    Cover what leaves the database. A card charged or a mail sent inside `effect` is
    repeated when the commit fails: see the recipes for a foreign provider and for an
    outbox. It does not put messages in order either.

Source: [@brandur-idempotency], [@aws-idempotent-apis]

>>> fingerprint({"amount": 10, "card": 1}) == fingerprint({"card": 1, "amount": 10})
True
>>> fingerprint({"amount": 10}) == fingerprint({"amount": 11})
False
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

JSON: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None
Effect: TypeAlias = Callable[[AsyncConnection[Any]], Awaitable[JSON]]

SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
    consumer    text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    response    jsonb,
    done_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, key)
)
"""


class Answer(NamedTuple):
    """What the effect returned, now or the first time."""

    response: JSON
    replayed: bool


class Conflict(Exception):
    """A known key came with another body: two intents share one key. Do not retry."""


def fingerprint(body: JSON) -> str:
    """The SHA-256 of a body, in hex; the order of its fields does not matter."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


async def once(
    connection: AsyncConnection[Any],
    consumer: str,
    key: str,
    body: JSON,
    effect: Effect,
    patience: timedelta = timedelta(seconds=5),
) -> Answer:
    """Run `effect` unless `key` is done; return its response, stored or fresh.

    `patience` bounds the wait for another worker that holds the same key.

    Raises:
        ValueError: `connection` is in a transaction.
        Conflict: the key is known with another body.
        psycopg.errors.LockNotAvailable: the other worker outlasted `patience`; retry.
        Exception: whatever `effect` raises; then nothing of it was written.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("once must commit before it returns: no outer transaction")
    mark = fingerprint(body)
    async with connection.transaction():
        await connection.execute(
            "SELECT set_config('lock_timeout', %s, true)",
            [f"{patience // timedelta(milliseconds=1)}ms"],
        )
        claim = await connection.execute(
            "INSERT INTO inbox (consumer, key, fingerprint) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [consumer, key, mark],
        )
        if claim.rowcount == 0:  # the key is there, and its transaction has committed
            return await _first_answer(connection, consumer, key, mark)
        response = await effect(connection)
        await connection.execute(
            "UPDATE inbox SET response = %s WHERE consumer = %s AND key = %s",
            [Jsonb(response), consumer, key],
        )
    return Answer(response, replayed=False)


async def forget(connection: AsyncConnection[Any], older_than: timedelta) -> int:
    """Delete the keys that are older; return how many. Their repeats count as new."""
    deleted = await connection.execute(
        "DELETE FROM inbox WHERE done_at < now() - %s", [older_than]
    )
    return deleted.rowcount


async def _first_answer(
    connection: AsyncConnection[Any], consumer: str, key: str, mark: str
) -> Answer:
    found = await connection.execute(
        "SELECT fingerprint, response FROM inbox WHERE consumer = %s AND key = %s",
        [consumer, key],
    )
    row = await found.fetchone()
    if row is None:  # forgotten between the two statements
        raise LookupError(f"key {key!r} was forgotten while it was read; retry")
    known, response = row
    if known != mark:
        raise Conflict(f"key {key!r} is known with another body")
    return Answer(response, replayed=True)
