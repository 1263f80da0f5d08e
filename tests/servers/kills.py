"""Workers for the kill tests, and the loop that kills them line by line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from psycopg import AsyncConnection

from snippets.recipes import fencing, saga
from theme.reproduced.ground import Ground, database
from theme.reproduced.workers import Ended

AT_ONCE = 8

Start: TypeAlias = Callable[..., Awaitable[Ended]]


async def each_line(
    ground: Ground,
    target: Callable[..., object],
    files: Sequence[str],
    story: Callable[[Start], Awaitable[None]],
) -> int:
    """Tell `story` once for each line that its first worker runs, killed before it.

    `story` is given a function that starts `target` with its arguments, the first time
    to be killed and after that to live. Returns how many lines were tried.
    """
    quiet: list[int] = []
    turns = asyncio.Semaphore(AT_ONCE)

    async def tell(die_at: int | None) -> None:
        started = 0

        async def start(*arguments: Any) -> Ended:
            nonlocal started
            started += 1
            last = die_at if started == 1 else None
            ended = await ground.worker(target, *arguments, files=files, die_at=last)
            if die_at is None:
                quiet.append(ended.lines)
            assert (ended.killed_at is None) == (last is None)
            return ended

        async with turns:
            try:
                await story(start)
            except AssertionError as error:
                raise AssertionError(f"killed before line {die_at}: {error}") from error

    await tell(None)
    await asyncio.gather(*(tell(line) for line in range(1, quiet[0] + 1)))
    return quiet[0]


def own_the_shard(conninfo: str, token: int, owner: str) -> None:
    """A worker: register as the owner, then write."""
    asyncio.run(_own_the_shard(conninfo, token, owner))


async def _own_the_shard(conninfo: str, token: int, owner: str) -> None:
    async with database(conninfo) as connection:
        await fencing.register(connection, "shard-3", token)
        async with fencing.fenced(connection, "shard-3", token):
            await connection.execute("INSERT INTO written VALUES (%s)", [token])


def book(conninfo: str, booking: str, refused: str) -> str:
    """A worker: run the booking's saga, in which one step may be refused."""
    return asyncio.run(_book(conninfo, booking, refused))


async def _book(conninfo: str, booking: str, refused: str) -> str:
    async with database(conninfo) as runner, database(conninfo) as participant:

        def effect(name: str, change: int) -> saga.Effect:
            async def write(connection: AsyncConnection[Any]) -> None:
                await connection.execute(
                    "INSERT INTO effect VALUES (%s, %s)", [name, change]
                )

            return write

        def step(name: str, compensated: bool = True) -> saga.Step:
            async def act(key: str) -> None:
                if name == refused:
                    raise saga.Refused(f"{name} is refused")
                await saga.act_once(participant, key, effect(name, 1))

            async def undo(key: str) -> None:
                await saga.undo_once(participant, key, effect(name, -1))

            return saga.Step(name, act, undo if compensated else None)

        steps = [step("reserve"), step("charge"), step("mail", compensated=False)]
        while True:
            try:
                return await saga.run(runner, booking, steps)
            except saga.Busy:  # the server has not yet noticed the death of the last
                await asyncio.sleep(0.01)
