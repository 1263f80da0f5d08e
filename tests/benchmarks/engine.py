"""How many schedules a second the engine runs, on one core, without a database."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from snippets.world import World, explore

ROUNDS = 5


def lost_messages(world: World) -> int:
    """Ten deliveries, each of which may be lost: ten events a run."""
    return sum(world.delivers("a", "b", "x") for _ in range(10))


def two_actors(world: World) -> None:
    """Two actors of five steps in every order: ten events a run."""
    first = [lambda: world.note("a", "step")] * 5
    second = [lambda: world.note("b", "step")] * 5
    world.interleave(first, second)


def messages_in_flight(world: World) -> None:
    """Five messages in every order: ten events a run."""
    for number in range(5):
        world.send("a", "b", str(number))
    while world.receive("b"):
        pass


SCENARIOS: tuple[Callable[[World], Any], ...] = (
    lost_messages,
    two_actors,
    messages_in_flight,
)


def rows() -> list[tuple[str, str]]:
    """What was measured, and the median of five rounds."""
    found = []
    for scenario in SCENARIOS:
        rates = []
        for _ in range(ROUNDS):
            start = perf_counter()
            runs = sum(1 for _ in explore(scenario))
            rates.append(runs / (perf_counter() - start))
        found.append(
            (
                f"engine: {scenario.__name__}",
                f"{median(rates):,.0f} schedules/s (ten events, {runs} schedules)",
            )
        )
    return found
