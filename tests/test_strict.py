"""Each mistake of an author stops the build with one line: file, line, mend.

Every test plants one mistake in a small tree and reads the message.
"""

from pathlib import Path

import pytest
from markdown import Markdown

from theme import catalogue, fences, strict
from theme.fault import Fault
from theme.fences import ChapterExtension

SCENARIO = '''"""A call can be lost.

Faults: at most one: the call is lost.
Leaves out: late calls.
"""


def ask(world):
    """Ask once."""
    return world.delivers("client", "server", "hello")


variants = (ask,)


def holds(result):
    """The call arrives."""
    return result
'''

PAGES = {
    "index.md": '# Home\n\n```python\n--8<-- "snippets/delivery/__init__.py"\n```\n',
    "references.md": "- [@lamport-1978]: Lamport. *Time, Clocks.* 1978.\n",
    "glossary.md": "**idempotency key**\n:   Makes repeats of one intent collapse.\n",
}

GOOD = """\
# Calls {#calls}

A claim [@lamport-1978] about an [[idempotency key]].

``` scenario
delivery.calls.ask
not result
```
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chapter with one scenario, a glossary and a source."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "snippets" / "delivery").mkdir(parents=True)
    for name, text in PAGES.items():
        (tmp_path / "docs" / name).write_text(text)
    (tmp_path / "snippets" / "delivery" / "__init__.py").write_text("")
    (tmp_path / "snippets" / "delivery" / "calls.py").write_text(SCENARIO)
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    monkeypatch.setattr(strict, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(strict, "SNIPPETS", tmp_path / "snippets")
    monkeypatch.setattr(catalogue, "SNIPPETS", tmp_path / "snippets")
    monkeypatch.setattr(fences, "receipt", lambda module: "")  # no server is asked
    monkeypatch.setattr(catalogue, "engine_digest", lambda: "the same engine")
    monkeypatch.setattr(catalogue, "_loaded", "the same engine")
    return tmp_path


def convert(text: str) -> str:
    """The HTML of a page, named page.md since no generator says otherwise."""
    return Markdown(
        extensions=[ChapterExtension(), "attr_list", "pymdownx.superfences"]
    ).convert(text)


def refusal(text: str) -> str:
    """The one line with which a page is refused."""
    with pytest.raises(Fault) as caught:
        convert(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_page_without_mistakes_becomes_a_page(tree: Path) -> None:
    html = convert(GOOD)
    assert 'id="delivery-calls"' in html
    assert "breaks in 1 of 2" in html
    assert 'href="references.md#lamport-1978"' in html
    assert 'href="glossary.md#idempotency-key"' in html


def test_an_unknown_scenario_stops_the_build(tree: Path) -> None:
    message = refusal("# Calls\n\n``` scenario\ndelivery.call.ask\nTrue\n```\n")
    assert message.startswith("docs/page.md:3: there is no scenario 'delivery.call'")


def test_an_unknown_variant_stops_the_build(tree: Path) -> None:
    message = refusal("``` scenario\ndelivery.calls.beg\nTrue\n```\n")
    assert message.startswith("docs/page.md:1: ")
    assert "has no variant 'beg', only ask" in message


def test_a_predicate_that_fits_no_run_stops_the_build(tree: Path) -> None:
    message = refusal("\n``` scenario\ndelivery.calls.ask\nresult == 7\n```\n")
    assert message.startswith("docs/page.md:2: no run of delivery.calls.ask satisfies")


def test_a_predicate_that_is_no_python_stops_the_build(tree: Path) -> None:
    message = refusal("``` diagram\ndelivery.calls.ask\nresult =\n```\n")
    assert "'result =' is no Python expression; mend the second line" in message


def test_a_figure_without_its_lines_stops_the_build(tree: Path) -> None:
    assert "a figure needs two lines" in refusal(
        "``` scenario\ndelivery.calls.ask\n```\n"
    )


def test_a_fence_that_never_ends_stops_the_build(tree: Path) -> None:
    message = refusal("one\n\n``` scenario\ndelivery.calls.ask\n")
    assert message == "docs/page.md:3: this fence never ends; close it"


def test_a_question_needs_exactly_one_right_answer(tree: Path) -> None:
    fence = "``` scenario\ndelivery.calls.ask\nTrue\n? Why?\n- a: no\n- b: no\n```\n"
    assert "a question has one right answer" in refusal(fence)


def test_a_line_that_a_figure_does_not_know_stops_the_build(tree: Path) -> None:
    fence = "``` scenario\ndelivery.calls.ask\nTrue\nwhy not\n```\n"
    assert "'why not' is no part of a figure" in refusal(fence)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            ("return world", "while True:\n        pass\n    return world"),
            "still running",
        ),
        (("return world", "return 1 / 0 + world"), "ZeroDivisionError"),
        (("return world", "return )world"), "is no Python"),
        (
            ("    return world", "    while world.choose('on'):\n        pass\n    w"),
            "",
        ),
        (
            (
                "return world.delivers",
                "world.crash('a', 'b')\n    return world.delivers",
            ),
            "",
        ),
    ],
)
def test_a_scenario_that_fails_stops_the_build(
    tree: Path, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str], sentence: str
) -> None:
    monkeypatch.setattr(catalogue, "SECONDS", 0.2)
    path = tree / "snippets" / "delivery" / "calls.py"
    path.write_text(SCENARIO.replace(*edit))
    message = refusal("``` scenario\ndelivery.calls.ask\nTrue\n```\n")
    assert message.startswith("docs/page.md:1: delivery.calls ")
    assert message.endswith("; mend the scenario")
    assert sentence in message


@pytest.mark.parametrize(
    "info", ["python", "py", "pycon", "{ .python }", "python title=x"]
)
def test_python_typed_by_hand_stops_the_build(tree: Path, info: str) -> None:
    message = refusal(f"text\n\n```{info}\nprint(1)\n```\n")
    assert message.startswith("docs/page.md:3: Python typed by hand")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--8<-- snippets/delivery/calls.py", "is not read as an import"),
        ('--8<-- "snippets/delivery/none.py"', "there is no snippets/delivery/none.py"),
        (
            '--8<-- "snippets/delivery/calls.py:part"',
            "marks the section 'part' 0 times",
        ),
        ('--8<-- "snippets/delivery/calls.py:1:99"', "lines, no 1:99"),
        ('--8<-- "snippets/delivery/calls.py:9:2"', "lines, no 9:2"),
    ],
)
def test_an_import_that_would_leave_a_hole_stops_the_build(
    tree: Path, line: str, sentence: str
) -> None:
    message = refusal(f"```python\n{line}\n```\n")
    assert message.startswith("docs/page.md:2: ")
    assert sentence in message


@pytest.mark.parametrize(
    ("marks", "sentence"),
    [
        ("# --8<-- [start:part]\nx = 1\n", "marks the section 'part' 1 times"),
        ("# --8<-- [start:part]\n\n# --8<-- [end:part]\n", "is empty"),
        (
            "x = 1  # --8<-- [start:part]\ny = 1\n# --8<-- [end:part]\n",
            "has code before",
        ),
        ("# --8<-- [start:part]\ny = 1\n# --8<-- [end:part]\n" * 2, "4 times"),
    ],
)
def test_a_section_that_is_marked_wrongly_stops_the_build(
    tree: Path, marks: str, sentence: str
) -> None:
    (tree / "snippets" / "delivery" / "calls.py").write_text(SCENARIO + marks)
    message = refusal('```python\n--8<-- "snippets/delivery/calls.py:part"\n```\n')
    assert sentence in message


@pytest.mark.parametrize(
    ("prose", "sentence"),
    [
        ("[x](nowhere.md)", "the link 'nowhere.md' is dead; mend its path"),
        ("[x](/index.md)", "the link '/index.md' is dead; mend its path"),
        ("[x](index.md#nothing)", "index.md has no anchor 'nothing'"),
        ("As [@nobody] says", "the source 'nobody' is unknown"),
        ("A [[fencing token]]", "the glossary has no 'fencing token'"),
        ('{= broken("delivery.calls.beg") =}', "has no value (LookupError"),
        ("{= delivery.calls.nothing =}", "has no value (AttributeError"),
    ],
)
def test_a_mark_that_leads_nowhere_stops_the_build(
    tree: Path, prose: str, sentence: str
) -> None:
    message = refusal(f"# Calls\n\none\n{prose}\n")
    assert message.startswith("docs/page.md:4: ")
    assert sentence in message


def test_code_spans_are_left_alone(tree: Path) -> None:
    assert "[@nobody]" in convert("Write `[@nobody]` for a source.\n")


def test_a_snippet_on_no_page_stops_the_build(tree: Path) -> None:
    with pytest.raises(Fault, match=r"^snippets/delivery/calls.py:1: no page shows"):
        strict.check_site()


def test_a_source_that_nothing_cites_stops_the_build(tree: Path) -> None:
    (tree / "docs" / "page.md").write_text(
        "``` scenario\ndelivery.calls.ask\nTrue\n```\n"
    )
    with pytest.raises(Fault, match=r"^docs/references.md:1: nothing cites"):
        strict.check_site()


def test_a_source_that_a_docstring_invents_stops_the_build(tree: Path) -> None:
    (tree / "docs" / "page.md").write_text(GOOD)
    path = tree / "snippets" / "delivery" / "calls.py"
    path.write_text(SCENARIO.replace("late calls.", "late calls.\nSource: [@me]"))
    with pytest.raises(Fault, match=r"^snippets/delivery/calls.py:5: the source 'me'"):
        strict.check_site()


def test_a_chapter_without_mistakes_passes(tree: Path) -> None:
    (tree / "docs" / "page.md").write_text(GOOD)
    strict.check_site()


def test_a_value_is_computed_and_formatted(tree: Path) -> None:
    assert "1 of 2 schedules" in convert('{= broken("delivery.calls.ask") =}')
    assert "2" in convert('{= schedules("delivery.calls.ask") =}')
    path = tree / "snippets" / "delivery" / "calls.py"
    path.write_text(SCENARIO + "share = 0.0678\n")
    assert "6.8%" in convert("{= delivery.calls.share | .1% =}")
