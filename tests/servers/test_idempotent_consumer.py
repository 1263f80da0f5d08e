"""The inbox: one effect for a key, whoever else comes and whatever fails."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from snippets.recipes import idempotent_consumer as inbox
from theme.reproduced.ground import Ground, database, one
from theme.reproduced.servers import Servers

LEDGER = "CREATE TABLE charge (key text NOT NULL, note text)"
CHARGES = "SELECT count(*) FROM charge"
ROOM = 20 * 2**20  # bytes: more than a segment of the write-ahead log has


def charge(key: str) -> inbox.Effect:
    async def write(connection: AsyncConnection[Any]) -> inbox.JSON:
        await connection.execute("INSERT INTO charge VALUES (%s)", [key])
        return {"charged": key}

    return write


def told(
    ground: Ground,
    story: Callable[[AsyncConnection[Any], AsyncConnection[Any]], Awaitable[None]],
) -> None:
    async def main() -> None:
        place = ground.database(LEDGER, inbox.SCHEMA)
        async with database(place) as first, database(place) as second:
            await story(first, second)

    asyncio.run(main())


def test_a_repeat_gets_the_first_answer_and_no_effect(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        answers = [
            await inbox.once(each, "payments", "order-7", {"n": 1}, charge("order-7"))
            for each in (first, second)
        ]
        assert answers == [
            inbox.Answer({"charged": "order-7"}, replayed=False),
            inbox.Answer({"charged": "order-7"}, replayed=True),
        ]
        assert await one(first, CHARGES) == 1

    told(ground, story)


def test_a_worker_waits_for_another_with_its_key_and_gets_its_answer(
    ground: Ground,
) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        inside, go_on = asyncio.Event(), asyncio.Event()

        async def slow(connection: AsyncConnection[Any]) -> inbox.JSON:
            inside.set()
            await go_on.wait()
            return await charge("order-7")(connection)

        tasks = [asyncio.create_task(inbox.once(first, "payments", "k", 1, slow))]
        await inside.wait()
        tasks.append(
            asyncio.create_task(
                inbox.once(second, "payments", "k", 1, charge("order-7"))
            )
        )
        go_on.set()
        answers = await asyncio.gather(*tasks)
        assert [answer.replayed for answer in answers] == [False, True]
        assert await one(first, CHARGES) == 1

    told(ground, story)


def test_a_worker_that_waits_too_long_is_told_to_come_back(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        inside, go_on = asyncio.Event(), asyncio.Event()

        async def slow(connection: AsyncConnection[Any]) -> inbox.JSON:
            inside.set()
            await go_on.wait()
            return None

        task = asyncio.create_task(inbox.once(first, "payments", "k", 1, slow))
        await inside.wait()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await inbox.once(
                second, "payments", "k", 1, slow, patience=timedelta(milliseconds=10)
            )
        go_on.set()
        assert (await task).replayed is False

    told(ground, story)


def test_a_known_key_with_another_body_is_a_conflict(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        await inbox.once(first, "payments", "order-7", {"n": 1}, charge("order-7"))
        with pytest.raises(inbox.Conflict, match="known with another body"):
            await inbox.once(second, "payments", "order-7", {"n": 2}, charge("order-7"))
        assert await one(first, CHARGES) == 1

    told(ground, story)


def test_two_consumers_do_not_share_a_key(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        for consumer in ("payments", "mails"):
            await inbox.once(first, consumer, "order-7", 1, charge(consumer))
        assert await one(first, CHARGES) == 2

    told(ground, story)


def test_an_effect_that_fails_leaves_neither_row_nor_key(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        async def fails(connection: AsyncConnection[Any]) -> inbox.JSON:
            await charge("order-7")(connection)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await inbox.once(first, "payments", "order-7", 1, fails)
        assert await one(second, CHARGES) == 0
        answer = await inbox.once(first, "payments", "order-7", 1, charge("order-7"))
        assert answer.replayed is False

    told(ground, story)


def test_a_forgotten_key_counts_as_new(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        await inbox.once(first, "payments", "order-7", 1, charge("order-7"))
        assert await inbox.forget(first, timedelta(hours=1)) == 0
        assert await inbox.forget(first, timedelta(0)) == 1
        await inbox.once(first, "payments", "order-7", 1, charge("order-7"))
        assert await one(first, CHARGES) == 2

    told(ground, story)


def test_it_refuses_an_outer_transaction(ground: Ground) -> None:
    async def story(first: AsyncConnection[Any], second: AsyncConnection[Any]) -> None:
        async with first.transaction():
            with pytest.raises(ValueError, match="no outer transaction"):
                await inbox.once(first, "payments", "k", 1, charge("k"))

    told(ground, story)


def test_without_room_on_the_disk_the_transaction_fails_whole(
    servers: Servers,
) -> None:
    """No disk is filled: the kernel refuses this server a larger file.

    It is the same refused write under another error number (EFBIG for ENOSPC), and it
    needs no mount and no root.
    """

    def pages(size: int) -> inbox.Effect:
        async def write(connection: AsyncConnection[Any]) -> inbox.JSON:
            await charge("order-7")(connection)
            await connection.execute(
                "INSERT INTO charge SELECT 'page', repeat('x', 1500)"
                " FROM generate_series(1, %s)",
                [size // 1500],
            )
            return "stored"

        return write

    async def story() -> None:
        small = servers.new_postgres(room=ROOM)
        place = small.new_schema("small", LEDGER, inbox.SCHEMA)
        async with database(place) as first, database(place) as second:
            with pytest.raises(psycopg.Error, match="could not extend file"):
                await inbox.once(first, "payments", "order-7", 1, pages(2 * ROOM))
            assert await one(second, CHARGES) == 0
            assert await one(second, "SELECT count(*) FROM inbox") == 0
            await second.execute("VACUUM charge")  # room is made
            answer = await inbox.once(first, "payments", "order-7", 1, pages(1500))
            assert answer == inbox.Answer("stored", replayed=False)

    asyncio.run(story())
