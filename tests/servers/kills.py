"""Workers for the kill tests, and the loop that kills them line by line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from theme.reproduced.ground import Ground
from theme.reproduced.workers import Ended

AT_ONCE = 12  # stories under way at once: their waits for a redelivery overlap


async def each_line(
    ground: Ground,
    target: Callable[..., object],
    files: Sequence[str],
    story: Callable[[Callable[..., Awaitable[Ended]]], Awaitable[None]],
) -> int:
    """Tell `story` once for each line that its first worker runs, killed before it.

    `story` is given a function that starts `target` with its arguments, first to be
    killed and then not. Returns how many lines were tried.
    """
    quiet: list[int] = []

    async def tell(die_at: int | None) -> None:
        starts = 0

        async def start(*arguments: Any) -> Ended:
            nonlocal starts
            starts += 1
            ended = await ground.worker(
                target, *arguments, files=files, die_at=die_at if starts == 1 else None
            )
            if die_at is None:
                quiet.append(ended.lines)
            elif starts == 1:
                assert ended.killed_at, f"line {die_at} was never run"
            return ended

        try:
            await story(start)
        except AssertionError as error:
            raise AssertionError(f"killed before line {die_at}: {error}") from error

    await tell(None)
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(die_at: int) -> None:
        async with turns:
            await tell(die_at)

    async with asyncio.TaskGroup() as tasks:
        for die_at in range(1, quiet[0] + 1):
            tasks.create_task(in_turn(die_at))
    return quiet[0]
