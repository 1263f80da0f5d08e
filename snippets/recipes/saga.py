"""Run the steps of a saga, each recorded; when one is refused, undo in reverse order.

A compensation is a new action and not a rollback: others may have seen what it undoes.
So whatever cannot be undone comes after everything that can still be refused, and
`check` says so before anything runs. The runner may die anywhere and run a step or a
compensation again, so each carries a key, and its participant records that key together
with its effect. A compensation that comes first leaves a tombstone, and the step that
comes late is refused.

Guarantees:
    A saga that is resumed until it ends is either done, with every step done, or
    undone, with every step that was started compensated. Each step and compensation
    takes effect at most once.

To whom, as long as:
    To the owner of the business process, as long as somebody calls `run` until it ends,
    participants use `act_once` and `undo_once` (or keep the same promise), and no
    compensation is refused.

Does not:
    Isolate. Other sagas see the steps of one that is still running, or will be undone.
    It cannot take back what a person has read.

Source: [@sagas-1987], [@richardson-2018]

>>> async def nothing(key): ...
>>> reserve = Step("reserve", nothing, undo=nothing)
>>> charge = Step("charge", nothing, undo=nothing)
>>> mail = Step("mail", nothing)
>>> check([reserve, charge, mail])
>>> check([reserve, mail, charge])
Traceback (most recent call last):
ValueError: charge may be refused after mail, which cannot be undone
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from psycopg import AsyncConnection

Action: TypeAlias = Callable[[str], Awaitable[object]]
Effect: TypeAlias = Callable[[AsyncConnection[Any]], Awaitable[object]]
State: TypeAlias = Literal["running", "undoing", "done", "undone"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS saga (
    id    text PRIMARY KEY,
    state text NOT NULL DEFAULT 'running'
);
CREATE TABLE IF NOT EXISTS saga_step (
    saga  text NOT NULL REFERENCES saga,
    step  text NOT NULL,
    state text NOT NULL CHECK (state IN ('started', 'done', 'undone')),
    PRIMARY KEY (saga, step)
);
CREATE TABLE IF NOT EXISTS saga_effect (
    key   text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('done', 'undone'))
)
"""


class Step(NamedTuple):
    """One step. `act` and `undo` get a key that names this step of this saga.

    A step with `undo` may raise `Refused`. One without cannot be undone: it, and all
    that follows it, must succeed when it is retried.
    """

    name: str
    act: Action
    undo: Action | None = None


class Refused(Exception):
    """A participant says no for good; any other exception means: try again later."""


class Busy(Exception):
    """Another runner holds this saga; it will go on by itself, or die and let go."""


def check(steps: Sequence[Step]) -> None:
    """Raise `ValueError` when a step that may be refused follows one without undo."""
    final: str | None = None
    for step in steps:
        if step.undo is None:
            final = final or step.name
        elif final is not None:
            raise ValueError(
                f"{step.name} may be refused after {final}, which cannot be undone"
            )


async def run(
    connection: AsyncConnection[Any], saga: str, steps: Sequence[Step]
) -> State:
    """Start the saga, or go on where a runner left it; return "done" or "undone".

    Each mark is its own commit, and the lock that keeps a second runner out lives as
    long as the connection.

    Raises:
        ValueError: the steps are in an order that cannot be undone, or `connection` is
            not in autocommit mode.
        Busy: another runner is at work.
        Exception: what a step or a compensation raised; call `run` again later.
    """
    check(steps)
    if not connection.autocommit:
        raise ValueError("each mark is its own commit: open it with autocommit=True")
    lock = "hashtextextended('saga ' || %s::text, 0)"
    if not await _value(connection, f"SELECT pg_try_advisory_lock({lock})", saga):
        raise Busy(saga)
    try:
        await connection.execute(
            "INSERT INTO saga (id) VALUES (%s) ON CONFLICT DO NOTHING", [saga]
        )
        state = await _value(connection, "SELECT state FROM saga WHERE id = %s", saga)
        if state == "running":
            state = await _forward(connection, saga, steps)
        if state == "undoing":
            state = await _backward(connection, saga, steps)
        return state  # type: ignore[no-any-return]
    finally:
        if not connection.broken:
            await _value(connection, f"SELECT pg_advisory_unlock({lock})", saga)


async def act_once(connection: AsyncConnection[Any], key: str, effect: Effect) -> None:
    """A participant's side of a step: the effect and its key in one transaction.

    Raises:
        Refused: the compensation of this key came first and left a tombstone.
    """
    async with connection.transaction():
        new = await connection.execute(
            "INSERT INTO saga_effect VALUES (%s, 'done') ON CONFLICT DO NOTHING", [key]
        )
        if new.rowcount:
            await effect(connection)
        elif await _effect(connection, key) == "undone":
            raise Refused(f"{key} was cancelled before it came")


async def undo_once(connection: AsyncConnection[Any], key: str, effect: Effect) -> None:
    """A participant's side of a compensation: once, and only what was done."""
    async with connection.transaction():
        tombstone = await connection.execute(
            "INSERT INTO saga_effect VALUES (%s, 'undone') ON CONFLICT DO NOTHING",
            [key],
        )
        if tombstone.rowcount == 0 and await _effect(connection, key) == "done":
            await effect(connection)
            await connection.execute(
                "UPDATE saga_effect SET state = 'undone' WHERE key = %s", [key]
            )


async def _forward(
    connection: AsyncConnection[Any], saga: str, steps: Sequence[Step]
) -> State:
    marks = await _marks(connection, saga)
    for step in steps:
        if marks.get(step.name) == "done":
            continue
        await _mark(connection, saga, step, "started")
        try:
            await step.act(f"{saga}:{step.name}")
        except Refused:
            if step.undo is None:  # past the point of no return: retry, or ask a human
                raise
            return await _turn(connection, saga, "undoing")
        await _mark(connection, saga, step, "done")
    return await _turn(connection, saga, "done")


async def _backward(
    connection: AsyncConnection[Any], saga: str, steps: Sequence[Step]
) -> State:
    marks = await _marks(connection, saga)
    for step in reversed(steps):
        if step.undo is not None and marks.get(step.name) in ("started", "done"):
            await step.undo(f"{saga}:{step.name}")
            await _mark(connection, saga, step, "undone")
    return await _turn(connection, saga, "undone")


async def _turn(connection: AsyncConnection[Any], saga: str, state: State) -> State:
    await connection.execute("UPDATE saga SET state = %s WHERE id = %s", [state, saga])
    return state


async def _mark(
    connection: AsyncConnection[Any], saga: str, step: Step, state: str
) -> None:
    await connection.execute(
        "INSERT INTO saga_step VALUES (%s, %s, %s)"
        " ON CONFLICT (saga, step) DO UPDATE SET state = EXCLUDED.state",
        [saga, step.name, state],
    )


async def _marks(connection: AsyncConnection[Any], saga: str) -> dict[str, str]:
    cursor = await connection.execute(
        "SELECT step, state FROM saga_step WHERE saga = %s", [saga]
    )
    return dict(await cursor.fetchall())


async def _effect(connection: AsyncConnection[Any], key: str) -> Any:
    question = "SELECT state FROM saga_effect WHERE key = %s FOR UPDATE"
    return await _value(connection, question, key)


async def _value(connection: AsyncConnection[Any], query: Any, value: str) -> Any:
    cursor = await connection.execute(query, [value])
    row = await cursor.fetchone()
    return row[0] if row else None
