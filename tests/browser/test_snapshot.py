"""Later boots start from a snapshot in the browser's cache, or well without it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import NEW, Visit, newcomer
from tests.browser.server import ONE_FIGURE, Server
from theme.copying import used

WORKER = "assets/runner/worker.js"
ENGINE = "assets/python/engine.json"
RUNTIME = "assets/runner/runtime.json"
KEPT = "() => document.documentElement.dataset.snapshot"
DAMAGE = """async ([way, sparse]) => {
  const { pack, unpack } = await import(sparse);
  const cache = await caches.open("python-snapshots");
  const [key] = await cache.keys();
  const found = await cache.match(key);
  const { headers } = found;
  const bytes = new Uint8Array(await found.arrayBuffer());
  const garbage = () => { // whole, yet no Python
    const [start, rest] = ["x-head", "x-heap"].map((each) => Number(headers.get(each)));
    const all = new Uint8Array(start + rest);
    unpack(bytes, all.subarray(0, start), all.subarray(start));
    return pack(all.fill(7, 1000, 2_000_000)).packed;
  };
  const bit = () => bytes.fill(bytes[1_000_000] ^ 1, 1_000_000, 1_000_001);
  const body = way === "a bit" ? bit() : garbage();
  await cache.put(key, new Response(body, { headers }));
}"""
# Two pages of three are not empty; the heap that they come back to is full of ones.
PACKED = """async (sparse) => {
  const { pack, unpack } = await import(sparse);
  const whole = new Uint8Array(64 + 3 * 4096);
  new Uint32Array(whole.buffer)[1] = 64;
  whole.fill(7, 8, 4096).fill(9, 3 * 4096);
  const { packed, head, heap } = pack(whole);
  const again = (bytes) => {
    const got = new Uint8Array(whole.length).fill(1);
    try {
      unpack(bytes, got.subarray(0, head), got.subarray(head));
    } catch (error) {
      const untouched = got.every((byte) => byte === 1);
      return error.message + (untouched ? "" : ", and so is the heap");
    }
    return got.every((byte, at) => byte === whole[at]) ? "the same" : "another";
  };
  const bits = Array.from(packed, (_, at) => {
    const flipped = packed.slice();
    flipped[at] ^= 1 << at % 8;
    return again(flipped);
  });
  const cuts = [1, 4, 4096, packed.length].map((less) => again(packed.slice(0, -less)));
  const sizes = [head, heap, packed.length < 3 * 4096];
  return { sizes, whole: again(packed), damaged: [...new Set([...bits, ...cuts])] };
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


# Which modules Python has already, asked before any scenario imports one.
IMPORTED = """async ([python, names]) => {
  const { ask } = await import(python);
  const source = `import sys
names = ${JSON.stringify(names)}
print(*[name for name in names if name in sys.modules])`;
  let said = "";
  const output = (text) => (said += text);
  await ask({ do: "snippet", module: "asked", source }, { output });
  return said.trim().split(" ");
}"""


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
    names = used().removeprefix("import ").strip().split(", ")
    assert "sqlite3" in names
    told = [server.url + "assets/runner/python.js", names]
    assert page.evaluate(IMPORTED, told) == names
    assert boot(page)[0] == "snapshot"
    page.close()


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("a bit", "was damaged"),
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


def test_a_snapshot_is_packed_without_loss_and_any_damage_is_found(
    server: Server, visit: Visit
) -> None:
    page = visit(ONE_FIGURE)
    told = page.evaluate(PACKED, server.url + "assets/runner/sparse.js")
    assert told == {
        "sizes": [64, 3 * 4096, True],
        "whole": "the same",
        "damaged": ["it was damaged"],
    }


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


def test_another_engine_or_runtime_leaves_the_snapshot_aside_and_replaces_it(
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
    server.changed[RUNTIME] = lambda text: text.replace(b'"digest":"', b'"digest":"0')
    page.goto(server.url + ONE_FIGURE)
    assert boot(page) == ("files", "no snapshot of this version is kept")
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
