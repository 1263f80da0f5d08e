"""A scenario's figure as data: its claim, what every run shows, one run's picture.

The build and the browser's worker load this same file, so a page and its controls
cannot disagree. Standard library only; every function returns what JSON can hold.
"""

import ast
import doctest
import linecache
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from snippets import diagram
from snippets.world import Run, World, explore, replay

ENGINE_IMPORT = re.compile(r"^\s*>>> from snippets[.\w]* import .*\n", re.MULTILINE)
LABELS = ("Faults", "Leaves out", "Source")


@dataclass(frozen=True)
class Scenario:
    """One scenario module, taken apart.

    `code` is the file without its docstring, from line `first_line` of the file on;
    `names` is what the code defines, once it has run.
    """

    module: str
    claim: str
    story: str
    labels: dict[str, str]
    examples: str
    code: str
    first_line: int
    names: dict[str, Any]

    @property
    def variants(self) -> list[dict[str, str]]:
        """The variants, naive first and right last: `name` and a one-line `hint`."""
        return [
            {
                "name": each.__name__,
                "hint": _flow((each.__doc__ or "").partition("\n")[0]),
            }
            for each in self.names["variants"]
        ]

    @property
    def invariant(self) -> str:
        """What must hold of every run's result, in words."""
        return _flow(self.names["holds"].__doc__ or "")

    def variant(self, name: str) -> Callable[[World], Any]:
        """The variant called `name`; raises `LookupError` when there is none."""
        for each in self.names["variants"]:
            if each.__name__ == name:
                return each  # type: ignore[no-any-return]
        known = ", ".join(each["name"] for each in self.variants)
        raise LookupError(f"{self.module} has no variant {name!r}, only {known}")

    def holds(self, result: Any) -> bool:
        """Does the invariant hold of this result?"""
        return bool(self.names["holds"](result))


def split(source: str) -> tuple[str, str, int]:
    """The docstring's text, the code after it, and the line that the code starts on."""
    tree = ast.parse(source)
    doc = tree.body[0] if tree.body else None
    if not (isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant)):
        return "", source, 1
    lines = source.splitlines(keepends=True)
    first = doc.end_lineno or 0
    while first < len(lines) and not lines[first].strip():
        first += 1
    return ast.get_docstring(tree) or "", "".join(lines[first:]), first + 1


def parse(source: str, module: str) -> Scenario:
    """Take a scenario file apart and run its code once, to define its names.

    Errors carry the line numbers of `code`, since that is what a reader sees.
    """
    doc, code, first_line = split(source)
    names = define(code, module)
    head, _, examples = doc.partition(">>> ")
    claim, *rest = re.split(r"\n\s*\n", head)
    labels: dict[str, str] = {}
    story = []
    for paragraph in rest:
        text, *marks = re.split(rf"^({'|'.join(LABELS)}): ", paragraph, flags=re.M)
        story.append(_flow(text))
        labels.update(zip(marks[::2], map(_flow, marks[1::2]), strict=True))
    return Scenario(
        module,
        _flow(claim),
        " ".join(filter(None, story)),
        labels,
        f">>> {examples}" if examples else "",
        code,
        first_line,
        names,
    )


def define(code: str, module: str) -> dict[str, Any]:
    """Run `code` as a module of its own; a traceback then shows its own lines."""
    filename = f"{module}.py"
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
    home = ModuleType(f"snippets.{module}")
    exec(compile(code, filename, "exec", dont_inherit=True), home.__dict__)
    return home.__dict__


def judge(scenario: Scenario, variant: str) -> dict[str, Any]:
    """Every run of a variant: how many there are, and which break the invariant.

    `telling` is the schedule of the run that says most: the shortest bad one, else the
    one with the most surprises.
    """
    runs = list(explore(scenario.variant(variant)))
    bad = [not scenario.holds(run.result) for run in runs]
    shortest = min(
        (index for index, breaks in enumerate(bad) if breaks),
        key=lambda index: (runs[index].surprises, index),
        default=None,
    )
    wildest = max(range(len(runs)), key=lambda index: runs[index].surprises)
    telling = wildest if shortest is None else shortest
    return {
        "variant": variant,
        "total": len(runs),
        "bad": sum(bad),
        "cells": "".join("01"[breaks] for breaks in bad),
        "schedules": [list(run.schedule) for run in runs],
        "surprises": [run.surprises for run in runs],
        "first_bad": shortest,
        "telling": list(runs[telling].schedule),
    }


def draw(
    scenario: Scenario, variant: str, schedule: Sequence[int] = ()
) -> dict[str, Any]:
    """One run of a variant: its picture, its words, each node's log, its choices."""
    run = replay(scenario.variant(variant), schedule)
    return {
        "variant": variant,
        "svg": diagram.draw(run, f"{scenario.module}: {variant}"),
        "words": diagram.words(run),
        "logs": logs(run),
        "choices": [
            {
                "what": choice.what,
                "options": told_apart([str(option) for option in choice.options]),
                "picked": choice.picked,
            }
            for choice in run.choices
        ],
        "result": repr(run.result),
        "holds": scenario.holds(run.result),
        "schedule": list(run.schedule),
        "surprises": run.surprises,
    }


def told_apart(options: Sequence[str]) -> list[str]:
    """The options; a later one of the same words says so: "pays", "pays (2)"."""
    times = [options[: place + 1].count(each) for place, each in enumerate(options)]
    return [
        f"{each} ({n})" if n > 1 else each
        for each, n in zip(options, times, strict=True)
    ]


def logs(run: Run[Any]) -> dict[str, list[dict[str, Any]]]:
    """What each node could have logged, each line with the event it belongs to."""
    nodes = dict.fromkeys(
        name for event in run.trace for name in (event.source, event.target) if name
    )
    return {
        node: [
            {"event": number, "text": text}
            for number, event in enumerate(run.trace)
            for text in replace(run, trace=(event,)).seen_by(node)
        ]
        for node in nodes
    }


def check(scenario: Scenario) -> list[dict[str, Any]]:
    """Run the docstring's examples against the code as it is now, one verdict each."""
    test = doctest.DocTestParser().get_doctest(
        scenario.examples,
        dict(scenario.names),
        scenario.module,
        f"{scenario.module}.py",
        0,
    )
    verdicts = _Verdicts()
    verdicts.run(test, out=lambda text: None)
    return verdicts.found


class _Verdicts(doctest.DocTestRunner):
    def __init__(self) -> None:
        super().__init__(optionflags=doctest.ELLIPSIS)
        self.found: list[dict[str, Any]] = []

    def _add(self, example: doctest.Example, got: str, ok: bool) -> None:
        self.found.append(
            {
                "line": example.lineno + 1,
                "example": example.source.rstrip(),
                "expected": example.want.rstrip(),
                "got": got.rstrip(),
                "ok": ok,
            }
        )

    def report_start(self, *_: Any) -> None:
        pass

    def report_success(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        self._add(example, got, True)

    def report_failure(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        self._add(example, got, False)

    def report_unexpected_exception(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        self._add(example, explain(exc_info[1], test.filename or ""), False)


def standalone(engine: str, scenario: str) -> str:
    """One file that runs alone: the scenario's claim, the engine, the scenario.

    The claim's examples keep their place and lose their imports, since the engine now
    stands in the same file. Run as a program it says how often each variant breaks.
    """
    _, code, first_line = split(scenario)
    lines = scenario.splitlines(keepends=True)
    claim = ENGINE_IMPORT.sub("", "".join(lines[: first_line - 1])).rstrip()
    return (
        f"{claim}\n\n# --- the engine ---\n\n{split(engine)[1].rstrip()}\n\n\n"
        f"# --- the scenario ---\n\n{code.rstrip()}\n"
        + (f"\n\n{VERDICT}" if re.search(r"^variants\b", code, re.MULTILINE) else "")
    )


VERDICT = """\
if __name__ == "__main__":
    for variant in variants:
        runs = list(explore(variant))
        bad = sum(not holds(run.result) for run in runs)
        print(f"{variant.__name__}: breaks in {bad} of {len(runs)} schedules")
"""


def explain(error: BaseException, filename: str) -> str:
    """The traceback of `error` and of its causes, without frames of other files."""
    told: traceback.TracebackException | None
    told = whole = traceback.TracebackException.from_exception(error)
    while told:
        own = [frame for frame in told.stack if frame.filename == filename]
        told.stack = traceback.StackSummary.from_list(own)
        if not own:
            told.stack = None  # type: ignore[assignment]  # no line about nothing
        told = told.__cause__ or told.__context__
    return "".join(whole.format()).rstrip()


def _flow(text: str) -> str:
    return " ".join(text.split())
