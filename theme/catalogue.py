"""The scenarios of `snippets/`, each taken apart and judged once per version of it.

An author's edit must show in about a second, so what did not change is remembered:
a scenario by the text of its file and of the engine's, a verdict with it.
"""

import sys
from functools import cache
from hashlib import sha256
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

from snippets import world
from theme import figure

ROOT = Path(__file__).resolve().parent.parent
SNIPPETS = ROOT / "snippets"
TRUTHS = ("delivery", "observability", "ordering", "consensus")
SECONDS = 20.0  # for all variants of one scenario together


def modules() -> list[str]:
    """Every module of the four truths, as "delivery.one_charge"."""
    return [
        f"{truth}.{path.stem}"
        for truth in TRUTHS
        for path in sorted((SNIPPETS / truth).glob("*.py"))
        if path.stem != "__init__"
    ]


def path_of(module: str) -> Path:
    """The file of a module; it need not exist."""
    return SNIPPETS / f"{module.replace('.', '/')}.py"


def state() -> tuple[tuple[str, int, int], ...]:
    """Changes whenever any file of `snippets/` does."""
    return stamps(SNIPPETS, "*.py")


def stamps(folder: Path, pattern: str) -> tuple[tuple[str, int, int], ...]:
    """The name, time and size of each file below a folder: cheaper than its text."""
    found = ((path.as_posix(), path.stat()) for path in folder.rglob(pattern))
    return tuple(sorted((name, at.st_mtime_ns, at.st_size) for name, at in found))


def engine_digest() -> str:
    """Changes whenever a run or its picture may change."""
    texts = [path.read_bytes() for path in sorted(SNIPPETS.glob("*.py"))]
    return sha256(b"".join(texts)).hexdigest()


def scenario(module: str) -> figure.Scenario:
    """The scenario of a module; raises what its code raises."""
    _follow_the_engine()
    return _parse(path_of(module).read_text(), module, engine_digest())


def verdict(module: str, variant: str) -> dict[str, Any]:
    """Every schedule of one variant, judged."""
    return _judge(path_of(module).read_text(), module, variant, engine_digest())


def wanted(module: str, variant: str, expression: str) -> tuple[int, ...] | None:
    """The schedule with the fewest surprises whose run satisfies `expression`, if any.

    The expression sees `result`, `run`, and the names of the scenario's module.
    """
    source = path_of(module).read_text()
    return _wanted(source, module, variant, expression, engine_digest())


def picture(module: str, variant: str, schedule: tuple[int, ...]) -> dict[str, Any]:
    """One run of one variant, drawn."""
    return figure.draw(scenario(module), variant, schedule)


@cache
def _parse(source: str, module: str, engine: str) -> figure.Scenario:
    return figure.parse(source, module)


@cache
def _judge(source: str, module: str, variant: str, engine: str) -> dict[str, Any]:
    return figure.judge(_parse(source, module, engine), variant)


@cache
def _wanted(
    source: str, module: str, variant: str, expression: str, engine: str
) -> tuple[int, ...] | None:
    scenario = _parse(source, module, engine)
    condition = compile(expression, "wanted", "eval")
    runs = (
        run
        for run in world.explore(scenario.variant(variant))
        if eval(condition, {**scenario.names, "result": run.result, "run": run})
    )
    best = min(runs, key=lambda run: run.surprises, default=None)
    return None if best is None else best.schedule


_loaded = engine_digest()


def _follow_the_engine() -> None:
    """Load the engine anew when its file changed, as it does under `mkdocs serve`."""
    global _loaded
    if _loaded == engine_digest():
        return
    _loaded = engine_digest()
    for name in [name for name in sys.modules if name.split(".")[0] == "snippets"]:
        del sys.modules[name]
    invalidate_caches()
    sys.modules.pop("theme.figure")
    globals()["figure"] = import_module("theme.figure")
    globals()["world"] = import_module("snippets.world")
