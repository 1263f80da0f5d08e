"""Which mutants change nothing that is judged.

A scenario names nodes and writes notes for its picture. A mutant that changes no more
than that has, in every variant, the same schedules and the same result of each; no
claim about the model can tell it from the original, and the picture has tests of its
own. Others have the same results, each in more or in fewer schedules: what can happen
is the same, and no claim says in how many ways.

Run in the folder that mutmut made, with names of mutants on standard input; prints the
names of those, each with RUNS or RESULTS.
"""

import os
import signal
import sys
from importlib import import_module
from multiprocessing import Pool
from typing import Any

from snippets.world import explore
from tests.mutants.claims import ENDLESS, fresh

SECONDS = 20  # a mutant that takes longer is not the same
RUNS, RESULTS = "runs", "results"


def behaviour(name: str) -> list[tuple[str, tuple[int, ...], str, bool]]:
    """Every schedule of every variant, with its result and whether that holds."""
    module = fresh(name)
    return [
        (variant.__name__, run.schedule, repr(run.result), module.holds(run.result))
        for variant in module.variants
        for run in explore(variant)
        if len(run.trace) < ENDLESS
    ]


def likeness(name: str, original: list[Any]) -> str:
    """What a mutant shares with the original, or "" when it shares neither."""
    mutant = behaviour(name)
    if mutant == original:
        return RUNS
    results = [{row[:1] + row[2:] for row in rows} for rows in (mutant, original)]
    return RESULTS if results[0] == results[1] else ""


def alike(names: list[str]) -> list[str]:
    """Those of one module's mutants that are like the module, and in what."""
    place = names[0].rpartition(".")[0]
    name = place.removeprefix("snippets.")
    os.environ["MUTANT_UNDER_TEST"] = ""
    if not hasattr(import_module(place), "variants"):
        return []
    original = behaviour(name)
    found = []
    for mutant in names:
        os.environ["MUTANT_UNDER_TEST"] = mutant
        signal.alarm(SECONDS)
        try:
            if shared := likeness(name, original):
                found.append(f"{mutant} {shared}")
        except Exception:  # a mutant that fails is not the same
            continue
        finally:
            signal.alarm(0)
    return found


def too_slow(*_: object) -> None:
    """Ends a mutant's turn."""
    raise TimeoutError


def main() -> None:
    """Two modules at a time."""
    signal.signal(signal.SIGALRM, too_slow)
    modules: dict[str, list[str]] = {}
    for name in sys.stdin.read().split():
        modules.setdefault(name.rpartition(".")[0], []).append(name)
    with Pool(2) as pool:
        for found in pool.imap_unordered(alike, modules.values()):
            print(*found, sep="\n")


if __name__ == "__main__":
    main()
