"""A MkDocs hook that copies files into the site and does nothing else.

The reader's browser loads the very files that the build used: the engine, the
diagram, the scenarios, `figure.py`. Pyodide and the scripts come from `make runtime`.
"""

import json
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from theme.catalogue import ROOT, SNIPPETS, TRUTHS
from theme.fault import Fault

RUNNER = ROOT / "theme" / "runner" / "dist"
PYODIDE = ROOT / "theme" / "runner" / "node_modules" / "pyodide"
IMPORTED = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
IMPORT = re.compile(r"^from snippets(?:\.(\w+))? import (\w+)", re.MULTILINE)
RUNTIME = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the Python sources, the scripts and the runtime to the site's files."""
    for path, target in sorted(wanted().items()):
        if not path.is_file():
            raise Fault(
                path.relative_to(ROOT).as_posix(),
                "this file is missing",
                "make runtime",
            )
        place = posixpath.normpath(f"assets/{target}")
        files.append(File.generated(config, place, abs_src_path=str(path)))
    files.append(File.generated(config, "assets/python/engine.json", content=engine()))
    return files


def engine() -> str:
    """What every figure needs before it can answer, in one file: text by file name.

    That is the bridge, `figure.py`, and the modules that these import, and so on; and
    `used.py`, so that the snapshot has what a scenario will import.
    """
    waiting = {
        "bridge.py": RUNNER / "bridge.py",
        "figure.py": ROOT / "theme" / "figure.py",
        "snippets/__init__.py": SNIPPETS / "__init__.py",
    }
    taken: dict[str, str] = {}
    while waiting:
        name, path = waiting.popitem()
        taken[name] = path.read_text(encoding="utf-8")
        for package, module in IMPORT.findall(taken[name]):
            needed = f"snippets/{package or module}.py"
            if needed not in taken:
                waiting[needed] = SNIPPETS.parent / needed
    taken["used.py"] = used()
    return json.dumps(dict(sorted(taken.items())), ensure_ascii=False)


def used() -> str:
    """Imports every module of the standard library that a scenario imports."""
    names = {
        name
        for truth in TRUTHS
        for path in (SNIPPETS / truth).glob("*.py")
        for name in IMPORTED.findall(path.read_text(encoding="utf-8"))
    }
    return f"import {', '.join(sorted(names & sys.stdlib_module_names))}\n"


def wanted() -> dict[Path, str]:
    """Each file to copy, and where below assets/ it goes."""
    python = {
        path: f"python/snippets/{path.relative_to(SNIPPETS).as_posix()}"
        for path in SNIPPETS.rglob("*.py")
    }
    scripts = {
        path: f"runner/{path.relative_to(RUNNER).as_posix()}"
        for path in (*filter(Path.is_file, RUNNER.rglob("*")), RUNNER / "figure.js")
        if path.suffix != ".py"
    }
    scripts[RUNNER / "offline.js"] = "../offline.js"  # it keeps what is below it
    runtime = {PYODIDE / name: f"pyodide/{name}" for name in RUNTIME}
    return python | scripts | runtime
