"""On paper a figure keeps its story, whatever its reader did on the screen."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.server import ONE_FIGURE
from tests.browser.watch import controlled

CONTROLS = (".run-tabs", ".run-steps", ".run-switches", ".run-every", ".run-tools")
COLOUR = "event => getComputedStyle(event).color"
# How much of it does not fit: below its lower edge and beyond its right one.
CUT = """({ scrollHeight, clientHeight, scrollWidth, clientWidth }) =>
  [scrollHeight - clientHeight, scrollWidth - clientWidth]"""


def test_a_figure_keeps_its_story_loses_its_controls_and_fades_no_event(
    visit: Visit,
) -> None:
    page = controlled(visit(ONE_FIGURE))
    page.emulate_media(reduced_motion="reduce")  # a colour is there at once
    figure = page.locator("figure.scenario").first
    figure.get_by_role("button", name="Step →").click()
    ahead = figure.locator("svg .is-ahead").last
    svg = figure.locator("svg")
    assert ahead.evaluate(COLOUR) != svg.evaluate(COLOUR)
    page.emulate_media(media="print")
    expect(svg).to_be_visible()
    for part in CONTROLS:
        expect(figure.locator(part)).to_be_hidden()
    assert ahead.evaluate(COLOUR) == svg.evaluate(COLOUR)


def test_all_that_an_open_editor_holds_is_printed(visit: Visit) -> None:
    page = controlled(visit(ONE_FIGURE))
    figure = page.locator("figure.scenario").first
    code = figure.locator(".scenario__code code").text_content() or ""
    figure.get_by_role("button", name="Edit").click()
    expect(figure.get_by_role("textbox", name="Code of")).to_be_focused()
    page.keyboard.insert_text(f"# {'mine ' * 99}\n")
    lines = figure.locator(".cm-line")
    assert lines.count() < code.count("\n"), "only what is on the screen is drawn"
    page.emulate_media(media="print")
    expect(lines).to_have_count(code.count("\n") + 2)
    for part in (".cm-editor", ".cm-scroller"):
        assert figure.locator(part).evaluate(CUT) == [0, 0]
