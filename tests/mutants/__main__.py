"""`make mutants`: break the scenarios and the engine, and see who notices.

    python -m tests.mutants                                  # everything
    python -m tests.mutants snippets/delivery/one_charge.py  # some files

mutmut changes one expression at a time. A mutant of a scenario has to be noticed by
its examples or by the rules of the house (claims.py), one of the engine by
tests/test_world.py and tests/test_trace.py. Each guard of a recipe (tests/guards.toml)
is taken out in turn and has to be missed on real servers. It all happens in a copy of
the tree.

Out of scope: the drawing (diagram.py, sheet.py, lettering.py), which is judged by what
its picture shows; statements that only tell what is drawn (pyproject.toml); what stands
outside of functions; and the recipes beyond their guards.

Who survives needs a reason. Three are found here: the mutant has the same runs with the
same results as the original, or the same results in more or fewer runs (same.py), or it
changes what `idle` returns, where any refused result will do. Every other reason stands
in accepted.toml, and one that no survivor needs is reported too.
"""

import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutants import recipes
from tests.mutants.guards import RECIPES, table
from tests.mutants.same import RESULTS, RUNS
from tests.mutants.tree import Mutant, copied, mutate
from theme.catalogue import ROOT, TRUTHS, modules, path_of

ALIKE = {
    RUNS: "same runs, same results: a text, the name of a node, or nothing is changed",
    RESULTS: "same results, in more or fewer runs: no claim says in how many ways",
}
IDLE = "idle does nothing; any result that the invariant refuses will do"
ENGINE = "snippets/world.py"
REASONS: list[dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("accepted.toml").read_text()
).get("accepted", [])


def groups(wanted: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """The files to mutate together, each with the tests that have to notice."""
    found = []
    if not wanted or ENGINE in wanted:
        found.append(([ENGINE], ["tests/test_world.py", "tests/test_trace.py"]))
    for truth in TRUTHS:
        names = [
            name
            for name in modules()
            if name.startswith(f"{truth}.") and chosen(name, wanted)
        ]
        if names:
            claims = "tests/mutants/claims.py::test_the_module_keeps_its_claims"
            found.append(
                (
                    [f"snippets/{name.replace('.', '/')}.py" for name in names],
                    [f"{claims}[{name}]" for name in names],
                )
            )
    return found


def chosen(module: str, wanted: Sequence[str]) -> bool:
    """Is the module's file, or a folder above it, among the paths that are wanted?"""
    path = path_of(module).relative_to(ROOT)
    return not wanted or any(path.is_relative_to(each) for each in wanted)


def explained(tree: Path, survivors: list[Mutant]) -> dict[Mutant, str]:
    """The reason of each survivor; "" where there is none."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.mutants.same"],
        cwd=tree / "mutants",
        input="\n".join(each.name for each in survivors),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    alike = dict(line.split() for line in said.splitlines() if line)
    reasons = {}
    for each in survivors:
        if each.function == "idle":
            reasons[each] = IDLE
        elif each.name in alike:
            reasons[each] = ALIKE[alike[each.name]]
        else:
            reasons[each] = next(
                (row["reason"] for row in REASONS if fits(row, each)), ""
            )
    return reasons


def fits(row: dict[str, str], mutant: Mutant) -> bool:
    """Is this survivor one that a row of accepted.toml speaks of?"""
    return (
        re.fullmatch(row["module"], mutant.module) is not None
        and re.fullmatch(row["function"], mutant.function) is not None
        and re.search(row["change"], f"{mutant.was} => {mutant.became}") is not None
    )


def scenarios(wanted: Sequence[str]) -> tuple[int, int, dict[Mutant, str]]:
    """Mutants killed, mutants in all, and the survivors with their reasons."""
    killed = total = 0
    reasons: dict[Mutant, str] = {}
    with copied() as tree:
        for files, tests in groups(wanted):
            started = time.monotonic()
            mutants = mutate(tree, files, tests)
            reasons |= explained(tree, [each for each in mutants if not each.killed])
            per_module = Counter(each.module for each in mutants)
            survived = Counter(each.module for each in mutants if not each.killed)
            for module, count in sorted(per_module.items()):
                print(f"{module:42} {count - survived[module]:5} of {count:5} killed")
            minutes = (time.monotonic() - started) / 60
            print(f"{'':42} in {minutes:.1f} minutes", flush=True)
            total += len(mutants)
            killed += len(mutants) - sum(survived.values())
    return killed, total, reasons


def guards(wanted: Sequence[str]) -> bool:
    """Take each guard of the recipes out; true when each of them is missed."""
    rows = [
        each
        for each in table()
        if each.module.startswith(RECIPES) and chosen(each.module, wanted)
    ]
    if not rows:
        return True
    for test in recipes.baseline([each.test for each in rows]):
        print(f"{test} fails with all guards in place: mend that first")
        return False
    alive = 0
    for guard, survives in recipes.survivors(rows):
        alive += survives
        if survives:
            print(f"SURVIVED {guard.module}, {guard.name}: {guard.test} passes")
    print(f"recipes' guards on real servers: {len(rows) - alive} of {len(rows)} missed")
    return not alive


def main(wanted: Sequence[str]) -> int:
    """Print the score and the survivors; 1 when one of them has no reason."""
    killed, total, reasons = scenarios(wanted)
    missed = guards(wanted)
    quiet = sum(reason == ALIKE[RUNS] for reason in reasons.values())
    print(f"\n{killed} of {total} mutants killed; {quiet} more change no run's result")
    for reason, count in Counter(reasons.values()).most_common():
        print(f"\n{count} survived: {reason or 'NO REASON IS KNOWN'}")
        if reason not in (IDLE, *ALIKE.values()):
            print(*(f"  {m}" for m, why in reasons.items() if why == reason), sep="\n")
    unneeded = [
        row
        for row in REASONS
        if not wanted and not any(fits(row, each) for each in reasons)
    ]
    for row in unneeded:
        print(f"\naccepted.toml: no survivor needs “{row['reason']}” any more")
    return int("" in reasons.values() or not missed or bool(unneeded))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
