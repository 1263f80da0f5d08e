"""Every page for every reader: axe, both schemes, a phone, the keyboard alone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.server import ONE_FIGURE, Server
from tests.browser.watch import controlled, elsewhere
from theme.catalogue import ROOT

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PAGES = [
    "" if path.stem == "index" else f"{path.stem}/"
    for path in sorted((ROOT / "docs").glob("*.md"))
] + [f"labs/{path.stem}/" for path in sorted((ROOT / "docs" / "labs").glob("*.py"))]

# Code has thousands of spans in a dozen colours: one span of each colour is judged.
ONE_OF_A_COLOUR = """() => {
  const seen = new Set();
  for (const span of document.querySelectorAll(".highlight span[class]")) {
    if (seen.has(span.className)) span.replaceWith(...span.childNodes);
    seen.add(span.className);
  }
}"""

# A figure far from the screen is not laid out; to be judged, all of them are.
ALL_OF_IT = "figure.scenario { content-visibility: visible !important }"
TWICE_AS_LARGE = """() => {
  const root = document.documentElement;
  root.style.fontSize = `${2 * parseFloat(getComputedStyle(root).fontSize)}px`;
}"""
# What moves for longer than a blink, or a part that its style puts before or after it.
MOVING = """() => [...document.querySelectorAll("*")].filter((each) =>
    ["", "::before", "::after"].some((part) => {
      const style = getComputedStyle(each, part || null);
      const long = (times) => times.split(",").some((time) => parseFloat(time) > 0.01);
      return style.scrollBehavior === "smooth"
        || (style.animationName !== "none" && long(style.animationDuration))
        || (style.transitionProperty !== "none" && long(style.transitionDuration));
    })).map((each) => each.outerHTML.slice(0, 80))"""
# Writes down how the page's scripts scroll from now on.
SCROLLS = """() => {
  window.scrolls = [];
  const scroll = Element.prototype.scrollIntoView;
  Element.prototype.scrollIntoView = function (how) {
    scrolls.push(how.behavior);
    scroll.call(this, how);
  };
}"""
AS_IT_WAS = "document.documentElement.style.fontSize = ''"


@pytest.fixture
def page(reader: BrowserContext) -> Iterator[Page]:
    """A page of its own for each test, of a reader who has been here before."""
    page = reader.new_page()
    yield page
    page.evaluate("localStorage.clear()")
    page.close()


def violations(page: Page, *rules: str, within: str = "html") -> list[tuple[Any, ...]]:
    """What axe finds by all its rules, or these: rule, what it is, first elements."""
    page.evaluate(ONE_OF_A_COLOUR)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(
        """([part, rules]) => axe.run(part, {
          resultTypes: ["violations"],  // of the rest, one example each
          ...(rules.length ? { runOnly: rules } : {}),
        })""",
        [within, list(rules)],
    )["violations"]
    return [
        (each["id"], each["help"], [node["html"][:160] for node in each["nodes"][:3]])
        for each in found
    ]


def scheme(page: Page, dark: bool) -> None:
    """Choose the light or the dark scheme, and wait for its colours."""
    page.emulate_media(
        color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    name = "slate" if dark else "default"
    page.evaluate(f"document.body.setAttribute('data-md-color-scheme', '{name}')")


def wide(page: Page) -> int:
    """How wide the page is, in pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


@pytest.mark.parametrize("path", [*PAGES, "404.html"])
def test_a_page_has_no_violation_asks_no_other_origin_and_fits_its_screen(
    server: Server, page: Page, path: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")
    left = elsewhere(page, server)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url + path)
    page.add_style_tag(content=ALL_OF_IT)
    controlled(page)
    scheme(page, dark=False)
    assert wide(page) == 390
    assert violations(page) == []
    page.evaluate(TWICE_AS_LARGE)
    assert wide(page) == 390
    page.evaluate(AS_IT_WAS)
    page.set_viewport_size({"width": 1280, "height": 800})
    scheme(page, dark=True)
    assert wide(page) == 1280
    assert violations(page) == []
    assert errors == []
    assert left == []


def test_a_figure_with_all_of_it_open_has_no_violation(
    server: Server, page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.url + ONE_FIGURE)

    def found() -> list[tuple[Any, ...]]:
        scheme(page, dark=False)
        light = violations(page, within="#delivery-one_charge")
        scheme(page, dark=True)
        return light + violations(page, "color-contrast", within="#delivery-one_charge")

    figure = page.locator("figure.scenario").first
    figure.get_by_role("button", name="Show without a guess").click()
    expect(figure.get_by_role("option").first).to_be_visible()
    figure.get_by_role("button", name="Edit").click()
    editor = figure.get_by_role("textbox", name=re.compile("Code of"))
    editor.press_sequentially("variants = 1 ")
    editor.press("Control+Enter")
    expect(figure.locator(".run-below .run-error")).to_be_visible()
    assert found() == []
    editor.fill((figure.locator(".scenario__code code").text_content() or "") + "\n#")
    editor.press("Control+Enter")
    expect(figure.locator(".run-claims")).to_be_visible()
    figure.get_by_role("button", name="Step →").click()
    figure.locator("details").evaluate_all("all => all.forEach((d) => (d.open = true))")
    assert found() == []
    assert wide(page) == 390


def test_a_plain_block_with_its_editor_open_has_no_violation(
    server: Server, page: Page
) -> None:
    page.goto(server.url + "engine/")
    controlled(page).get_by_role("button", name="Edit").last.click()
    editor = page.get_by_role("textbox", name=re.compile("Code of"))
    editor.fill("print('said')\nnobody")
    editor.press("Control+Enter")
    expect(page.locator(".run-error")).to_be_visible()
    expect(page.locator(".run-output").last).to_have_text("said\n")
    for dark in (False, True):
        scheme(page, dark)
        parts = ".run-tools, .run-hint, .run-editor, .run-below"
        assert violations(page, within=parts) == []


def test_the_keyboard_alone_finds_breaks_and_mends(server: Server, page: Page) -> None:
    page.goto(server.url + ONE_FIGURE)
    figure = page.locator("figure.scenario").first
    keys = page.keyboard
    figure.get_by_role("tab").first.focus()
    keys.press("ArrowRight")
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_first")
    expect(figure.locator(".scenario__shown")).to_contain_text("breaks the invariant")
    keys.press("Tab")
    expect(figure.get_by_role("spinbutton")).to_be_focused()
    keys.type("3")
    keys.press("Enter")
    cell = figure.get_by_role("option").first
    expect(cell).to_be_focused()
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(figure.get_by_role("option").nth(1)).to_have_attribute(
        "aria-selected", "true"
    )
    keys.press("Tab")
    expect(figure.locator(".scenario__picture")).to_be_focused()
    keys.press("ArrowRight")
    expect(figure.locator("svg .is-now")).to_have_count(1)
    edit = figure.get_by_role("button", name="Edit")
    for _ in range(60):
        keys.press("Tab")
        if edit.evaluate("each => each === document.activeElement"):
            break
    keys.press("Enter")
    editor = figure.get_by_role("textbox", name=re.compile("Code of"))
    expect(editor).to_be_focused()
    keys.type("# mine\n")
    keys.press("Control+Enter")
    expect(figure.locator(".run-claims")).to_be_visible()
    keys.press("Escape")
    keys.press("Shift+Tab")
    expect(editor).not_to_be_focused()


def test_whoever_wants_less_motion_gets_none(server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 400})  # each step has to scroll
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.url + ONE_FIGURE)
    figure = controlled(page).locator("figure.scenario").first
    figure.get_by_role("button", name="Edit").click()
    expect(figure.locator(".cm-editor")).to_be_visible()
    assert page.evaluate(MOVING) == []
    page.evaluate(SCROLLS)
    figure.locator(".scenario__picture").focus()
    for key in ("End", "Home"):
        page.keyboard.press(key)
    assert page.evaluate("scrolls") == ["auto", "auto"]


def test_a_finger_hits_every_control(server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("delivery/", "consensus/", "observability/"):
        page.goto(server.url + path)
        page.add_style_tag(content=ALL_OF_IT)
        figures = page.locator("figure.scenario")
        expect(figures.locator(".run-tabs")).to_have_count(figures.count())
        small = page.locator(
            "article :is(button, [role=switch], [role=slider], input, select, summary)"
        ).evaluate_all(
            """(all) => all.map((each) => [each, (each.closest("label") ?? each)
                 .getBoundingClientRect()])
               .filter(([, box]) => box.height && (box.height < 24 || box.width < 24))
               .map(([each]) => each.outerHTML.slice(0, 120))"""
        )
        assert small == []
