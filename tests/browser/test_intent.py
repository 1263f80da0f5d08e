"""Nothing is fetched before the reader seems to want it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NEW, Visit, is_python
from tests.browser.scripts import before_intent
from tests.browser.server import Server

HEAVY = re.compile(
    r"assets/(pyodide|python|runs)/|worker\.js|editor\.js|bridge\.py|runtime"
)
BUDGET = 15 * 1024  # bytes of our own scripts, compressed, before intent


def settled(page: Page) -> Page:
    """The page once its figures have their controls."""
    page.locator("figure.scenario [role=tab]").first.wait_for()
    page.wait_for_load_state("networkidle")
    return page


def test_a_page_that_is_read_fetches_no_python_and_no_editor(
    server: Server, visit: Visit
) -> None:
    page = settled(visit("delivery/", **NEW))
    page.mouse.wheel(0, 20_000)
    page.wait_for_load_state("networkidle")
    assert server.asked, "the page itself was fetched"
    assert not [path for path in server.asked if HEAVY.search(path)]


@pytest.mark.parametrize("path", ["delivery/", "observability/", "consensus/"])
def test_our_scripts_before_intent_are_small(
    server: Server, visit: Visit, path: str
) -> None:
    page = settled(visit(path, **NEW))
    assert before_intent(server, page) <= BUDGET


@pytest.mark.parametrize("intent", ["pointer", "focus", "click"])
def test_a_reader_who_seems_to_want_it_gets_python(
    server: Server, visit: Visit, intent: str
) -> None:
    page = settled(visit("delivery/", **NEW))
    tab = page.locator("figure.scenario").first.get_by_role("tab").nth(1)
    with page.expect_event("worker", is_python):
        if intent == "pointer":
            tab.hover()
        elif intent == "focus":
            page.keyboard.press("Tab")  # from here on focus is the keyboard's
            tab.focus()
        else:
            tab.dispatch_event("click")


def test_a_finger_that_scrolls_by_fetches_nothing(server: Server, visit: Visit) -> None:
    page = settled(visit("delivery/", has_touch=True))
    page.locator("figure.scenario").first.locator(".scenario__controls").dispatch_event(
        "pointerenter", {"pointerType": "touch"}
    )
    page.wait_for_load_state("networkidle")
    assert not any(map(is_python, page.workers))


def test_without_javascript_the_page_reads_and_shows_no_dead_control(
    visit: Visit,
) -> None:
    page = visit("delivery/", java_script_enabled=False)
    figure = page.locator("figure.scenario").first
    expect(figure.locator("svg.diagram")).to_be_visible()
    expect(figure.locator(".scenario__verdicts")).to_contain_text("breaks in")
    expect(figure.locator("pre code").first).to_be_visible()
    expect(figure.locator("button, input, select, [role=tab]")).to_have_count(0)
    expect(figure.locator("svg.diagram desc")).to_have_count(1)


def test_in_print_a_figure_keeps_its_story_and_loses_its_controls(visit: Visit) -> None:
    page = settled(visit("delivery/", **NEW))
    page.emulate_media(media="print")
    figure = page.locator("figure.scenario").first
    expect(figure.locator("svg.diagram")).to_be_visible()
    for part in (
        ".run-tabs",
        ".run-steps",
        ".run-switches",
        ".run-every",
        ".run-tools",
    ):
        expect(figure.locator(part)).to_be_hidden()
