"""The call to a provider: one effect there, wherever the worker dies here."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from snippets.recipes import foreign_provider
from snippets.recipes.foreign_provider import Call, Conflict, Refused
from tests.servers.kills import Start, each_line
from theme.reproduced.delivery import PROVIDER, settle
from theme.reproduced.ground import Ground, database, one

FILES = ["snippets/recipes/foreign_provider.py"]
HOUR = timedelta(hours=1)
INTENT = ("order-7", {"amount": 10})


class Answers:
    """A provider that answers from a script: a value to return, an error to raise."""

    def __init__(self, *script: Any, found: Any = None) -> None:
        self._script, self._found = list(script), found
        self.asked: list[str] = []

    async def call(self, key: str, request: Any) -> Any:
        self.asked.append(f"call {key}")
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find(self, reference: str) -> Any:
        self.asked.append(f"find {reference}")
        return self._found


def told(
    ground: Ground, story: Callable[[AsyncConnection[Any]], Awaitable[None]]
) -> None:
    async def main() -> None:
        async with database(ground.database(foreign_provider.SCHEMA)) as connection:
            await foreign_provider.intend(connection, *INTENT)
            await story(connection)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("retention", "honours_keys"),
    [(3600.0, True), (0.0, False)],
    ids=["the key is remembered", "the key is forgotten"],
)
def test_one_charge_wherever_the_worker_dies(
    ground: Ground, retention: float, honours_keys: bool
) -> None:
    theirs = ground.database(PROVIDER)

    async def story(start: Start) -> None:
        ours = ground.database(foreign_provider.SCHEMA)
        async with database(ours) as connection, database(theirs) as book:
            lock = await book.execute("SELECT pg_advisory_lock(7)")
            assert lock.rowcount == 1  # one story at a time has the book
            await book.execute("TRUNCATE book")
            await foreign_provider.intend(connection, *INTENT)
            arguments = (ours, theirs, retention, honours_keys)
            if (await start(*arguments)).killed_at:
                await start(*arguments)
            assert await one(book, "SELECT count(*) FROM book") == 1
            row = await connection.execute("SELECT state, outcome FROM provider_call")
            ((state, outcome),) = await row.fetchall()
            assert state == "done"
            assert outcome == await one(book, "SELECT place FROM book")

    assert asyncio.run(each_line(ground, settle, FILES, story)) > 10


def test_a_timeout_leaves_the_intent_pending_and_the_next_try_has_its_key(
    ground: Ground,
) -> None:
    async def story(connection: AsyncConnection[Any]) -> None:
        provider = Answers(TimeoutError("no answer"), "charge-1")
        with pytest.raises(TimeoutError):
            await foreign_provider.settle(connection, provider, "order-7", 24 * HOUR)
        assert await foreign_provider.pending(connection) == ["order-7"]
        call = await foreign_provider.settle(connection, provider, "order-7", 24 * HOUR)
        assert call == Call("done", "charge-1")
        assert provider.asked == ["call order-7", "call order-7"]
        assert await foreign_provider.pending(connection) == []

    told(ground, story)


def test_past_the_retention_the_provider_is_asked_and_not_charged_again(
    ground: Ground,
) -> None:
    async def story(connection: AsyncConnection[Any]) -> None:
        provider = Answers(TimeoutError("no answer"), found="charge-1")
        with pytest.raises(TimeoutError):
            await foreign_provider.settle(connection, provider, "order-7", 24 * HOUR)
        await connection.execute(
            "UPDATE provider_call SET asked_at = now() - interval '60 hours'"
        )
        call = await foreign_provider.settle(connection, provider, "order-7", 24 * HOUR)
        assert call == Call("done", "charge-1")
        assert provider.asked == ["call order-7", "find order-7"]

    told(ground, story)


def test_a_no_is_kept_and_not_asked_for_again(ground: Ground) -> None:
    async def story(connection: AsyncConnection[Any]) -> None:
        provider = Answers(Refused("card refused"))
        for _ in range(2):
            call = await foreign_provider.settle(
                connection, provider, "order-7", 24 * HOUR
            )
            assert call == Call("refused", "card refused")
        assert provider.asked == ["call order-7"]

    told(ground, story)


def test_the_same_intent_with_another_request_is_refused(ground: Ground) -> None:
    async def story(connection: AsyncConnection[Any]) -> None:
        await foreign_provider.intend(connection, *INTENT)
        with pytest.raises(Conflict, match="another request"):
            await foreign_provider.intend(connection, "order-7", {"amount": 11})

    told(ground, story)


def test_while_one_worker_asks_another_is_turned_away(ground: Ground) -> None:
    async def story() -> None:
        ours = ground.database(foreign_provider.SCHEMA)
        async with database(ours) as first, database(ours) as second:
            await foreign_provider.intend(first, *INTENT)
            inside, go_on = asyncio.Event(), asyncio.Event()

            class Slow(Answers):
                async def call(self, key: str, request: Any) -> Any:
                    inside.set()
                    await go_on.wait()
                    return await super().call(key, request)

            slow, idle = Slow("charge-1"), Answers()
            task = asyncio.create_task(
                foreign_provider.settle(first, slow, "order-7", 24 * HOUR)
            )
            await inside.wait()
            turned_away = await foreign_provider.settle(
                second, idle, "order-7", 24 * HOUR
            )
            assert turned_away is None
            assert idle.asked == []
            go_on.set()
            assert await task == Call("done", "charge-1")

    asyncio.run(story())


def test_it_refuses_a_transaction_that_is_not_its_own(ground: Ground) -> None:
    async def story(connection: AsyncConnection[Any]) -> None:
        async with connection.transaction():
            with pytest.raises(ValueError, match="its own transaction"):
                await foreign_provider.settle(
                    connection, Answers("charge-1"), "order-7", 24 * HOUR
                )

    told(ground, story)
