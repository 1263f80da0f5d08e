"""The worker's half in Python: does what a figure asks, and says what came of it.

Every question and every answer is JSON. What the reader wrote may print, fail, loop or
try to reach the network; nothing of that may end in silence or in a frame of our own.
"""

import builtins
import importlib.util
import io
import json
import linecache
import random
import sys
import traceback
from collections.abc import Callable
from doctest import DocTestFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

from snippets.world import World, replay

if TYPE_CHECKING:
    from theme import figure
else:
    import figure  # served beside this file

CHARACTERS = 64_000  # of output that one run may show
WRITES = 4_000
DEPTH = 3_000  # calls; beyond it the browser's own stack may end before Python's
REACHING_OUT = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.")
FORBIDDEN = ("js", "pyodide_js", "micropip", "_pyodide_core", "pyodide.http")

output: Callable[[str], object] = print  # replaced by the worker


class NoNetwork(OSError):
    """The reader's code tried to reach out of the page."""


NoNetwork.__module__ = "builtins"  # a traceback then says its name alone


class NoWay:
    """The first of Python's finders: refuses what leads out, however it is imported."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name in FORBIDDEN:
            raise ImportError(
                f"{name} is not here: code on this page cannot reach the network "
                "or the page around it"
            )


class Capped(io.TextIOBase):
    """Passes text on at once, and stops passing it on when there is too much."""

    def __init__(self, pass_on: Callable[[str], object]) -> None:
        self.left, self.writes, self.pass_on = CHARACTERS, WRITES, pass_on

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if self.left > 0 and self.writes > 0 and text:
            shown = text[: self.left]
            self.left -= len(shown)
            self.writes -= 1
            self.pass_on(shown)
            if self.left <= 0 or self.writes <= 0:
                self.left = 0
                self.pass_on("\n… the rest of the output is not shown\n")
        return len(text)


def guard() -> None:
    """Close the ways out of the page, before anything of the reader's runs."""

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(REACHING_OUT):
            raise NoNetwork("code on this page cannot reach the network")

    def refuse(*_: object) -> None:
        raise NoNetwork("code on this page cannot reach the page around it")

    def nobody(prompt: object = "") -> str:
        raise EOFError("input() has nobody to ask here: write the answer into the code")

    for name in FORBIDDEN:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, NoWay)
    code = sys.modules.get("pyodide.code")
    if code is not None:
        code.run_js = refuse  # type: ignore[attr-defined]
    deeper = sys.setrecursionlimit

    def limited(limit: int) -> None:
        if limit > DEPTH:
            raise ValueError(f"the page's Python goes at most {DEPTH:,} calls deep")
        deeper(limit)

    sys.setrecursionlimit = limited
    sys.addaudithook(watch)
    builtins.input = nobody


def awake(pass_on: Callable[[str], object]) -> None:
    """What a snapshot cannot keep: the way to the page, and fresh randomness."""
    global output
    output = pass_on
    random.seed()
    guard()


def answer(question: str) -> str:
    """Answer one question of the page: `do` names a function below."""
    asked = json.loads(question)
    do = ANSWERS[asked.pop("do")]
    name = asked.get("module", "")
    real = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.StringIO()
    sys.stdout = sys.stderr = Capped(output)
    try:
        return json.dumps({"value": do(**asked)})
    except BaseException as error:  # SystemExit and KeyboardInterrupt too
        return json.dumps({"error": describe(error, name)})
    finally:
        sys.stdin, sys.stdout, sys.stderr = real


def describe(error: BaseException, module: str) -> dict[str, Any]:
    """What went wrong, in the reader's own lines; `line` is the last of them."""
    filename = f"{module}.py"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == filename
    ]
    if isinstance(error, SyntaxError) and error.filename == filename:
        lines = [error.lineno]
    text = figure.explain(error, filename)
    if isinstance(error, MemoryError):
        text += "\nThis needs more memory than the page's Python can have."
    if isinstance(error, RecursionError):
        text += "\nThe calls went deeper than Python allows."
    if isinstance(error, SystemExit):
        text += "\nThe code asked Python to end."
    return {"text": shortened(text), "line": lines[-1] if lines else None}


def shortened(text: str) -> str:
    """At most a screen of a message: its beginning and its end."""
    return text if len(text) < 4_000 else f"{text[:2_000]}\n…\n{text[-1_500:]}"


_taken: dict[tuple[str, str], figure.Scenario] = {}


def edited(source: str, code: str | None) -> str:
    """The file with the reader's code under its own docstring."""
    if code is None:
        return source
    _, _, first_line = figure.split(source)
    return "".join(source.splitlines(keepends=True)[: first_line - 1]) + code


def scenario(module: str, source: str, code: str | None = None) -> figure.Scenario:
    """The scenario as the reader has it now; its code runs once for each version."""
    if code is not None:  # a syntax error then has the line number that the reader sees
        compile(code, f"{module}.py", "exec", dont_inherit=True)
    text = edited(source, code)
    if (module, text) not in _taken:
        taken = figure.parse(text, module)
        for name in ("variants", "holds"):
            if name not in taken.names:
                raise NameError(f"the code must define {name}")
        _taken.clear()
        _taken[module, text] = taken
    return _taken[module, text]


def about(module: str, source: str, code: str | None = None) -> dict[str, Any]:
    """The code that the reader edits, and the variants."""
    taken = scenario(module, source, code)
    return {"code": figure.split(source)[1], "variants": taken.variants}


def judge(
    module: str, source: str, variant: str, code: str | None = None
) -> dict[str, Any]:
    """Every schedule of a variant. What it prints so often is not shown."""
    sys.stdout = sys.stderr = Capped(lambda text: None)
    return figure.judge(scenario(module, source, code), variant)


def draw(
    module: str,
    source: str,
    variant: str,
    schedule: list[int],
    code: str | None = None,
    change: list[int] | None = None,
) -> dict[str, Any]:
    """One run, drawn. `change` is a choice's number and its new pick."""
    taken = scenario(module, source, code)
    if change:
        schedule = changed(taken.variant(variant), schedule, *change)
    return figure.draw(taken, variant, schedule)


def changed(
    variant: Callable[[World], Any], schedule: list[int], number: int, pick: int
) -> list[int]:
    """The schedule with another pick; later choices keep theirs where they return.

    Another pick may bring other questions. A later question keeps its pick when the
    old run asked the same one, in the same order; every other one is answered quietly.
    """
    later = list(replay(variant, schedule).choices[number + 1 :])
    new = [*schedule[:number], pick]
    while len(asked := replay(variant, new).choices) > len(new):
        what, options, _ = asked[len(new)]
        same = [i for i, old in enumerate(later) if old[:2] == (what, options)]
        new.append(later[same[0]].picked if same else 0)
        del later[: same[0] + 1 if same else 0]
    return new


def check(module: str, source: str, code: str | None = None) -> list[dict[str, Any]]:
    """The docstring's examples, one verdict each."""
    sys.stdout = sys.stderr = Capped(lambda text: None)
    return figure.check(scenario(module, source, code))


def alone(module: str, source: str, engine: str, code: str | None = None) -> str:
    """The file that Copy gives."""
    return figure.standalone(engine, edited(source, code))


def snippet(module: str, source: str) -> list[dict[str, Any]]:
    """Run a plain file, then every example of its docstrings as a console would."""
    filename = f"{module}.py"
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    home = ModuleType("__main__")
    before = sys.modules["__main__"]
    sys.modules["__main__"] = home
    found = []
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), home.__dict__)
        for test in DocTestFinder().find(home, module, globs=dict(home.__dict__)):
            verdicts = Console()
            test.filename = filename
            verdicts.run(test, out=lambda text: None)
            found += verdicts.found
    finally:
        sys.modules["__main__"] = before
    return found


class Console(figure._Verdicts):
    """Shows each example and what it printed, as it happens."""

    def _add(self, example: Any, got: str, ok: bool) -> None:
        super()._add(example, got, ok)
        text = "... ".join(f">>> {example.source}".splitlines(keepends=True))
        self._real(text + got + "\n" * (bool(got) and not got.endswith("\n")))

    def run(self, *args: Any, **options: Any) -> Any:
        self._real = sys.stdout.write
        return super().run(*args, **options)


def called(module: str, source: str, function: str, arguments: dict[str, Any]) -> Any:
    """The value of a function of a module: a plot, say, from its knobs."""
    return scenario_names(module, source)[function](**arguments)


def left(module: str, source: str, facts: list[str]) -> dict[str, Any]:
    """Of an inverse problem: what the bought facts leave, and say."""
    names = scenario_names(module, source)
    worlds, stories = names["left"](frozenset(facts))
    story = names["story"]
    asked = story.__doc__.rstrip(".").split(", ")
    parts = zip(asked, story(names["INCIDENT"]), strict=True)
    told = [f"{what[:1].upper()}{what[1:]}: {part}" for what, part in parts]
    return {
        "worlds": worlds,
        "stories": stories,
        "answers": {fact: plain(names["answers"][fact]) for fact in facts},
        "story": told if stories == 1 else [],
    }


def plain(answer: str) -> str:
    """A witness's answer as one would say it: no for False, a tuple's items alone."""
    said = {"True": "yes", "False": "no"}.get(answer, answer)
    return said.strip("()").replace("'", "")


def scenario_names(module: str, source: str) -> dict[str, Any]:
    """What a module's code defines."""
    if (module, source) not in _taken:
        _taken.clear()
        _taken[module, source] = figure.parse(source, module)
    return _taken[module, source].names


def known(name: str) -> bool:
    """Is there a module of this name here?"""
    return importlib.util.find_spec(name) is not None


ANSWERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        about,
        alone,
        called,
        check,
        draw,
        judge,
        known,
        left,
        snippet,
    )
}
