"""Call a provider that shares no transaction with you: decide first, ask, then record.

The intent is a row of yours, committed before any I/O, and its name is the key that
the provider sees. A call that stays without an answer leaves the row pending: unknown
is not failed. Whoever comes next sends the same key again while the provider still
remembers it. After that a repeat would be a new order, so the provider is asked by your
reference instead.

Guarantees:
    One effect at the provider per intent, and a pending row for each intent whose
    outcome nobody has heard yet. The same intent with another request is refused.

To whom, as long as:
    To you and the provider's customer, as long as the intent is named before the first
    attempt, the provider honours keys for `retention` and finds by reference what it
    did, no call of a lost attempt is still under way when `retention` has passed, and
    `settle` is called until nothing is pending.

Does not:
    Help with a provider that has neither keys nor a lookup: then you choose between
    lost and double. It does not tell two identical purchases from one that is repeated:
    whoever names the intent does.

Source: [@stripe-idempotency], [@aws-idempotent-apis], [@brandur-idempotency]

>>> from datetime import timedelta
>>> day = timedelta(hours=24)
>>> [next_step(timedelta(hours=age), day, margin=day / 4) for age in (0, 17, 18, 30)]
['repeat', 'repeat', 'look up', 'look up']
"""

from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

JSON: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None
State: TypeAlias = Literal["pending", "done", "refused"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS provider_call (
    intent   text  PRIMARY KEY,
    request  jsonb NOT NULL,
    state    text  NOT NULL DEFAULT 'pending'
             CHECK (state IN ('pending', 'done', 'refused')),
    outcome  jsonb,
    asked_at timestamptz
);
CREATE INDEX IF NOT EXISTS provider_call_pending
    ON provider_call (intent) WHERE state = 'pending'
"""


class Provider(Protocol):
    """What the recipe needs of a provider. Put a timeout on both calls."""

    async def call(self, key: str, request: JSON) -> JSON:
        """Do it, or return what was done for `key`. Raises `Refused` when it is a no.

        Any other exception counts as unknown: it may have happened, or may yet happen.
        """
        ...

    async def find(self, reference: str) -> JSON:
        """What was done for this reference of ours, or None."""
        ...


class Refused(Exception):
    """The provider said no, and will say no again."""


class Conflict(Exception):
    """A known intent came with another request. Do not retry."""


class Call(NamedTuple):
    """Where an intent stands; `outcome` is the provider's answer, or its reason."""

    state: State
    outcome: JSON


def next_step(
    age: timedelta, retention: timedelta, margin: timedelta
) -> Literal["repeat", "look up"]:
    """What is safe for a call first sent `age` ago: the same key again, or a lookup."""
    return "repeat" if age < retention - margin else "look up"


async def intend(connection: AsyncConnection[Any], intent: str, request: JSON) -> None:
    """Write the intent down. Commit it (here, or with the caller's rows) before I/O.

    Raises:
        Conflict: the intent is known with another request.
    """
    await connection.execute(
        "INSERT INTO provider_call (intent, request) VALUES (%s, %s)"
        " ON CONFLICT DO NOTHING",
        [intent, Jsonb(request)],
    )
    same = await connection.execute(
        "SELECT request = %s FROM provider_call WHERE intent = %s",
        [Jsonb(request), intent],
    )
    if await same.fetchone() != (True,):
        raise Conflict(f"intent {intent!r} is known with another request")


async def settle(
    connection: AsyncConnection[Any],
    provider: Provider,
    intent: str,
    retention: timedelta,
    margin: timedelta = timedelta(hours=1),
) -> Call | None:
    """Bring one intent to its end, or as far as it goes now.

    For the first attempt, for a retry, and for reconciliation. Returns None when
    another worker holds the intent.

    Raises:
        ValueError: `connection` is in a transaction.
        Exception: what `provider` raised. The row stays pending: call again later.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("settle commits before it calls: it needs its own transaction")
    async with connection.transaction():
        await connection.execute(
            "UPDATE provider_call SET asked_at = now()"
            " WHERE intent = %s AND asked_at IS NULL",
            [intent],
        )
    async with connection.transaction():
        cursor = await connection.execute(
            "SELECT state, outcome, request, now() - asked_at FROM provider_call"
            " WHERE intent = %s FOR UPDATE SKIP LOCKED",
            [intent],
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        state, outcome, request, age = row
        if state != "pending":
            return Call(state, outcome)
        call = await _ask(provider, intent, request, next_step(age, retention, margin))
        await connection.execute(
            "UPDATE provider_call SET state = %s, outcome = %s WHERE intent = %s",
            [call.state, Jsonb(call.outcome), intent],
        )
        return call


async def pending(connection: AsyncConnection[Any], limit: int = 100) -> list[str]:
    """Intents without an outcome, oldest question first: call `settle` on each."""
    cursor = await connection.execute(
        "SELECT intent FROM provider_call WHERE state = 'pending'"
        " ORDER BY asked_at NULLS FIRST, intent LIMIT %s",
        [limit],
    )
    return [intent for (intent,) in await cursor.fetchall()]


async def _ask(
    provider: Provider, intent: str, request: JSON, step: Literal["repeat", "look up"]
) -> Call:
    if step == "look up":
        found = await provider.find(intent)
        if found is not None:
            return Call("done", found)
    try:
        return Call("done", await provider.call(intent, request))
    except Refused as no:
        return Call("refused", str(no))
