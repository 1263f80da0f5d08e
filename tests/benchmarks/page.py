"""How soon a page can be read, and how soon the reader's Python answers.

Each time is the median of five, in the system's Chromium against a server on this
machine; a network adds what its width and distance add. Each of the five readers has a
new profile on disk, as outside a private window, and stays on a page for a few seconds:
by then Chromium has put away the code that it compiled. It is closed for the night.
"""

import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE
from tests.browser.find import MISSING, chromium
from tests.browser.scripts import before_intent
from tests.browser.server import Server
from tests.built import built

TIMES = 5
STAY = 4_000  # ms
FIGURE = "#delivery-one_charge"
VARIANT = "[role=tab][aria-selected=false]"  # the build has drawn it
SWITCH = "[role=switch]"  # Python draws it
RUN = ".run-button--main"
PICTURE, VERDICT = ".scenario__shown", ".run-verdicts li"
SWITCHED, RAN = "a switch to Python's picture", "Run to the first verdict"
TASK = "longest main-thread task"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
BLOCKING = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.renderBlockingStatus === "blocking")
  .map((entry) => new URL(entry.name).pathname)"""
WATCH = """() => {
  const longest = [];
  const heard = (list) => longest.push(...list.map(({ duration }) => duration));
  const observer = new PerformanceObserver((list) => heard(list.getEntries()));
  observer.observe({ type: "longtask" });
  window.longest = async () => {
    await new Promise((done) => setTimeout(done)); // the last task has ended
    heard(observer.takeRecords());
    return Math.max(0, ...longest.splice(0));
  };
}"""
CLICK = """([selector, control, answer]) => new Promise((done) => {
  const figure = document.querySelector(selector);
  const said = () => figure.querySelector(answer)?.textContent;
  figure.querySelector(answer)?.replaceChildren();
  const began = performance.now();
  new MutationObserver((_, observer) => {
    if (!said()) return;
    observer.disconnect();
    done(performance.now() - began);
  }).observe(figure, { childList: true, subtree: true });
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
        yield from readable(partial(browser, driver, path), server)
        yield from runs(partial(browser, driver, path), server)


Browser = Callable[[Path], AbstractContextManager[BrowserContext]]


@contextmanager
def browser(driver: Playwright, path: str, profile: Path) -> Iterator[BrowserContext]:
    """Chromium with the reader's profile, until it is closed."""
    sandbox = ["--no-sandbox"] * (os.getuid() == 0)
    with driver.chromium.launch_persistent_context(
        profile, executable_path=path, args=FLAGS + sandbox
    ) as context:
        context.set_default_timeout(PATIENCE)
        yield context


@contextmanager
def newcomer() -> Iterator[Path]:
    """The profile of a reader who comes for the first time."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        yield Path(profile)


def opened(context: BrowserContext, server: Server) -> Page:
    """The page, at rest."""
    page = context.new_page()
    page.goto(server.url + "delivery/", wait_until="networkidle")
    page.evaluate(WATCH)
    return page


def readable(browser: Browser, server: Server) -> Iterator[tuple[str, str]]:
    """What a page fetches before its first paint, and before intent."""
    paints = []
    for _ in range(TIMES):
        with newcomer() as profile, browser(profile) as context:
            server.mend()
            page = opened(context, server)
            paints.append(page.evaluate(PAINT))
            before = page.evaluate(BLOCKING)
            asked = list(server.asked)
            ours = before_intent(server, page)
    blocking = {path for path in asked if any(url.endswith(path) for url in before)}
    first = {"delivery/index.html", *blocking}
    yield "first paint of a page, ms", f"{median(paints):.0f}"
    yield "requests before first paint", f"{len(first)}"
    yield "KiB before first paint, compressed", f"{size(server, first):.0f}"
    yield "KiB of our scripts before intent, compressed", f"{ours / 1024:.1f}"


def size(server: Server, paths: set[str]) -> float:
    """KiB of these files, compressed as a host compresses them."""
    packed = [gzip.compress((server.folder / path).read_bytes()) for path in paths]
    return sum(map(len, packed)) / 1024


def runs(browser: Browser, server: Server) -> Iterator[tuple[str, str]]:
    """From a click to its answer, and what that costs the page."""
    times: dict[str, list[float]] = {}

    def timed(name: str, value: float) -> None:
        times.setdefault(name, []).append(value)

    def visited(page: Page, control: str, answer: str, when: str) -> None:
        what = SWITCHED if control == SWITCH else RAN
        timed(f"{what}, {when}, ms", click(page, control, answer))
        if control == RUN:
            page.wait_for_selector(f"{FIGURE} {RUN}:not([aria-disabled])")  # its end
        timed(f"{TASK}, {when}, ms", page.evaluate("longest()"))

    for _ in range(TIMES):
        with newcomer() as profile, browser(profile) as context:
            page = opened(context, server)
            drawn = click(page, VARIANT, PICTURE)
            timed("another variant to its picture, first visit, ms", drawn)
            page.close()
            timed(f"{TASK}, while 100 MB are printed, ms", flooded(context, server))
        for control, answer in ((SWITCH, PICTURE), (RUN, VERDICT)):
            with newcomer() as profile:
                with browser(profile) as context:
                    page = opened(context, server)
                    visited(page, control, answer, "first visit")
                    page.wait_for_function("document.documentElement.dataset.snapshot")
                    page.wait_for_timeout(STAY)
                    page.close()
                    page = opened(context, server)
                    visited(page, control, answer, "second visit")
                    page.wait_for_timeout(STAY)
                with browser(profile) as context:
                    page = opened(context, server)
                    visited(page, control, answer, "next day")
                    visited(page, control, answer, "again")
                    if control == RUN:  # Python is warm, and has put its snapshot away
                        many = exhaust(page, server)
                        timed("schedules/s of one charge, in the browser", many)
    for name, values in times.items():
        yield name, f"{median(values):.0f}"


def click(page: Page, control: str, answer: str) -> float:
    """Milliseconds from a click on a control of the figure to its answer."""
    return float(page.evaluate(CLICK, [FIGURE, control, answer]))


def flooded(context: BrowserContext, server: Server) -> float:
    """Milliseconds of the page's longest task while the reader's code never stops."""
    page = context.new_page()
    page.goto(f"{server.url}engine/", wait_until="networkidle")
    page.get_by_role("button", name="Edit").first.click()
    editor = page.get_by_role("textbox", name="Code of")
    editor.fill("for _ in range(100_000):\n    print('x' * 1_000)")
    page.evaluate(WATCH)
    editor.press("Control+Enter")
    page.get_by_text("the rest of the output is not shown").wait_for()
    return float(page.evaluate("longest()"))


def exhaust(page: Page, server: Server) -> float:
    """Schedules a second, over every variant of the figure."""
    rows = page.locator(f"{FIGURE} tr[data-variant]")
    names = rows.evaluate_all("rows => rows.map((row) => row.dataset.variant)")
    told = ["delivery/one_charge", server.url, names]
    return float(page.evaluate(EXHAUST, told))
