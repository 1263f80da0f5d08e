"""A MkDocs hook that copies files into the site and does nothing else.

The reader's browser loads the very files that the build used: the engine, the
diagram, the scenarios, `figure.py`. Pyodide and the scripts come from `make runtime`.
"""

import posixpath
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from theme.catalogue import ROOT, SNIPPETS
from theme.fault import Fault

RUNNER = ROOT / "theme" / "runner" / "dist"
PYODIDE = ROOT / "theme" / "runner" / "node_modules" / "pyodide"
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
    return files


def wanted() -> dict[Path, str]:
    """Each file to copy, and where below assets/ it goes."""
    python = {
        path: f"python/snippets/{path.relative_to(SNIPPETS).as_posix()}"
        for path in SNIPPETS.rglob("*.py")
    }
    python[ROOT / "theme" / "figure.py"] = "python/figure.py"
    scripts = {
        path: f"runner/{path.relative_to(RUNNER).as_posix()}"
        for path in (*filter(Path.is_file, RUNNER.rglob("*")), RUNNER / "figure.js")
    }
    scripts[RUNNER / "offline.js"] = "../offline.js"  # it keeps what is below it
    runtime = {PYODIDE / name: f"pyodide/{name}" for name in RUNTIME}
    return python | scripts | runtime
