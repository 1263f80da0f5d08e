"""What the page's Python says of the reader's code, without a browser."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest

from theme import figure
from theme.catalogue import ROOT

FAILS = '''
def halve(n):
    """A function with examples.

    >>> print(end="no newline")
    no newline
    >>> halve("one")
    0.5
    >>> halve(0)
    0.0
    """
    return n / 2
'''
CAUSED = """
def read(book):
    try:
        return book["order-7"]
    except KeyError as missing:
        raise LookupError("no such order") from missing

read({})
"""


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The worker's half, as it stands beside `figure` in the browser."""
    monkeypatch.setitem(sys.modules, "figure", figure)
    path = ROOT / "theme" / "runner" / "src" / "bridge.py"
    spec = spec_from_file_location("bridge", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asked(bridge: ModuleType, source: str) -> tuple[dict[str, Any], str]:
    """What running this file answers, and what it prints."""
    printed: list[str] = []
    bridge.output = printed.append  # type: ignore[attr-defined]
    question = {"do": "snippet", "module": "mine", "source": source}
    return json.loads(bridge.answer(json.dumps(question))), "".join(printed)


def test_an_example_that_fails_says_the_line_of_the_readers_file(
    bridge: ModuleType,
) -> None:
    answer, _ = asked(bridge, FAILS)
    right, failed, right_again = answer["value"]
    assert right["ok"]
    assert right_again["ok"]
    assert 'File "mine.py", line 12, in halve' in failed["got"]


def test_what_an_example_prints_never_joins_the_next_prompt(bridge: ModuleType) -> None:
    _, printed = asked(bridge, FAILS)
    prompts = [line for line in printed.splitlines() if ">>>" in line]
    assert len(prompts) == 3
    assert all(line.startswith(">>>") for line in prompts)


def test_an_error_tells_its_cause_in_the_readers_own_lines(bridge: ModuleType) -> None:
    answer, _ = asked(bridge, CAUSED)
    text = answer["error"]["text"]
    assert 'File "mine.py", line 4, in read' in text
    assert text.index("KeyError") < text.index("LookupError: no such order")
    assert "bridge.py" not in text
    assert answer["error"]["line"] == 6
