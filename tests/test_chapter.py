"""The chapter says what its outline asks for, and cannot stop saying it in silence.

`chapter.toml` maps each point of the outline to sentences of one page, or to a picture
of one run. The tests look for them, and then look at the table itself: whatever it
names can be cut from the page's text in memory, and the cut is noticed.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from theme import catalogue, strict

POINTS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("chapter.toml").read_text()
)["point"]
SAID = [point for point in POINTS if "says" in point]
DRAWN = [point for point in POINTS if "draws" in point]
WRONG = [point for point in POINTS if "refuted" in point]

# What Markdown and this site's own marks add to the words that a reader sees.
MARKS = [
    (re.compile(r"\A---\n.*?\n---\n", re.DOTALL), ""),
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"\{= .*? =\}"), "…"),
    (re.compile(r"\s*\{ ?[.#][^{}]*\}"), ""),
    (re.compile(r"\s*\[@[-\w]+\]"), ""),
    (re.compile(r"\[\^\w+\]"), ""),
    (re.compile(r"\[\[(?:[^\]|]+\|)?([^\]]+)\]\]"), r"\1"),
    (re.compile(r"\[([^\[\]]*)\]\([^()]*\)"), r"\1"),
    (re.compile(r"[*`]"), ""),
    (re.compile(r"[“”]"), '"'),
]


def page_of(point: dict[str, Any]) -> str:
    """The source of the page that carries a point."""
    return (strict.DOCS / str(point["page"])).read_text()


def words(markdown: str) -> str:
    """A page's words as a reader sees them, its white space folded."""
    for mark, plain in MARKS:
        markdown = mark.sub(plain, markdown)
    return " ".join(markdown.split())


def missing(point: dict[str, Any], text: str) -> list[str]:
    """The sentences of a point that a page's words lack."""
    return [sentence for sentence in point["says"] if sentence not in text]


def fences(markdown: str) -> Iterator[tuple[int, int, str, str]]:
    """First and last line of each picture of a run, its variant, its condition."""
    lines = markdown.split("\n")
    for start, end, head in strict.blocks(lines):
        if head["info"] in ("scenario", "diagram"):
            yield start, end, lines[start + 1].strip(), lines[start + 2].strip()


def draws(point: dict[str, Any], markdown: str) -> bool:
    """Does a page ask for the picture that a point needs?"""
    wanted = (point["draws"], point["run"])
    return any((variant, run) == wanted for _, _, variant, run in fences(markdown))


def in_order(wanted: list[str], found: list[str]) -> bool:
    """Do the wanted words stand among the found ones, in this order?"""
    rest = iter(found)
    return all(each in rest for each in wanted)


def blocks_of(page: str) -> list[str]:
    """The paragraphs of a page, each with its lines."""
    return re.split(r"\n\s*\n", (strict.DOCS / page).read_text())


def named(point: dict[str, Any]) -> str:
    """A point's name, for the report of a failing test."""
    return str(point["name"])


@pytest.mark.parametrize("point", SAID, ids=named)
def test_a_page_says_the_point(point: dict[str, Any]) -> None:
    lost = missing(point, words(page_of(point)))
    assert not lost, f"{point['page']} no longer says: {lost}"


@pytest.mark.parametrize("point", SAID, ids=named)
def test_cutting_any_one_sentence_is_noticed(point: dict[str, Any]) -> None:
    text = words(page_of(point))
    for sentence in point["says"]:
        assert missing(point, text.replace(sentence, "", 1)) == [sentence]


@pytest.mark.parametrize("point", SAID, ids=named)
def test_cutting_any_one_word_of_a_sentence_is_noticed(point: dict[str, Any]) -> None:
    text = words(page_of(point))
    for sentence in point["says"]:
        each = sentence.split()
        for place in range(len(each)):
            shorter = " ".join(each[:place] + each[place + 1 :])
            assert missing(point, text.replace(sentence, shorter)) == [sentence]


@pytest.mark.parametrize("point", DRAWN, ids=named)
def test_a_page_draws_the_run(point: dict[str, Any]) -> None:
    assert draws(point, page_of(point)), f"{point['page']} lacks {point['draws']}"
    module, _, variant = point["draws"].rpartition(".")
    schedule = catalogue.wanted(module, variant, point["run"])
    assert schedule is not None
    drawn = catalogue.picture(module, variant, schedule)["words"]
    assert in_order(point["shows"], drawn), drawn


@pytest.mark.parametrize("point", DRAWN, ids=named)
def test_cutting_the_picture_is_noticed(point: dict[str, Any]) -> None:
    lines = page_of(point).split("\n")
    start, end = next(
        (start, end)
        for start, end, variant, run in fences("\n".join(lines))
        if (variant, run) == (point["draws"], point["run"])
    )
    assert not draws(point, "\n".join(lines[:start] + lines[end + 1 :]))


def test_events_in_another_order_are_another_picture() -> None:
    assert in_order(["a", "c"], ["a", "b", "c"])
    assert not in_order(["c", "a"], ["a", "b", "c"])
    assert not in_order(["a", "a"], ["a", "b", "c"])


@pytest.mark.parametrize("point", WRONG, ids=named)
def test_a_wrong_answer_stands_beside_its_refutation(point: dict[str, Any]) -> None:
    (answer,) = [
        block
        for block in blocks_of(point["page"])
        if all(sentence in words(block) for sentence in point["says"])
    ]
    assert f"]({point['refuted']})" in answer


def breaks(module: str) -> bool:
    """Does some run of some variant break the module's invariant?"""
    variants = catalogue.scenario(module).variants
    return any(catalogue.verdict(module, each["name"])["bad"] for each in variants)


def avoided() -> list[str]:
    """Every answer that the interview page says to avoid."""
    return [block for block in blocks_of("interview.md") if "{ .avoid }" in block]


@pytest.mark.parametrize("answer", avoided(), ids=lambda block: words(block)[17:60])
def test_every_answer_to_avoid_links_to_a_run_that_breaks(answer: str) -> None:
    """A module that computes instead of exploring has no runs, and no variants."""
    figures = re.findall(r"\]\(\w+\.md#(\w+-\w+)\)", answer)
    assert figures, "link the figure that refutes this answer"
    for module in (figure.replace("-", ".", 1) for figure in figures):
        if "variants" in catalogue.scenario(module).names:
            assert breaks(module), f"no run of {module} breaks"


@pytest.mark.parametrize("page", ["practice.md", "interview.md"])
def test_no_answer_shows_until_it_is_asked_for(page: str) -> None:
    text = (strict.DOCS / page).read_text()
    questions = re.findall(r"^(\S+) question \"", text, re.MULTILINE)
    assert set(questions) == {"???"}


def test_no_number_of_the_outline_is_skipped() -> None:
    numbers: dict[str, set[int]] = {}
    for point in POINTS:
        if label := re.match(r"(P0\.|T\d\.|[WRQAB])(\d) ", point["name"]):
            numbers.setdefault(label[1], set()).add(int(label[2]))
    for part, found in numbers.items():
        first = min(found)
        assert first <= 1, part
        assert found == set(range(first, max(found) + 1)), part


def test_each_truth_has_its_drawing_its_example_and_its_conclusion() -> None:
    labels = {point["name"].split(" ")[0] for point in POINTS}
    truths = {label.split(".")[0] for label in labels if label.startswith("T")}
    assert len(truths) == len(catalogue.TRUTHS)
    for truth in truths:
        assert {f"{truth}.D", f"{truth}.E", f"{truth}.H"} <= labels


def test_each_point_has_a_name_of_its_own() -> None:
    names = [point["name"] for point in POINTS]
    assert sorted(set(names)) == sorted(names)
    assert all("says" in point or "draws" in point for point in POINTS)
