"""Each block that can be run gives in the browser what the tests saw."""

import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.server import Server
from tests.browser.test_access import PAGES
from tests.browser.watch import controlled, elsewhere
from theme.catalogue import ROOT

SHOWS = re.compile(r'``` scenario|--8<-- "snippets')
READ_ONLY = {"recipes/"}  # a recipe needs a server, so it runs in the tests alone


@pytest.fixture(scope="module")
def page(reader: BrowserContext) -> Page:
    """One browser for page after page: Python boots from its snapshot."""
    return reader.new_page()


@pytest.fixture(autouse=True)
def nothing_leaves_the_site(page: Page, server: Server) -> Iterator[None]:
    """Whatever runs, no request goes to another origin."""
    left = elsewhere(page, server)
    yield
    assert left == []


def runs(path: str) -> bool:
    """Does the page show code? (A lab's runs elsewhere.)"""
    source = ROOT / "docs" / f"{path.strip('/') or 'index'}.md"
    return source.is_file() and bool(SHOWS.search(source.read_text()))


@pytest.mark.parametrize("path", [path for path in PAGES if runs(path)])
def test_every_block_of_a_page_gives_what_the_tests_saw(
    page: Page, server: Server, path: str
) -> None:
    server.mend()
    page.goto(server.url + path)
    controlled(page)
    figures = page.locator("figure.scenario")
    blocks = page.locator("[data-snippet][data-runs]")
    controls = page.locator(".run-button--main")
    count = figures.count() + blocks.count()
    assert bool(count) == (path not in READ_ONLY)
    expect(controls).to_have_count(count)
    controls.evaluate_all("all => all.forEach((each) => each.click())")
    for figure in figures.all():
        verdicts = figure.locator(".run-verdicts li")
        claims = figure.locator("p.run-claims")
        expect(claims).to_have_text(re.compile(r"(\d+) of \1 examples? hold"))
        expect(verdicts).to_have_count(figure.locator("tr[data-variant]").count())
        saw = verdicts.filter(has_text="as the tests saw")
        expect(saw).to_have_count(verdicts.count())
    for block in blocks.all():
        name = block.get_attribute("data-snippet")
        said = page.locator(f"[data-said='{name}'] .run-status")
        expect(said).to_have_text(re.compile("what the tests saw|as the tests saw"))
    expect(page.locator(".run-error")).to_have_count(0)


def test_the_puzzle_ends_with_the_smallest_evidence(page: Page, server: Server) -> None:
    page.goto(server.url + "observability/")
    puzzle = page.locator("figure.puzzle")
    rows = puzzle.locator("tr[data-fact]")
    for row in rows.all():
        puzzle.locator(f"button[data-fact='{row.get_attribute('data-fact')}']").click()
    said = puzzle.locator(".run-count")
    expect(said).to_have_role("status")
    expect(said).to_contain_text("one story left")
    expect(said.locator("li").first).to_have_text("Which try wrote the payment: 1")
    first = rows.first
    puzzle.get_by_role("button", name="Start again").click()
    puzzle.locator(f"button[data-fact='{first.get_attribute('data-fact')}']").click()
    worlds = first.locator("td").first.inner_text()
    expect(said).to_contain_text(f"{worlds} world")
    trail = puzzle.locator(".run-trail li")
    expect(trail).to_have_count(2)
    bought = import_module("snippets.observability.who_lied_first").answers
    answer = bought[first.get_attribute("data-fact") or ""]  # a number
    expect(said).to_contain_text(f"Answer: {answer}.")
    expect(trail.last.locator("q")).to_have_text(answer)


def test_turning_any_knob_says_its_value_and_draws_the_plot_anew(
    page: Page, server: Server
) -> None:
    page.goto(server.url + "consensus/")
    controlled(page)
    sliders = page.locator("figure.sliders")
    plot = sliders.locator(".sliders__picture")
    values = sliders.locator(".sliders__values dd")
    turned = set()
    for number, knob in enumerate(sliders.locator(".run-knob").all()):
        drawn, told = plot.inner_html(), values.all_text_contents()
        part = knob.locator("input, select")
        if part.get_attribute("type") == "range":
            part.press("ArrowRight")
            expect(knob.get_by_role("status")).to_have_text(part.input_value())
        else:
            part.select_option(index=1)
        turned.add(part.get_attribute("type"))
        assert part.input_value() != told[number]
        told[number] = part.input_value()
        expect(values).to_have_text(told)
        page.wait_for_function(
            "drawn => document.querySelector('.sliders__picture').innerHTML !== drawn",
            arg=drawn,
        )
    assert turned == {"range", None}, "a slider and a list"
