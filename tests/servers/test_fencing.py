"""The fence: no write of an older owner commits after one of a newer owner."""

import asyncio
import random

import pytest

from snippets.recipes import fencing
from tests.servers.kills import Start, each_line, own_the_shard
from theme.reproduced.ground import Ground, database, one

SCHEMA = """
CREATE TABLE written (
    token bigint, place bigint GENERATED ALWAYS AS IDENTITY, xid xid8
)
"""
FILES = ["snippets/recipes/fencing.py", "tests/servers/kills.py"]


def test_writes_commit_in_the_order_of_their_tokens(ground: Ground) -> None:
    async def story() -> tuple[list[int], int]:
        store = ground.database(SCHEMA, fencing.SCHEMA)
        refused = 0

        async def owner(token: int) -> None:
            nonlocal refused
            async with database(store) as connection:
                for _ in range(5):
                    try:
                        async with fencing.fenced(connection, "shard-3", token):
                            await connection.execute(
                                "INSERT INTO written VALUES (%s)", [token]
                            )
                    except fencing.Stale:
                        refused += 1

        tokens = list(range(1, 13))
        random.Random(15).shuffle(tokens)
        await asyncio.gather(*(owner(token) for token in tokens))
        async with database(store) as connection:
            # the row lock is held to the commit, so places are in commit order
            cursor = await connection.execute(
                "SELECT token FROM written ORDER BY place"
            )
            return [token for (token,) in await cursor.fetchall()], refused

    written, refused = asyncio.run(story())
    assert written == sorted(written)
    assert written[-1] == 12
    assert refused == 12 * 5 - len(written)


def test_a_stale_write_passes_until_the_new_owner_has_registered(
    ground: Ground,
) -> None:
    async def story() -> int:
        store = ground.database(SCHEMA, fencing.SCHEMA)
        async with database(store) as old, database(store) as new:
            write = "INSERT INTO written VALUES (33)"
            async with fencing.fenced(old, "shard-3", 33):
                await old.execute(write.encode())
            async with fencing.fenced(old, "shard-3", 33):
                await old.execute(write.encode())  # 34 was granted, and says nothing
            await fencing.register(new, "shard-3", 34)
            with pytest.raises(fencing.Stale, match="token 33 for shard-3"):
                async with fencing.fenced(old, "shard-3", 33):
                    await old.execute(write.encode())
            count: int = await one(new, "SELECT count(*) FROM written")
            return count

    assert asyncio.run(story()) == 2


def test_a_write_under_way_holds_the_new_owner_up_until_it_commits(
    ground: Ground,
) -> None:
    async def story() -> list[str]:
        store = ground.database(SCHEMA, fencing.SCHEMA)
        happened = []
        async with database(store) as old, database(store) as new:

            async def take_over() -> None:
                await fencing.register(new, "shard-3", 34)
                happened.append("registered")

            async with fencing.fenced(old, "shard-3", 33):
                task = asyncio.create_task(take_over())
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                async with database(store) as watcher:
                    while not await one(watcher, waiting):
                        assert not task.done(), "it did not wait"
                happened.append("written")
            await task
        return happened

    assert asyncio.run(story()) == ["written", "registered"]


def test_two_resources_do_not_share_a_fence(ground: Ground) -> None:
    async def story() -> None:
        async with database(ground.database(fencing.SCHEMA)) as connection:
            await fencing.register(connection, "shard-3", 34)
            await fencing.register(connection, "shard-4", 1)
            with pytest.raises(fencing.Stale):
                await fencing.register(connection, "shard-3", 33)

    asyncio.run(story())


def test_a_killed_owner_holds_nobody_up(ground: Ground) -> None:
    async def story(start: Start) -> None:
        store = ground.database(SCHEMA, fencing.SCHEMA)
        ended = await start(store, 33, "old")
        async with database(store) as connection:
            async with fencing.fenced(connection, "shard-3", 34):
                await connection.execute("INSERT INTO written VALUES (34)")
            with pytest.raises(fencing.Stale):
                await fencing.register(connection, "shard-3", 33)
            before = await one(
                connection, "SELECT count(*) FROM written WHERE token = 33"
            )
            assert before <= 1
            if ended.killed_at is None:
                assert before == 1

    assert asyncio.run(each_line(ground, own_the_shard, FILES, story)) > 5
