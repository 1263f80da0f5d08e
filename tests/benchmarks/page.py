"""How soon a page can be read, and how soon the reader's Python answers.

Each time is the median of five, in the system's Chromium against a server on this
machine; a network adds what its width and distance add.
"""

import gzip
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE
from tests.browser.find import MISSING, chromium
from tests.browser.server import Server
from tests.built import built

TIMES = 5
FIGURE = "#delivery-one_charge"
VARIANT = "[role=tab][aria-selected=false]"  # the build has drawn it
SWITCH = "[role=switch]"  # Python draws it
WATCH = """() => {
  window.tasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push(entry.duration);
  }).observe({ type: "longtask" });
}"""
CLICK = """([selector, control]) => new Promise((done) => {
  const figure = document.querySelector(selector);
  const shown = figure.querySelector(".scenario__shown");
  const began = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    done(performance.now() - began);
  }).observe(shown, { childList: true });
  figure.querySelector(control).click();
})"""
EXHAUST = """async ([module, source, variants]) => {
  const { ask } = await import(new URL("assets/runner/python.js", source));
  const files = { source: new URL(`assets/python/snippets/${module}.py`, source).href };
  const name = module.replaceAll("/", ".");
  let schedules = 0;
  await ask({ do: "about", module: name }, { files });
  const began = performance.now();
  for (const variant of variants)
    schedules += (await ask({ do: "judge", module: name, variant }, { files })).total;
  return (1000 * schedules) / (performance.now() - began);
}"""


def rows() -> Iterator[tuple[str, str]]:
    """What is measured, and the measure with its unit."""
    path = chromium()
    assert path, MISSING
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(built(Path(folder))).running() as server,
        sync_playwright() as driver,
    ):
        sandbox = ["--no-sandbox"] * (os.getuid() == 0)
        browser = driver.chromium.launch(executable_path=path, args=FLAGS + sandbox)
        yield from readable(browser, server)
        yield from runs(browser, server)
        browser.close()


def visitor(browser: Browser) -> BrowserContext:
    """A reader who comes for the first time."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    return context


def readable(browser: Browser, server: Server) -> Iterator[tuple[str, str]]:
    """What a page fetches before its first paint, and before intent."""
    paints = []
    for _ in range(TIMES):
        context = visitor(browser)
        page = context.new_page()
        server.mend()
        page.goto(server.url + "delivery/", wait_until="networkidle")
        paints.append(
            page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
        )
        before = page.evaluate(
            """() => performance.getEntriesByType("resource")
                 .filter((e) => e.renderBlockingStatus === "blocking")
                 .map((e) => new URL(e.name).pathname)"""
        )
        asked = list(server.asked)
        context.close()
    blocking = {path for path in asked if any(url.endswith(path) for url in before)}
    first = {"delivery/index.html", *blocking}
    ours = {
        path
        for path in asked
        if path.startswith("assets/runner/") and path.endswith("js")
    }
    yield "first paint of a page, ms", f"{median(paints):.0f}"
    yield "requests before first paint", f"{len(first)}"
    yield "KiB before first paint, compressed", f"{size(server, first):.0f}"
    yield "KiB of our scripts before intent, compressed", f"{size(server, ours):.1f}"


def size(server: Server, paths: set[str]) -> float:
    """KiB of these files, compressed as a host compresses them."""
    packed = [gzip.compress((server.folder / path).read_bytes()) for path in paths]
    return sum(map(len, packed)) / 1024


def runs(browser: Browser, server: Server) -> Iterator[tuple[str, str]]:
    """From a click to its answer, and what that costs the page."""
    known, first, later, second, tasks, speeds = [], [], [], [], [], []
    for _ in range(TIMES):
        context = visitor(browser)
        page = context.new_page()
        page.goto(server.url + "delivery/", wait_until="networkidle")
        known.append(click(page, VARIANT))
        context.close()
        context = visitor(browser)
        page = context.new_page()
        page.goto(server.url + "delivery/", wait_until="networkidle")
        first.append(click(page, SWITCH))
        page.wait_for_function("document.documentElement.dataset.snapshot")
        page.goto(server.url + "delivery/", wait_until="networkidle")
        page.evaluate(WATCH)
        later.append(click(page, SWITCH))
        tasks.append(max(page.evaluate("tasks"), default=0))
        second.append(click(page, SWITCH))
        names = page.locator(f"{FIGURE} tr[data-variant]").evaluate_all(
            "rows => rows.map((row) => row.dataset.variant)"
        )
        told = ["delivery/one_charge", server.url, names]
        speeds.append(page.evaluate(EXHAUST, told))
        context.close()
    yield "another variant to its picture, first visit, ms", f"{median(known):.0f}"
    yield "a switch to Python's picture, first visit, ms", f"{median(first):.0f}"
    yield "a switch to Python's picture, later visit, ms", f"{median(later):.0f}"
    yield "a switch to Python's picture, again, ms", f"{median(second):.0f}"
    yield "longest main-thread task of a boot, ms", f"{median(tasks):.0f}"
    yield "schedules/s of one charge, in the browser", f"{median(speeds):.0f}"


def click(page: Page, control: str) -> float:
    """Milliseconds from a click on a control of the figure to the run it asks for."""
    return float(page.evaluate(CLICK, [FIGURE, control]))
