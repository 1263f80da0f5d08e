"""What a test waits for in a page, and what it watches there."""

import re

from playwright.sync_api import Page, expect

from tests.browser.server import Server

# What a page has to run, and the controls that its scripts give each of them.
CONTROLLED = """() => {
  const count = (all) => document.querySelectorAll(all).length;
  return count(".run-tools") === count("figure.scenario, [data-snippet][data-runs]")
    && count(".run-shop") === count("figure.puzzle")
    && count(".sliders__controls .run-count") === count("figure.sliders");
}"""


def controlled(page: Page) -> Page:
    """The page, once all that can be run has its controls."""
    page.wait_for_function(CONTROLLED)
    return page


def follow(page: Page, name: str) -> Page:
    """The page, once it became another by the site's own link, without a reload."""
    page.evaluate("document.querySelector('article').dataset.left = ''")
    page.locator(f"a[href$='{name}/']").first.dispatch_event("click")
    page.wait_for_url(re.compile(f"/{name}/$"))
    expect(page.locator("article:not([data-left])")).to_have_count(1)
    return controlled(page)


def elsewhere(page: Page, server: Server) -> list[str]:
    """Collects each request of a page, or of its Python, that leaves the site."""
    found: list[str] = []

    def look(url: str) -> None:
        if not url.startswith((server.url, "data:", "blob:", "about:")):
            found.append(url)

    page.on("request", lambda request: look(request.url))
    return found
