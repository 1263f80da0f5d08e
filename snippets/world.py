"""A world whose every accident is a choice, and whose every run can be replayed.

A scenario is a plain function of a world. It asks the world what goes wrong, and the
world answers from a *schedule*: a tuple of picks, one for each question. The first
option is always the quiet one, so the empty schedule is the good day.

>>> def two_tries(world):
...     return [world.delivers("client", "server", "hello") for _ in range(2)]
>>> [(run.schedule, run.result) for run in explore(two_tries)]  # doctest: +ELLIPSIS
[((0, 0), [True, True]), ((0, 1), [True, False]), ((1, 0), [False, True]), ...]
>>> find(two_tries, lambda arrived: not any(arrived)).schedule
(1, 1)

Source: [@matklad-exhaustive], [@exhaustigen]
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")
ACTS, ARRIVES = "next to act", "next to arrive"  # the questions about an order


class Choice(NamedTuple):
    """One question that the world was asked, its options, and the option picked."""

    what: str
    options: tuple[Any, ...]
    picked: int


class Event(NamedTuple):
    """One thing that happened: who, to whom, what; and which pick decided it."""

    kind: str  # note, sent, received, arrived (both at once), lost, crash, or choice
    source: str
    target: str = ""
    text: str = ""
    pick: int | None = None
    message: int | None = None  # joins a message's sending to its receiving


class Message(NamedTuple):
    """What a node receives."""

    source: str
    target: str
    text: str
    number: int


class Crash(BaseException):
    """A node died. No `except Exception` survives it, and nothing in memory does."""


class OutOfBounds(RuntimeError):
    """A scenario outgrew a limit, left its schedule, or behaved otherwise twice."""


@dataclass(frozen=True, slots=True)
class Run(Generic[T]):
    """What one schedule led to."""

    result: T
    choices: tuple[Choice, ...]
    trace: tuple[Event, ...]

    @property
    def schedule(self) -> tuple[int, ...]:
        """The picks: they name this run, and replay it."""
        return tuple(choice.picked for choice in self.choices)

    @property
    def surprises(self) -> int:
        """How many picks were not the quiet one."""
        return sum(choice.picked > 0 for choice in self.choices)

    def seen_by(self, node: str) -> tuple[str, ...]:
        """What `node` could have logged: no loss, no crash, no other node's notes."""
        seen: list[str] = []
        for kind, source, target, text, *_ in self.trace:
            if kind == "note" and source == node:
                seen.append(text)
            if kind in ("sent", "arrived", "lost") and source == node:
                seen.append(f"to {target}: {text}")
            if kind in ("received", "arrived") and target == node:
                seen.append(f"from {source}: {text}")
        return tuple(seen)


class World:
    """Answers every question of a scenario from a schedule, and keeps the trace."""

    Crash = Crash

    def __init__(self, schedule: Sequence[int] = (), depth: int = 200) -> None:
        self.trace: list[Event] = []
        self.choices: list[Choice] = []
        self._schedule, self._depth = schedule, depth
        self._in_flight: list[Message] = []
        self._sent, self._faults = 0, -1  # below zero: no bound on the faults
        self._turn: int | None = None  # the choice that decides the next event

    def allow(self, faults: int) -> None:
        """From here on at most `faults` choices go wrong. Orders are not faults."""
        self._faults = faults

    def choose(self, what: str, options: Sequence[Any] = (False, True)) -> Any:
        """Pick an option; the first one is the quiet one, any other is a fault."""
        answer = options[self._fault(what, options)]
        if answer != options[0]:
            text = what if answer is True else f"{what}: {answer}"
            self._log("choice", "", "", text, self._turn)
        return answer

    def crash(self, node: str, where: str) -> None:
        """Perhaps `node` dies here: the world raises `Crash`."""
        if self._fault(f"{node} crashes {where}"):
            self._log("crash", node, "", where, self._turn)
            raise Crash(node, where)

    def delivers(self, source: str, target: str, text: str) -> bool:
        """Send a message that arrives now, or is lost. Only `target` may know which."""
        lost = self._fault(f"lost: {text} ({source} to {target})")
        self._log("lost" if lost else "arrived", source, target, text, self._turn)
        return not lost

    def send(self, source: str, target: str, text: str) -> None:
        """Put a message in flight. It arrives when, and if, somebody receives it."""
        self._sent += 1
        self._in_flight.append(Message(source, target, text, self._sent))
        self._log("sent", source, target, text, None, self._sent)

    def receive(self, target: str | None = None) -> Message | None:
        """The next message in flight (to `target`), in any order; None when none is."""
        waiting = [m for m in self._in_flight if target in (None, m.target)]
        if not waiting:
            return None
        message = waiting[self._pick(ARRIVES, [m.text for m in waiting])]
        self._in_flight.remove(message)
        self._log("received", *message[:3], self._turn, message.number)
        return message

    def interleave(self, *actors: Sequence[Callable[[], object]]) -> None:
        """Run each actor's steps in its own order, and the actors in every order.

        One callable is one atomic step, named by its function, after the `name` of a
        method's owner or a partial's arguments. One that crashes ends its actor.
        """
        left = [list(steps) for steps in actors if steps]
        while left:
            picked = self._pick(ACTS, [_name(each[0]) for each in left])
            turn, start, steps = self._turn, len(self.trace), left[picked]
            try:
                steps.pop(0)()
            except Crash:
                steps.clear()
            if picked:
                self._decided(turn, start)
            left = [steps for steps in left if steps]

    def note(self, node: str, text: str) -> None:
        """Something `node` did or learned, and could log."""
        self._log("note", node, "", text)

    def _decided(self, turn: int | None, start: int) -> None:
        """A turn out of line decided the first event since, which no fault decided."""
        for index, event in enumerate(self.trace[start:], start):
            if event.pick is None or not self.choices[event.pick].picked:
                self.trace[index] = event._replace(pick=turn)
                return

    def _log(self, *event: Any) -> None:
        self.trace.append(Event(*event))

    def _fault(self, what: str, options: Sequence[Any] = (False, True)) -> int:
        picked = self._pick(what, options if self._faults else options[:1])
        self._faults -= picked > 0
        return picked

    def _pick(self, what: str, options: Sequence[Any]) -> int:
        self._turn = turn = len(self.choices)
        if len(options) == 1:  # nothing to choose
            self._turn = None
            return 0
        if turn == self._depth:
            raise OutOfBounds(f"one run made {turn} choices: bound its retries")
        picked = self._schedule[turn] if turn < len(self._schedule) else 0
        if not 0 <= picked < len(options):
            raise OutOfBounds(f"choice {turn} ({what}) has no option {picked}")
        self.choices.append(Choice(what, tuple(options), picked))
        return picked


def replay(scenario: Callable[[World], T], schedule: Sequence[int] = ()) -> Run[T]:
    """Run `scenario` once; past the schedule's end every pick is the quiet one."""
    world = World(schedule)
    try:
        result = scenario(world)
    except Crash as crash:
        raise OutOfBounds(f"nobody restarts {crash.args[0]} after its crash") from None
    except Exception as error:
        error.add_note(f"in the run {tuple(pick.picked for pick in world.choices)}")
        raise
    if len(world.choices) < len(schedule):
        raise OutOfBounds(f"{len(schedule)} picks for {len(world.choices)} choices")
    return Run(result, tuple(world.choices), tuple(world.trace))


def explore(scenario: Callable[[World], T], limit: int = 50_000) -> Iterator[Run[T]]:
    """Every run of `scenario`, each once, the quiet one first.

    Bump the last pick that can grow, drop those after it, replay. Raises `OutOfBounds`
    after `limit` runs: allow fewer faults, or tell a shorter story.
    """
    schedule: list[int] = []
    asked: list[Choice] = []
    for _ in range(limit):
        run = replay(scenario, schedule)
        if any(
            old[:2] != new[:2] for old, new in zip(asked, run.choices, strict=False)
        ):
            raise OutOfBounds("the same picks led elsewhere: something is random")
        yield run
        asked = list(run.choices)
        while asked and asked[-1].picked + 1 == len(asked[-1].options):
            asked.pop()
        if not asked:
            return
        schedule = [choice.picked for choice in asked]
        schedule[-1] += 1
    raise OutOfBounds(f"more than {limit} runs: allow fewer faults or fewer steps")


def find(scenario: Callable[[World], T], wanted: Callable[[T], object]) -> Run[T]:
    """The run with the fewest surprises and a `wanted` result; the first of equals."""
    runs = (run for run in explore(scenario) if wanted(run.result))
    best = min(runs, key=lambda run: run.surprises, default=None)
    if best is None:
        raise LookupError(f"no run of {_name(scenario)} is wanted so")
    return best


def _name(step: Callable[..., object]) -> str:
    if isinstance(step, partial):
        return " ".join([*map(str, step.args), _name(step.func)])
    owner = getattr(getattr(step, "__self__", None), "name", "")
    return f"{owner} {getattr(step, '__name__', 'step')}".strip().replace("_", " ")
