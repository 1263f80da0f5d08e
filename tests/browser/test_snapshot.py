"""Later boots start from a snapshot in the browser's cache, or well without it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import NEW, Visit, newcomer
from tests.browser.server import ONE_FIGURE, Server

WORKER = "assets/runner/worker.js"
ENGINE = "assets/python/engine.json"
KEPT = "() => document.documentElement.dataset.snapshot"
DAMAGE = """async ([way, sparse]) => {
  const { pack, unpack } = await import(sparse);
  const cache = await caches.open("python-snapshots");
  const [key] = await cache.keys();
  const found = await cache.match(key);
  const { headers } = found;
  const bytes = new Uint8Array(await found.arrayBuffer());
  const garbage = () => {
    const [start, rest] = ["x-head", "x-heap"].map((each) => Number(headers.get(each)));
    const all = new Uint8Array(start + rest);
    unpack(bytes, all.subarray(0, start), all.subarray(start));
    return pack(all.fill(7, 1000, 2_000_000)).packed;
  };
  const damaged = {
    garbage, "a bit": () => bytes.fill(bytes[1_000_000] ^ 1, 1_000_000, 1_000_001),
    cut: () => bytes.slice(0, -1), empty: () => "",
  };
  await cache.put(key, new Response(damaged[way](), { headers }));
}"""
BOOTED = "['files', 'snapshot'].includes(document.documentElement.dataset.python)"
KEYS = """async () => {
  const keys = await (await caches.open("python-snapshots")).keys();
  return keys.map((each) => each.url);
}"""


def boot(page: Page) -> tuple[str, str]:
    """Break a run; how Python booted for it, and why not from a snapshot."""
    figure = page.locator("figure.scenario").first
    shown = figure.locator(".scenario__shown")
    before = shown.inner_text()
    figure.get_by_role("switch").first.click()
    expect(shown).not_to_have_text(before)
    expect(shown).to_contain_text("invariant")
    page.wait_for_function(BOOTED)
    html = page.locator("html")
    return html.get_attribute("data-python") or "", html.get_attribute("data-why") or ""


def opened(reader: BrowserContext, server: Server) -> Page:
    """A page that this reader opens."""
    server.mend()
    page = reader.new_page()
    page.goto(server.url + ONE_FIGURE)
    return page


@pytest.fixture(scope="module")
def returning(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A reader whose browser has kept a snapshot."""
    reader = newcomer(browser)
    page = opened(reader, server)
    how, why = boot(page)
    assert (how, why) == ("files", "no snapshot of this version is kept")
    page.wait_for_function(KEPT)
    assert page.evaluate(KEPT) == "kept"
    page.close()
    yield reader
    reader.close()


def test_the_second_visit_boots_from_the_snapshot(
    returning: BrowserContext, server: Server
) -> None:
    page = opened(returning, server)
    assert boot(page)[0] == "snapshot"
    page.close()


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("a bit", "was damaged"),
        ("cut", "was damaged"),
        ("empty", "was damaged"),
        ("garbage", "did not load"),
    ],
)
def test_a_damaged_snapshot_is_thrown_away(
    returning: BrowserContext, server: Server, way: str, why: str
) -> None:
    page = opened(returning, server)
    if boot(page)[0] == "files":  # another test left none behind
        page.wait_for_function(KEPT)
    page.goto(server.url + ONE_FIGURE)
    page.evaluate(DAMAGE, [way, server.url + "assets/runner/sparse.js"])
    how, because = boot(page)
    assert how == "files"
    assert why in because
    page.wait_for_function(KEPT)
    page.close()


def test_a_snapshot_outlives_a_download_that_fails(
    returning: BrowserContext, server: Server
) -> None:
    page = opened(returning, server)
    page.route("**/*.wasm", lambda route: route.abort())
    page.locator("figure.scenario").first.get_by_role("switch").first.click()
    expect(page.get_by_text("could not be fetched")).to_be_visible()
    page.unroute("**/*.wasm")
    page.goto(server.url + ONE_FIGURE)
    assert boot(page)[0] == "snapshot"
    page.close()


def test_another_engine_leaves_the_snapshot_aside_and_replaces_it(
    returning: BrowserContext, server: Server
) -> None:
    page = opened(returning, server)
    old = page.evaluate(KEYS)
    server.changed[ENGINE] = lambda text: text.replace(b"CHAR", b"NEW = 1\\nCHAR", 1)
    assert boot(page) == ("files", "no snapshot of this version is kept")
    page.wait_for_function(KEPT)
    new = page.evaluate(KEYS)
    assert len(new) == len(old) == 1
    assert new != old
    page.close()


@pytest.mark.parametrize(
    ("file", "change", "why", "kept"),
    [
        (
            WORKER,
            lambda text: (
                b"caches.open = async () => { throw new Error('no'); };" + text
            ),
            "keeps no cache",
            None,
        ),
        (
            WORKER,
            lambda text: (
                b"Cache.prototype.put = async () => "
                b"{ throw new DOMException('full', 'QuotaExceededError'); };" + text
            ),
            "no snapshot of this version is kept",
            "not kept: QuotaExceededError: full",
        ),
        (
            ENGINE,
            lambda text: text.replace(b"CHAR", b"HEAVY = bytearray(1 << 25)\\nCHAR", 1),
            "the heap is too big",
            None,
        ),
    ],
    ids=["forbidden", "full", "heavy"],
)
def test_a_browser_that_keeps_no_snapshot_still_runs(
    server: Server,
    visit: Visit,
    file: str,
    change: Callable[[bytes], bytes],
    why: str,
    kept: str | None,
) -> None:
    server.changed[file] = change
    page = visit(ONE_FIGURE, **NEW)
    how, because = boot(page)
    assert how == "files"
    assert why in because
    if kept:
        page.wait_for_function(KEPT)
        assert page.evaluate(KEPT) == kept
