"""The engine: every schedule once, the quiet one first, and each replays its run."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import comb, factorial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets.world import OutOfBounds, Run, World, explore, find, replay

# A little program for a world: what a scenario asks, in order. Each word is one verb;
# a "crash" is caught, as a supervisor would, and ends what is left of the program.
PROGRAMS = st.lists(
    st.sampled_from(
        ["choose", "three ways", "deliver", "send", "receive", "crash", "note", "allow"]
    ),
    max_size=7,
)


def scenario_of(program: Sequence[str]) -> Callable[[World], list[Any]]:
    """The scenario that follows a program and returns all it was told."""

    def scenario(world: World) -> list[Any]:
        told: list[Any] = []
        try:
            for number, word in enumerate(program):
                told.append(follow(world, word, number))
        except world.Crash as crash:
            told.append(crash.args)
        return told

    return scenario


def follow(world: World, word: str, number: int) -> Any:
    """Do one word of a program."""
    match word:
        case "choose":
            return world.choose(f"question {number}")
        case "three ways":
            return world.choose("which way", ("left", "right", "back"))
        case "deliver":
            return world.delivers("a", "b", str(number))
        case "send":
            return world.send("a", "b", str(number))
        case "receive":
            return world.receive("b")
        case "crash":
            return world.crash("a", f"before step {number}")
        case "note":
            return world.note("b", str(number))
        case _:
            return world.allow(faults=2)


@given(PROGRAMS)
def test_every_schedule_is_run_exactly_once(program: list[str]) -> None:
    schedules = [run.schedule for run in explore(scenario_of(program))]
    assert len(schedules) == len(set(schedules))
    assert schedules == sorted(schedules)


@given(PROGRAMS)
def test_no_schedule_is_left_out(program: list[str]) -> None:
    """Bumping any pick of any run leads to the schedule of some run."""
    runs = list(explore(scenario_of(program)))
    schedules = {run.schedule for run in runs}
    for run in runs:
        for turn, choice in enumerate(run.choices):
            for option in range(len(choice.options)):
                other = replay(scenario_of(program), (*run.schedule[:turn], option))
                assert other.schedule in schedules


@given(PROGRAMS)
def test_the_quiet_schedule_comes_first(program: list[str]) -> None:
    first = next(iter(explore(scenario_of(program))))
    assert first.surprises == 0
    assert first == replay(scenario_of(program), ())


@given(PROGRAMS)
def test_a_schedule_replays_its_run(program: list[str]) -> None:
    for run in explore(scenario_of(program)):
        assert replay(scenario_of(program), run.schedule) == run


@given(PROGRAMS)
def test_find_gives_the_run_with_the_fewest_surprises(program: list[str]) -> None:
    runs = list(explore(scenario_of(program)))
    wanted = runs[-1].result
    found = find(scenario_of(program), lambda result: result == wanted)
    matching = [run for run in runs if run.result == wanted]
    assert found in matching
    assert found.surprises == min(run.surprises for run in matching)


@given(st.integers(0, 5), st.integers(0, 5))
def test_two_actors_interleave_in_every_order(left: int, right: int) -> None:
    def scenario(world: World) -> str:
        seen: list[str] = []
        world.interleave(
            [lambda: seen.append("a")] * left, [lambda: seen.append("b")] * right
        )
        return "".join(seen)

    orders = [run.result for run in explore(scenario)]
    assert len(orders) == len(set(orders)) == comb(left + right, left)


def test_three_actors_of_three_steps_interleave_in_1680_orders() -> None:
    def scenario(world: World) -> None:
        world.interleave(*[[lambda: None] * 3 for _ in range(3)])

    assert sum(1 for _ in explore(scenario)) == factorial(9) // factorial(3) ** 3


@given(st.integers(0, 5))
def test_messages_in_flight_arrive_in_every_order(messages: int) -> None:
    def scenario(world: World) -> tuple[str, ...]:
        for number in range(messages):
            world.send("a", "b", str(number))
        arrived = []
        while message := world.receive("b"):
            arrived.append(message.text)
        return tuple(arrived)

    orders = [run.result for run in explore(scenario)]
    assert len(orders) == len(set(orders)) == factorial(messages)


@given(st.integers(0, 7))
def test_independent_faults_double_the_schedules(faults: int) -> None:
    def scenario(world: World) -> list[bool]:
        return [world.delivers("a", "b", str(number)) for number in range(faults)]

    assert sum(1 for _ in explore(scenario)) == 2**faults


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_budget_bounds_the_faults_of_every_run(asked: int, allowed: int) -> None:
    def scenario(world: World) -> None:
        world.allow(faults=allowed)
        for number in range(asked):
            world.delivers("a", "b", str(number))

    runs = list(explore(scenario))
    assert max(run.surprises for run in runs) == min(asked, allowed)
    assert len(runs) == sum(comb(asked, faults) for faults in range(allowed + 1))


def test_an_order_is_no_fault_and_costs_no_budget() -> None:
    def scenario(world: World) -> None:
        world.allow(faults=0)
        world.interleave([lambda: None], [lambda: None])

    assert sum(1 for _ in explore(scenario)) == 2


def test_a_crash_ends_its_actor_and_no_other() -> None:
    def scenario(world: World) -> list[str]:
        done: list[str] = []
        world.interleave(
            [lambda: world.crash("a", "at once"), lambda: done.append("a")],
            [lambda: done.append("b")],
        )
        return done

    results = [sorted(run.result) for run in explore(scenario)]
    assert ["b"] in results
    assert all("b" in result for result in results)


def test_no_except_exception_survives_a_crash() -> None:
    def scenario(world: World) -> str:
        try:
            try:
                world.crash("worker", "in the middle")
            except Exception:
                return "survived"
        except world.Crash:
            return "died"
        return "lived"

    assert {run.result for run in explore(scenario)} == {"lived", "died"}


def test_a_message_can_arrive_after_its_sender_gave_up() -> None:
    def scenario(world: World) -> bool:
        world.send("client", "server", "charge")
        world.note("client", "gave up")
        return world.receive("server") is not None

    run = replay(scenario)
    kinds = [event.kind for event in run.trace]
    assert kinds == ["sent", "note", "received"]
    assert run.trace[0].message == run.trace[2].message


def test_receive_takes_only_what_is_for_the_node() -> None:
    def scenario(world: World) -> Any:
        world.send("a", "b", "for b")
        return world.receive("c"), world.receive("b"), world.receive("b")

    nobody, message, nothing = replay(scenario).result
    assert nobody is None
    assert nothing is None
    assert message.text == "for b"


def test_a_node_cannot_log_what_it_cannot_know() -> None:
    """A lost call and a lost reply leave the client the same log."""

    def scenario(world: World) -> int:
        charged = 0
        if world.delivers("client", "server", "charge"):
            charged = 1
            if world.delivers("server", "client", "ok"):
                return charged
        world.note("client", "timeout")
        return charged

    lost_call = find(scenario, lambda charged: charged == 0)
    lost_reply = replay(scenario, (0, 1))
    assert lost_reply.result == 1
    assert lost_call.seen_by("client") == lost_reply.seen_by("client")
    assert lost_call.seen_by("server") != lost_reply.seen_by("server")


def test_an_event_names_the_pick_that_decided_it() -> None:
    run = replay(lambda world: world.delivers("a", "b", "x"), (1,))
    assert run.trace[0].kind == "lost"
    assert run.trace[0].pick == 0


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        (lambda world: [world.choose(str(n)) for n in range(10)], "allow fewer faults"),
        (lambda world: forever(world), "bound its retries"),
        (lambda world: world.crash("a", "now"), "nobody restarts a"),
    ],
)
def test_a_limit_says_what_to_do(scenario: Any, sentence: str) -> None:
    with pytest.raises(OutOfBounds, match=sentence):
        list(explore(scenario, limit=1_000))


def forever(world: World) -> None:
    """Retry until something arrives, which some schedule never lets happen."""
    while not world.delivers("a", "b", "again"):
        pass


@pytest.mark.parametrize("schedule", [(2,), (-1,), (0, 0)])
def test_a_schedule_that_does_not_fit_is_refused(schedule: tuple[int, ...]) -> None:
    with pytest.raises(OutOfBounds):
        replay(lambda world: world.choose("yes or no"), schedule)


def test_a_scenario_that_is_random_is_refused() -> None:
    calls = iter(range(100))

    def scenario(world: World) -> None:
        world.choose(f"question {next(calls)}")
        world.choose("another")

    with pytest.raises(OutOfBounds, match="something is random"):
        list(explore(scenario))


def test_an_error_says_in_which_run_it_happened() -> None:
    def scenario(world: World) -> None:
        if world.choose("break it"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken") as caught:
        list(explore(scenario))
    assert caught.value.__notes__ == ["in the run (1,)"]


def test_find_says_when_no_run_is_wanted() -> None:
    def nothing(world: World) -> None:
        pass

    with pytest.raises(LookupError, match="no run of nothing"):
        find(nothing, bool)


@settings(max_examples=25)
@given(PROGRAMS)
def test_the_runs_of_a_scenario_are_the_same_each_time(program: list[str]) -> None:
    first: list[Run[Any]] = list(explore(scenario_of(program)))
    assert first == list(explore(scenario_of(program)))


TRACES = """
import hashlib
from theme import catalogue
from snippets.world import explore
digest = hashlib.sha256()
for module in catalogue.modules():
    names = catalogue.scenario(module).names
    for variant in names.get("variants", ()):
        for run in explore(variant):
            digest.update(repr((run.schedule, run.trace, run.result)).encode())
print(digest.hexdigest())
"""


def test_every_trace_is_the_same_under_any_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", TRACES],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(digests) == 1


def test_surprises_grow_along_no_schedule_that_is_cut_short() -> None:
    """Dropping the last pick of a run never adds a surprise."""

    def scenario(world: World) -> None:
        for number in range(4):
            world.choose(str(number))

    for run in explore(scenario):
        cuts = [replay(scenario, run.schedule[:turn]) for turn in range(5)]
        assert all(a.surprises <= b.surprises for a, b in pairwise(cuts))
