"""The saga: done or undone, each step at most once, wherever its runner dies."""

import asyncio

import pytest

from snippets.recipes import saga
from tests.servers.kills import Start, book, each_line
from theme.reproduced.ground import Ground, database

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
