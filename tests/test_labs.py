"""The labs: each runs anywhere by itself, leaves nothing behind, ends a bad build."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from theme import labs
from theme.catalogue import ROOT
from theme.fault import Fault

LABS = sorted((ROOT / "docs" / "labs").glob("*.py"))
NAMES = [path.stem for path in LABS]
PATIENCE = 30.0  # seconds that a server may take to be gone; a limit, no measure

# A lab as the build finds it, in a process that can be killed.
STARTED = """
import ast, asyncio, sys
code = compile(sys.stdin.read(), "lab", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
async def main():
    await eval(code, {"__name__": "__main__"})
    print("ready", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
CONFIG = """\
site_name: Labs
theme:
  name: mkdocs
plugins:
  - mkdocs-jupyter:
      include: ["labs/*.py"]
      execute: true
      allow_errors: false
      cache: false
      ignore_h1_titles: true
hooks: [theme/labs.py]
"""
SMALL = """\
# ---
# title: A small lab
# ---

# %% [markdown]
# # Small
#
# It runs.

# %%
from pathlib import Path

with Path("runs.txt").open("a") as runs:
    runs.write("once more")

# %%
print("1 < 2, it said")
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for a lab's temporary files, open to PostgreSQL's user as /tmp is."""
    folder = Path(tempfile.mkdtemp(prefix="l-"))  # short: it holds a socket's path
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def left(temporary: Path) -> list[str]:
    """The lab's processes that run, and its files that are there."""
    shown = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    processes = [line for line in shown.stdout.splitlines() if str(temporary) in line]
    return processes + [path.name for path in temporary.glob("lab-*")]


def wait_until_nothing_is_left(temporary: Path) -> None:
    """Raise with what is left, if it stays."""
    deadline = time.monotonic() + PATIENCE
    while found := left(temporary):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def imported(path: Path) -> set[str]:
    """The names of the packages that a lab imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def test_there_is_a_lab_for_each_truth() -> None:
    assert NAMES == ["consensus", "delivery", "observability", "ordering"]


@pytest.mark.parametrize("name", NAMES)
def test_a_downloaded_lab_runs_in_an_empty_folder_and_leaves_nothing(
    name: str, tmp_path: Path, temporary: Path
) -> None:
    text = (ROOT / "docs" / "labs" / f"{name}.py").read_text()
    file = tmp_path / f"{name}.ipynb"
    file.write_text(labs.notebook(text, "https://reader.example/"))
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONPATH"
    }
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", file.name],
        cwd=tmp_path,
        env=environment | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(file.read_text())["cells"]
    assert any(cell.get("outputs") for cell in said)
    wait_until_nothing_is_left(temporary)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("delivery", signal.SIGTERM),
        ("delivery", signal.SIGINT),
        ("delivery", signal.SIGKILL),
        ("consensus", signal.SIGKILL),
    ],
)
def test_the_servers_of_a_lab_that_is_killed_end_too(
    name: str, how: signal.Signals, temporary: Path
) -> None:
    text = (ROOT / "docs" / "labs" / f"{name}.py").read_text()
    setup = next(cell for cell in labs.Lab.read(name, text).code if cell.folded)
    lab = subprocess.Popen(
        [sys.executable, "-c", STARTED],
        env=os.environ | {"TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with lab:
        assert lab.stdin is not None
        assert lab.stdout is not None
        lab.stdin.write(setup.code)
        lab.stdin.close()
        assert lab.stdout.readline() == "ready\n"
        assert len(left(temporary)) > 1
        lab.send_signal(how)
    wait_until_nothing_is_left(temporary)


def test_a_lab_waits_until_the_server_has_told_all_its_ports(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "labs" / "delivery.py").read_text()
    setup = ast.parse(labs.Lab.read("delivery", text).code[0].code)
    setup.body = [each for each in setup.body if not isinstance(each, ast.Assign)]
    names: dict[str, Any] = {}
    exec(compile(setup, "lab", "exec"), names)
    said = '{\n "nats": [\n  "nats://127.0.0.1:4222"\n ]\n}'
    heard = []

    def until(ready: Any, folder: Path) -> None:
        for written in (None, "", said[:20], said):
            if written is not None:
                (folder / "nats-server_1.ports").write_text(written)
            heard.append(ready())

    names |= {"new_folder": lambda: tmp_path, "start": lambda *_: 1, "until": until}
    assert names["start_nats"]() == "nats://127.0.0.1:4222"
    assert heard == [False, False, False, True]


def test_two_labs_start_the_same_server_by_the_same_lines() -> None:
    seen: dict[str, list[str]] = {}
    for path in LABS:
        lab = labs.Lab.read(path.stem, path.read_text())
        for node in ast.parse(lab.code[0].code).body:
            name = getattr(node, "name", "")
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                name = ast.unparse(node.targets[0])
            if name:
                seen.setdefault(name, []).append(ast.unparse(node))
    shared = {name: texts for name, texts in seen.items() if len(texts) > 1}
    assert {"GUARD", "start", "stop", "start_nats", "start_postgres"} <= set(shared)
    assert [name for name, texts in shared.items() if len(set(texts)) > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_names_the_three_packages_that_it_needs(name: str) -> None:
    path = ROOT / "docs" / "labs" / f"{name}.py"
    lab = labs.Lab.read(name, path.read_text())
    first, setup = lab.cells[0], lab.code[0]
    line = setup.lines[0]
    assert line.startswith("# pip install ")
    named = line.removeprefix("# pip install ").split()
    assert len(named) == 3
    assert f"`{line.removeprefix('# ')}`" in "\n".join(first.lines)
    foreign = imported(path) - sys.stdlib_module_names
    assert not foreign & {"snippets", "theme", "tests", "conftest"}
    found = packages_distributions()
    for package in foreign - {"IPython"}:  # whoever runs a notebook has it
        assert set(found[package]) & set(named), package
    for package in foreign:  # a new version of it has the lab run again
        assert set(found[package]) & set(labs.PACKAGES), package
    assert set(named) <= set(labs.PACKAGES)


@pytest.mark.parametrize("name", NAMES)
def test_the_prose_of_a_lab_stands_on_the_lines_where_it_is_written(name: str) -> None:
    text = (ROOT / "docs" / "labs" / f"{name}.py").read_text()
    lab = labs.Lab.read(f"labs/{name}.py", text)
    written, made = text.split("\n"), lab.markdown.split("\n")
    assert len(written) == len(made)
    headings = [
        n for n, line in enumerate(written) if line.startswith(("# # ", "# ## "))
    ]
    assert [n for n, line in enumerate(made) if line.startswith("#")] == headings
    assert {"title", "description"} <= set(lab.meta)


@pytest.mark.parametrize("name", NAMES)
def test_a_downloaded_lab_needs_no_words_of_this_site(name: str) -> None:
    text = (ROOT / "docs" / "labs" / f"{name}.py").read_text()
    made = json.loads(labs.notebook(text, "https://reader.example/chapter/"))
    prose = "".join(
        "".join(cell["source"])
        for cell in made["cells"]
        if cell["cell_type"] == "markdown"
    )
    assert f"https://reader.example/chapter/{name}/" in prose
    for mark in ("[[", "[@", "{#", "](../", ".md"):
        assert mark not in prose, mark
    assert [cell["id"] for cell in made["cells"]] == [
        f"cell-{number}" for number in range(len(made["cells"]))
    ]
    assert made == json.loads(labs.notebook(text, "https://reader.example/chapter/"))


def told(outputs: list[dict[str, Any]]) -> str:
    """The page of a lab with one code cell that showed `outputs`."""
    lab = labs.Lab.read("labs/small.py", "# %% [markdown]\n# # Small\n\n# %%\n1 < 2\n")
    answer = {
        "cell_type": "code",
        "metadata": {"execution": {"iopub.status.busy": "2026-02-03T04:05:06.7Z"}},
        "outputs": outputs,
    }
    html = f"<h1>Small</h1>\n{labs.mark(0)}"
    return labs.shown(lab, html, {"cells": [answer]}, "../small.ipynb")


def test_a_page_shows_what_was_said_and_when() -> None:
    page = told([{"output_type": "stream", "text": ["a < b\n", "c\n"]}])
    assert '<pre class="lab__said"><samp>a &lt; b\nc</samp></pre>' in page
    assert "on 3 February 2026" in page
    assert 'href="../small.ipynb" download' in page
    assert '<span class="mi">1</span>' in page


def test_a_picture_says_what_it_shows() -> None:
    svg = '<svg role="img" aria-label="Two bars, of which one is longer."></svg>'
    page = told([{"output_type": "display_data", "data": {"image/svg+xml": [svg]}}])
    assert svg in page
    with pytest.raises(Fault, match=r"labs/small\.py:5: a picture says nothing"):
        told([{"output_type": "display_data", "data": {"image/svg+xml": ["<svg/>"]}}])


def test_a_cell_shows_words_or_a_drawing() -> None:
    with pytest.raises(Fault, match=r"labs/small\.py:5: a cell shows image/png; print"):
        told([{"output_type": "display_data", "data": {"image/png": "AAAA"}}])


@pytest.mark.parametrize("package", labs.PACKAGES)
def test_another_version_of_a_package_has_a_lab_run_again(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = labs.digest("text")
    assert labs.digest("text") == before
    assert labs.digest("another text") != before
    monkeypatch.setattr(labs, "version", lambda name: "9.9" if name == package else "1")
    other = labs.digest("text")
    monkeypatch.setattr(labs, "version", lambda name: "1")
    assert labs.digest("text") != other


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of its own with one small lab in it."""
    shutil.copytree(
        ROOT / "theme",
        tmp_path / "theme",
        ignore=shutil.ignore_patterns("[!_]*[!y]", "__pycache__"),
    )
    shutil.copytree(labs.NOTEBOOK, tmp_path / "theme" / "notebook")
    (tmp_path / "snippets").mkdir()
    for path in (ROOT / "snippets").glob("*.py"):
        shutil.copy(path, tmp_path / "snippets")
    (tmp_path / "docs" / "labs").mkdir(parents=True)
    (tmp_path / "docs" / "index.md").write_text("# Home\n")
    (tmp_path / "docs" / "labs" / "small.py").write_text(SMALL)
    (tmp_path / "mkdocs.yml").write_text(CONFIG)
    return tmp_path


def build(site: Path) -> tuple[int, str]:
    """The exit code of a build, and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "--strict"],
        cwd=site,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_lab_runs_again_when_it_changed_and_only_then(site: Path) -> None:
    runs = site / "runs.txt"
    assert build(site) == (0, "")
    page = (site / "site" / "labs" / "small" / "index.html").read_text()
    assert "<samp>1 &lt; 2, it said</samp>" in page
    assert "<style" not in page
    assert json.loads((site / "site" / "labs" / "small.ipynb").read_text())["cells"]
    (site / "docs" / "index.md").write_text("# Another home\n")
    assert build(site) == (0, "")
    assert runs.read_text() == "once more"
    small = site / "docs" / "labs" / "small.py"
    small.write_text(SMALL.replace("It runs.", "It runs again."))
    assert build(site) == (0, "")
    assert runs.read_text() == "once more" * 2
    assert len(list((site / ".cache" / "labs").glob("*.json"))) == 1


@pytest.mark.parametrize(
    ("mistake", "line", "sentence"),
    [
        (
            "\n\nanswer = 1\nassert answer == 2, 'it said 1'\n",
            22,
            "AssertionError: it said 1",
        ),
        (
            "\ndef ask():\n    return 1 / 0\n\n\nask()\n",
            24,
            "ZeroDivisionError: division",
        ),
        ("\nprint('no end'\n", 20, "SyntaxError: "),
    ],
)
def test_a_lab_that_raises_ends_the_build_with_its_line(
    site: Path, mistake: str, line: int, sentence: str
) -> None:
    small = site / "docs" / "labs" / "small.py"
    small.write_text(f"{SMALL}\n# %%{mistake}")
    code, said = build(site)
    assert code == 1
    assert f"docs/labs/small.py:{line}: the lab raises {sentence}" in said
    assert "Traceback" not in said
    assert not list((site / ".cache" / "labs").glob("*.json"))


def test_a_lab_that_never_ends_ends_the_build(site: Path) -> None:
    settings = site / "theme" / "notebook" / "jupyter_nbconvert_config.json"
    text = settings.read_text()
    assert '"timeout": 60' in text
    settings.write_text(text.replace('"timeout": 60', '"timeout": 1'))
    small = site / "docs" / "labs" / "small.py"
    small.write_text(f"{SMALL}\n# %%\nwhile True:\n    pass\n")
    code, said = build(site)
    assert code == 1
    assert "docs/labs/small.py:1: the lab did not end" in said
    assert "Traceback" not in said
