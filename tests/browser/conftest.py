"""One server and one browser for all tests of the page."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Worker,
    expect,
    sync_playwright,
)

from tests.browser.find import MISSING, chromium
from tests.browser.server import Server

FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
# Only one test wants a page that the browser kept; all others want the server's.
NEW: dict[str, Any] = {"service_workers": "block"}
PATIENCE = 60_000  # ms; a machine may be busy, and a deadline is no measurement
expect.set_options(timeout=PATIENCE)


def is_python(worker: Worker) -> bool:
    """Is this the page's Python? (The search has a worker too.)"""
    return worker.url.endswith("runner/worker.js")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups next
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One file, one process: its tests share a browser, a server and a reader."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(f"browser {item.path.stem}"))


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[Server]:
    """The built site, served."""
    with Server(site).running() as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    path = chromium()
    assert path, MISSING
    root = hasattr(os, "getuid") and os.getuid() == 0
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=FLAGS + ["--no-sandbox"] * root
        )
        yield browser
        browser.close()


def newcomer(browser: Browser, **options: Any) -> BrowserContext:
    """A reader whose browser keeps nothing of the site; options are Playwright's."""
    context = browser.new_context(**(NEW | options))
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


@pytest.fixture(scope="session")
def regular(browser: Browser) -> Iterator[BrowserContext]:
    """A reader who stays for all files of tests, and so waits for Python once."""
    with newcomer(browser) as context:
        yield context


@pytest.fixture(scope="module")
def reader(regular: BrowserContext, server: Server) -> Iterator[BrowserContext]:
    """The regular reader, who begins a file with no page open and no edit kept."""
    server.mend()
    yield regular
    forget_edits(regular, server)
    for page in regular.pages:
        page.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(server: Server, browser: Browser, reader: BrowserContext) -> Iterator[Visit]:
    """Open a page as the regular reader, or as a new one who has these options."""
    server.mend()
    opened: list[Page] = []

    def visit(path: str = "", **options: Any) -> Page:
        context = newcomer(browser, **options) if options else reader
        opened.append(context.new_page())
        opened[-1].goto(server.url + path)
        return opened[-1]

    yield visit
    for page in opened:
        page.close() if page.context == reader else page.context.close()
    reader.set_offline(False)
    forget_edits(reader, server)
    server.mend()


def forget_edits(context: BrowserContext, server: Server) -> None:
    """Throw away what the reader's browser keeps, but for Python's snapshot."""
    page = context.new_page()
    context.new_cdp_session(page).send(
        "Storage.clearDataForOrigin",
        {"origin": server.origin, "storageTypes": "local_storage"},
    )
    page.close()
