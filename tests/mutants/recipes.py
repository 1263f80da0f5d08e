"""The recipes' guards, each taken out in turn and missed by a test on real servers."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.guards import Guard
from tests.mutants.tree import copied


def passes(tree: Path, test: str) -> bool:
    """Does this test pass in this tree? Raises `RuntimeError` when it cannot be run."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", test],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{test} could not be run:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def baseline(tests: Sequence[str]) -> list[str]:
    """The tests that fail although nothing was taken out: they would prove nothing."""
    with copied() as tree:
        return [test for test in dict.fromkeys(tests) if not passes(tree, test)]


def survivors(guards: Sequence[Guard]) -> Iterator[tuple[Guard, bool]]:
    """Each guard, and whether its test passed without it; two at a time."""

    def survives(guard: Guard) -> bool:
        with copied() as tree:
            path = tree / "snippets" / f"{guard.module.replace('.', '/')}.py"
            path.write_text(guard.mutated())
            return passes(tree, guard.test)

    with ThreadPoolExecutor(2) as pool:
        yield from zip(guards, pool.map(survives, guards), strict=True)
