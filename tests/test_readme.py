"""The README tells the truth about the tree and the commands."""

import re
import subprocess

from theme.catalogue import ROOT

README = (ROOT / "README.md").read_text()


def told() -> dict[str, str]:
    """Each path in the README's tree, and what is said of it."""
    block = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert block
    paths: dict[str, str] = {}
    folder = ""
    for line in block[1].splitlines():
        name, words = line.split(maxsplit=1)
        if not line.startswith(" "):
            folder = name
        paths[name if name == folder else folder + name] = words
    return paths


def tracked() -> set[str]:
    """The top level of the repository, as git knows it."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return {
        f"{path.split('/')[0]}/" if "/" in path else path
        for path in listed
        if not path.startswith(".")
    }


def test_every_path_of_the_tree_exists() -> None:
    missing = [path for path in told() if not (ROOT / path).exists()]
    assert missing == []
    assert all((ROOT / path).is_dir() for path in told() if path.endswith("/"))


def test_the_tree_names_all_of_the_top_level() -> None:
    top = {path for path in told() if "/" not in path.rstrip("/")}
    assert top == tracked()


def test_every_package_of_snippets_is_told() -> None:
    packages = {
        f"snippets/{path.parent.name}/"
        for path in (ROOT / "snippets").glob("*/__init__.py")
    }
    assert packages == {path for path in told() if re.fullmatch(r"snippets/\w+/", path)}


def test_every_command_of_the_readme_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)", README))
    assert {"serve", "test"} <= named <= targets


def test_the_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_ci_runs_the_test_command_and_nothing_else_of_substance() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in script if line and not line.startswith("#")]
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "exec make test"]
