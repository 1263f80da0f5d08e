"""Sybil: every example in a docstring of snippets/ and in README.md is a test."""

from doctest import ELLIPSIS
from pathlib import Path

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

ROOT = Path(__file__).parent

# The same examples on every machine and every day; timings live in benchmarks.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

# Sybil's ** matches one level only, so *.py is given a path to search below.
# A .py file is read as its docstrings, with the module's names for its examples.
docstrings = Sybil(
    name="docstrings",
    parsers=[DocTestParser(optionflags=ELLIPSIS)],
    path=str(ROOT / "snippets"),
    pattern="*.py",
)
readme = Sybil(
    name="readme",
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)],
    path=str(ROOT),
    filenames=["README.md"],
)

pytest_collect_file = (docstrings + readme).pytest()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep one file's examples in one process: later ones use the names of earlier."""
    for item in items:
        if isinstance(item, SybilItem):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
