"""The saga: done or undone, each step at most once, wherever its runner dies."""

import asyncio
from typing import Any

import pytest
from psycopg import AsyncConnection

from snippets.recipes import saga
from tests.servers.kills import Start, book, each_line
from theme.reproduced.ground import Ground, database, one

SCHEMA = "CREATE TABLE effect (step text NOT NULL, change int NOT NULL)"
FILES = ["snippets/recipes/saga.py"]

ENDS = {
    "": ("done", {"reserve": [1], "charge": [1], "mail": [1]}),
    "charge": ("undone", {"reserve": [1, -1]}),
}


@pytest.mark.parametrize("refused", ENDS, ids=["forward", "backward"])
def test_it_ends_the_same_wherever_the_runner_dies(
    ground: Ground, refused: str
) -> None:
    async def story(start: Start) -> None:
        conninfo = ground.database(SCHEMA, saga.SCHEMA)
        booking = ground.name("booking-")  # stories at once must not share a lock
        ended = await start(conninfo, booking, refused)
        if ended.killed_at:
            ended = await start(conninfo, booking, refused)
        effects: dict[str, list[int]] = {}
        async with database(conninfo) as connection:
            cursor = await connection.execute("SELECT step, change FROM effect")
            for step, change in await cursor.fetchall():
                effects.setdefault(step, []).append(change)
        assert (ended.result, effects) == ENDS[refused]

    assert asyncio.run(each_line(ground, book, FILES, story)) > 20


async def nothing(key: str) -> None:
    """A step or a compensation that does nothing."""


def test_a_second_runner_is_turned_away_while_the_first_is_at_work(
    ground: Ground,
) -> None:
    async def story() -> None:
        conninfo = ground.database(saga.SCHEMA)
        inside, go_on = asyncio.Event(), asyncio.Event()

        async def slow(key: str) -> None:
            inside.set()
            await go_on.wait()

        steps = [saga.Step("reserve", slow, undo=nothing)]
        async with database(conninfo) as first, database(conninfo) as second:
            task = asyncio.create_task(saga.run(first, "booking-7", steps))
            await inside.wait()
            with pytest.raises(saga.Busy):
                await saga.run(second, "booking-7", steps)
            go_on.set()
            assert await task == "done"
            assert await saga.run(second, "booking-7", steps) == "done"

    asyncio.run(story())


def test_a_step_that_fails_for_now_is_tried_again_later(ground: Ground) -> None:
    async def story() -> tuple[str, list[str]]:
        keys: list[str] = []

        async def flaky(key: str) -> None:
            keys.append(key)
            if len(keys) == 1:
                raise TimeoutError("no answer")

        steps = [saga.Step("charge", flaky, undo=nothing)]
        async with database(ground.database(saga.SCHEMA)) as connection:
            with pytest.raises(TimeoutError):
                await saga.run(connection, "booking-7", steps)
            return await saga.run(connection, "booking-7", steps), keys

    assert asyncio.run(story()) == ("done", ["booking-7:charge"] * 2)


def test_a_step_that_is_done_is_not_called_again(ground: Ground) -> None:
    async def story() -> list[str]:
        called: list[str] = []

        async def reserve(key: str) -> None:
            called.append("reserve")

        async def charge(key: str) -> None:
            called.append("charge")
            if called.count("charge") == 1:
                raise TimeoutError("no answer")

        steps = [
            saga.Step("reserve", reserve, undo=nothing),
            saga.Step("charge", charge, undo=nothing),
        ]
        async with database(ground.database(saga.SCHEMA)) as connection:
            with pytest.raises(TimeoutError):
                await saga.run(connection, "booking-8", steps)
            await saga.run(connection, "booking-8", steps)
        return called

    assert asyncio.run(story()) == ["reserve", "charge", "charge"]


def test_it_undoes_in_reverse_order_and_only_what_was_started(ground: Ground) -> None:
    async def story() -> tuple[str, list[str]]:
        undone: list[str] = []

        async def undo(key: str) -> None:
            undone.append(key.partition(":")[2])

        async def refuse(key: str) -> None:
            raise saga.Refused("no")

        steps = [
            saga.Step("reserve", nothing, undo),
            saga.Step("charge", nothing, undo),
            saga.Step("ticket", refuse, undo),
            saga.Step("seat map", nothing, undo),
        ]
        async with database(ground.database(saga.SCHEMA)) as connection:
            return await saga.run(connection, "booking-9", steps), undone

    # the refused step as well: it may have done half of its work
    assert asyncio.run(story()) == ("undone", ["ticket", "charge", "reserve"])


def test_past_the_point_of_no_return_a_no_is_an_error_and_not_a_rollback(
    ground: Ground,
) -> None:
    async def story() -> list[str]:
        undone: list[str] = []

        async def undo(key: str) -> None:
            undone.append(key)

        async def refuse(key: str) -> None:
            raise saga.Refused("the mail server says no")

        steps = [saga.Step("charge", nothing, undo), saga.Step("mail", refuse)]
        async with database(ground.database(saga.SCHEMA)) as connection:
            with pytest.raises(saga.Refused):
                await saga.run(connection, "booking-7", steps)
        return undone

    assert asyncio.run(story()) == []


def test_it_refuses_a_connection_that_would_keep_its_marks_in_a_transaction(
    ground: Ground,
) -> None:
    async def story() -> None:
        async with database(ground.database(saga.SCHEMA)) as connection:
            await connection.set_autocommit(False)
            with pytest.raises(ValueError, match="autocommit"):
                await saga.run(connection, "booking-7", [])

    asyncio.run(story())


def test_a_step_that_comes_after_its_compensation_is_refused(ground: Ground) -> None:
    async def charge(connection: AsyncConnection[Any]) -> None:
        await connection.execute("INSERT INTO effect VALUES ('charge', 1)")

    async def story() -> int:
        async with database(ground.database(SCHEMA, saga.SCHEMA)) as connection:
            await saga.undo_once(connection, "booking-7:charge", charge)
            with pytest.raises(saga.Refused, match="cancelled before it came"):
                await saga.act_once(connection, "booking-7:charge", charge)
            count: int = await one(connection, "SELECT count(*) FROM effect")
            return count

    assert asyncio.run(story()) == 0


def test_the_last_step_is_compensated_first(ground: Ground) -> None:
    async def story() -> list[str]:
        undone: list[str] = []

        async def undo(key: str) -> None:
            undone.append(key)

        async def refuse(key: str) -> None:
            raise saga.Refused("the card is refused")

        steps = [
            saga.Step("room", nothing, undo),
            saga.Step("seat", nothing, undo),
            saga.Step("charge", refuse, nothing),
        ]
        async with database(ground.database(saga.SCHEMA)) as connection:
            assert await saga.run(connection, "booking-7", steps) == "undone"
        return undone

    assert asyncio.run(story()) == ["booking-7:seat", "booking-7:room"]
