"""An author's day: a mistake is one line in the terminal, and mending it is enough."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server
from time import monotonic

import pytest

from tests.test_strict import GOOD, PAGES, SCENARIO
from theme.catalogue import ROOT

CONFIG = """\
site_name: A chapter
strict: true
theme:
  name: mkdocs
markdown_extensions: [theme.fences, attr_list, pymdownx.superfences, pymdownx.snippets]
watch: [snippets]
"""
NO_SERVERS = """\
def receipt(module: str) -> str:
    return ""


def digest() -> str:
    return ""
"""
ENDLESS = SCENARIO.replace(
    "    return world", "    while True:\n        pass\n    return w"
)
PATIENCE = 60.0  # seconds, before a server that says nothing fails its test


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    """A chapter of its own in a folder of its own: the engine, one scenario, a page."""
    shutil.copytree(
        ROOT / "theme",
        tmp_path / "theme",
        ignore=shutil.ignore_patterns("[!_]*[!y]", "__pycache__"),
    )
    (tmp_path / "theme" / "receipts.py").write_text(NO_SERVERS)
    (tmp_path / "snippets" / "delivery").mkdir(parents=True)
    shown = ""
    for path in (ROOT / "snippets").glob("*.py"):
        shutil.copy(path, tmp_path / "snippets")
        shown += f'```python\n--8<-- "snippets/{path.name}"\n```\n\n'
    (tmp_path / "snippets" / "delivery" / "__init__.py").write_text("")
    (tmp_path / "snippets" / "delivery" / "calls.py").write_text(SCENARIO)
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, text in (PAGES | {"index.md": f"# Home\n\n{shown}"}).items():
        (docs / name).write_text(text)
    keys = set()
    for path in (tmp_path / "snippets").glob("*.py"):
        keys |= {part.split("]")[0] for part in path.read_text().split("[@")[1:]}
    sources = "".join(f"- [@{key}]: A source.\n" for key in sorted(keys - {"key"}))
    (docs / "references.md").write_text(PAGES["references.md"] + sources)
    (docs / "page.md").write_text(f"---\ntitle: Calls\n---\n{GOOD}")
    (tmp_path / "mkdocs.yml").write_text(CONFIG)
    return tmp_path


def build(chapter: Path) -> tuple[int, str]:
    """The exit code of a build, and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q"],
        cwd=chapter,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_chapter_without_mistakes_builds_in_silence(chapter: Path) -> None:
    code, said = build(chapter)
    assert (code, said) == (0, "")
    assert "breaks in 1 of 2" in (chapter / "site" / "page" / "index.html").read_text()


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        (
            "docs/page.md",
            f"---\ntitle: Calls\n---\n{GOOD}\n``` scenario\nno.such.a\nTrue\n```\n",
            "docs/page.md:13: there is no scenario 'no.such'; mend the first line",
        ),
        (
            "snippets/delivery/calls.py",
            SCENARIO.replace("return world", "return 1 / 0 + world"),
            "docs/page.md:8: delivery.calls raises ZeroDivisionError: division by zero",
        ),
        (
            "snippets/delivery/orphan.py",
            '"""Shown nowhere."""\n',
            "snippets/delivery/orphan.py:1: no page shows this file; show it or",
        ),
    ],
)
def test_a_mistake_ends_the_build_with_one_clear_line(
    chapter: Path, path: str, text: str, sentence: str
) -> None:
    (chapter / path).write_text(text)
    code, said = build(chapter)
    assert code == 1
    assert sentence in said
    assert "Traceback" not in said


def test_a_scenario_that_never_ends_ends_the_build(chapter: Path) -> None:
    (chapter / "snippets" / "delivery" / "calls.py").write_text(ENDLESS)
    limit = chapter / "theme" / "catalogue.py"
    limit.write_text(limit.read_text().replace("SECONDS = 20.0", "SECONDS = 0.5"))
    code, said = build(chapter)
    assert code == 1
    assert "delivery.calls is still running after 0.5 seconds: give its loop" in said
    assert "Traceback" not in said


@contextmanager
def served(chapter: Path) -> Iterator[tuple[int, Path]]:
    """`mkdocs serve` on a free port; gives the port and the file of what it says."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    said = chapter / "said.txt"
    with said.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "--livereload", f"-a{address}"],
            cwd=chapter,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_MKDOCS_2_WARNING": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield port, said
        finally:
            server.terminate()
            server.wait()


def wait_for(said: Path, words: str, since: int = 0) -> int:
    """Read what the server says until it says `words`; returns where they end."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        at = said.read_text().find(words, since)
        if at >= 0:
            return at + len(words)
    raise AssertionError(f"never said {words!r}, but:\n{said.read_text()[since:]}")


def page(port: int) -> str:
    """The page as a browser gets it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/page/")
    return connection.getresponse().read().decode()


def test_a_page_is_served_again_as_soon_as_it_is_mended(chapter: Path) -> None:
    path = chapter / "docs" / "page.md"
    good = path.read_text()
    with served(chapter) as (port, said):
        heard = wait_for(said, "Serving on")
        path.write_text(good.replace("delivery.calls.ask", "delivery.calls.beg"))
        heard = wait_for(said, "has no variant 'beg', only ask", heard)
        heard = wait_for(said, "until build errors are resolved", heard)
        path.write_text(good + "\nMended.\n")
        wait_for(said, "Reloading browsers", heard)
        assert "Mended." in page(port)
        assert "Traceback" not in said.read_text()


def test_an_edit_of_a_snippet_reaches_the_page(chapter: Path) -> None:
    path = chapter / "snippets" / "delivery" / "calls.py"
    with served(chapter) as (port, said):
        heard = wait_for(said, "Serving on")
        assert "breaks in 1 of 2" in page(port)
        path.write_text(
            SCENARIO.replace("return world", 'world.choose("?")\n    return world')
        )
        wait_for(said, "Reloading browsers", heard)
        assert "breaks in 2 of 4" in page(port)
