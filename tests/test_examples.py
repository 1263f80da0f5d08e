"""No example is passed over in silence: Sybil runs as many as the sources hold."""

import ast
import doctest
import subprocess
import sys
from collections import Counter
from pathlib import Path

from theme.catalogue import ROOT, SNIPPETS


def examples_in(path: Path) -> int:
    """How many examples the docstrings of a file hold, counted without Sybil."""
    parser = doctest.DocTestParser()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return sum(
        len(parser.get_examples(ast.get_docstring(node, clean=False) or ""))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, documented)
    )


def test_sybil_runs_every_example_of_the_snippets_and_the_readme() -> None:
    expected = Counter(
        {
            path.relative_to(ROOT).as_posix(): examples_in(path)
            for path in SNIPPETS.rglob("*.py")
        }
    )
    readme = (ROOT / "README.md").read_text()
    expected["README.md"] = len(doctest.DocTestParser().get_examples(readme))
    collected = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "snippets",
            "README.md",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = Counter(
        line.split("::")[0] for line in collected.splitlines() if "::sybil:" in line
    )
    assert found == +expected
    assert len(found) > 1


def test_an_example_below_a_folder_below_is_found() -> None:
    """Sybil's own ** reaches one level only; ours must reach every one."""
    deepest = max(SNIPPETS.rglob("*.py"), key=lambda path: len(path.parts))
    assert len(deepest.relative_to(SNIPPETS).parts) > 1
    assert examples_in(deepest) > 0 or deepest.name == "__init__.py"
