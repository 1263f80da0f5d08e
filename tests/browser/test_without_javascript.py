"""Without JavaScript a page reads, and shows nothing that would do nothing."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.server import Server

# What one can see, and what does nothing without JavaScript. The labels that are left
# out open the drawer or a part of the navigation, which CSS does.
DEAD = """() => [...document.querySelectorAll(
    "button, input, select, textarea, label, [role=tab], [contenteditable]"
  )].filter((each) =>
    !each.matches("label:is([for=__drawer], [for=__toc], [for^=__nav_])")
    && each.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .map((each) => each.outerHTML.slice(0, 120))"""


def test_no_page_shows_a_dead_control(server: Server, visit: Visit) -> None:
    page = visit("delivery/", java_script_enabled=False)
    figure = page.locator("figure.scenario").first
    expect(figure.locator("svg.diagram")).to_be_visible()
    expect(figure.locator("svg.diagram desc")).to_have_count(1)
    expect(figure.locator(".scenario__verdicts")).to_contain_text("breaks in")
    expect(figure.locator("pre code").first).to_be_visible()
    for path in ("delivery/", "consensus/", "observability/", "engine/"):
        page.goto(server.url + path)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(DEAD) == []
