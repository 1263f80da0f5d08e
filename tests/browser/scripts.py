"""Our own scripts on a page: fetched, in the page itself, and fetched after a while."""

import gzip
import re

from playwright.sync_api import Page

from tests.browser.server import Server

OURS = re.compile(r"assets/runner/.*\.js$")
LATER = {"assets/runner/keep.js", "offline.js"}  # when a page has been read for a while


def before_intent(server: Server, page: Page) -> int:
    """Bytes of our scripts that this page has, compressed as a host compresses them."""
    asked = {path for path in server.asked if OURS.match(path)}
    assert asked, "the figure's scripts were fetched"
    files = [(server.folder / path).read_bytes() for path in asked | LATER]
    inline = page.locator("script:not([src], [type])").all_text_contents()
    own = [text.encode() for text in inline if "__md_" not in text]  # Material's say so
    assert own, "the page has scripts of its own"
    return sum(len(gzip.compress(each)) for each in files + own)
