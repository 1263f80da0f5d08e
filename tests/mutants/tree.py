"""A copy of the tree in which anything may be broken, and mutmut run in it."""

import ast
import difflib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from theme.catalogue import ROOT


@dataclass(frozen=True)
class Mutant:
    """One change to one function, and what became of it."""

    name: str  # as mutmut calls it
    module: str  # "delivery.one_charge"
    function: str  # "charge", or "Provider.ask"
    status: str  # killed, survived, timeout, no tests, ...
    was: str  # the lines that were changed, and what they became
    became: str

    @property
    def killed(self) -> bool:
        """A run that never ends is as loud as one that fails."""
        return self.status in ("killed", "timeout")

    def __str__(self) -> str:
        return f"{self.module} {self.function}: {self.was}  =>  {self.became}"


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of all that is not ignored, as it stands now; gone afterwards."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():  # git also lists what was removed
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        yield tree


def mutate(tree: Path, files: Sequence[str], tests: Sequence[str]) -> list[Mutant]:
    """Let mutmut break `files` (below the tree) and run `tests` on every mutant.

    Raises `RuntimeError` with mutmut's last words when it fails.
    """
    shutil.rmtree(tree / "mutants", ignore_errors=True)
    settings = tree / "pyproject.toml"
    text = settings.read_text()
    for key, values in (
        ("only_mutate", files),
        ("pytest_add_cli_args_test_selection", tests),
    ):
        row = f"{key} = {json.dumps(list(values))}"
        text, found = re.subn(rf"^{key} = .*$", row, text, flags=re.MULTILINE)
        if found != 1:
            raise RuntimeError(f"pyproject.toml: [tool.mutmut] needs one {key}")
    settings.write_text(text)
    said = tree / "mutmut.log"
    with said.open("w") as log:  # it draws a spinner, thousands of lines long
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", "2"],
            cwd=tree,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(said.read_text().replace("\r", "\n")[-2000:])
    listed = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all", "True"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = [line.strip().rpartition(": ") for line in listed.splitlines()]
    return [described(tree, name, status) for name, _, status in rows if name]


def described(tree: Path, name: str, status: str) -> Mutant:
    """A mutant with the lines that it changes, read from the file that mutmut made."""
    place, _, mangled = name.rpartition(".")
    bodies = functions(tree / "mutants" / f"{place.replace('.', '/')}.py")
    stem = mangled.rpartition("__mutmut_")[0]
    removed, added = [], []
    for line in difflib.ndiff(bodies[f"{stem}__mutmut_orig"], bodies[mangled]):
        if line.startswith("- "):
            removed.append(line[2:].strip())
        if line.startswith("+ "):
            added.append(line[2:].strip())
    function = re.sub(r"^x_|^xǁ", "", stem).replace("ǁ", ".")
    module = place.removeprefix("snippets.")
    return Mutant(
        name, module, function, status, " / ".join(removed), " / ".join(added)
    )


@cache
def functions(path: Path) -> dict[str, list[str]]:
    """The lines of each function of a file, each under one name."""
    source = path.read_text()
    return {
        node.name: (ast.get_source_segment(source, node) or "")
        .replace(node.name, "it", 1)
        .splitlines()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
