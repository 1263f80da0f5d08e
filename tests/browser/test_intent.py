"""Nothing is fetched before the reader seems to want it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NEW, Visit, is_python
from tests.browser.scripts import before_intent
from tests.browser.server import Server
from tests.browser.watch import controlled

HEAVY = re.compile(
    r"assets/(pyodide|python|runs)/|worker\.js|editor\.js|bridge\.py|runtime"
)
BUDGET = 15 * 1024  # bytes of our own scripts, compressed, before intent

# Counts the workers that the page makes from now on; it makes none but Python's.
COUNT = """() => {
  window.made = 0;
  window.Worker = class extends Worker {
    constructor(...given) { super(...given); made++; }
  };
}"""
# Brings what can be run on the screen, one after the other.
READ = """async () => {
  const parts = document.querySelectorAll("figure, [data-runs]");
  for (const part of parts) {
    part.scrollIntoView();
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  }
  return parts.length;
}"""


def heavy(page: Page, server: Server) -> set[str]:
    """What was asked for too early, once a question of now has reached the server."""
    page.evaluate(
        "async (url) => (await fetch(url, { cache: 'no-store' })).text()",
        server.url + "404.html",
    )
    assert "404.html" in server.asked
    return {path for path in server.asked if HEAVY.search(path)}


def test_pages_that_are_read_to_their_ends_fetch_no_python_and_no_editor(
    server: Server, visit: Visit
) -> None:
    page = visit("delivery/", **NEW)
    for path in ("delivery/", "consensus/", "observability/", "engine/"):
        page.goto(server.url + path)
        assert controlled(page).evaluate(READ) > 1
        assert heavy(page, server) == set()


def test_a_reader_who_saves_data_gets_what_was_asked_for_and_no_python(
    server: Server, visit: Visit
) -> None:
    page = visit("", **NEW)
    page.context.new_cdp_session(page).send(
        "Emulation.setDataSaverOverride", {"dataSaverEnabled": True}
    )
    page.goto(server.url + "delivery/")
    controlled(page).evaluate(COUNT)
    figure = page.locator("figure.scenario").first
    tab = figure.get_by_role("tab").nth(1)
    tab.hover()
    assert heavy(page, server) == set()
    tab.click()
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_first")
    assert heavy(page, server) == {"assets/runs/delivery.one_charge.json"}
    assert page.evaluate("made") == 0


@pytest.mark.parametrize("path", ["delivery/", "observability/", "consensus/"])
def test_our_scripts_before_intent_are_small(
    server: Server, visit: Visit, path: str
) -> None:
    page = controlled(visit(path, **NEW))
    assert before_intent(server, page) <= BUDGET


@pytest.mark.parametrize("intent", ["pointer", "focus", "click"])
def test_a_reader_who_seems_to_want_it_gets_python(
    server: Server, visit: Visit, intent: str
) -> None:
    page = controlled(visit("delivery/", **NEW))
    tab = page.locator("figure.scenario").first.get_by_role("tab").nth(1)
    with page.expect_event("worker", is_python):
        if intent == "pointer":
            tab.hover()
        elif intent == "focus":
            page.keyboard.press("Tab")  # from here on focus is the keyboard's
            tab.focus()
        else:
            tab.dispatch_event("click")


def test_a_finger_that_scrolls_by_starts_no_python(visit: Visit) -> None:
    page = controlled(visit("delivery/", has_touch=True))
    page.evaluate(COUNT)
    controls = page.locator("figure.scenario").first.locator(".scenario__controls")
    controls.dispatch_event("pointerenter", {"pointerType": "touch"})
    assert page.evaluate("made") == 0
    controls.dispatch_event("pointerenter", {"pointerType": "mouse"})
    assert page.evaluate("made") == 1
