"""One server and one browser for all tests of the page."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

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
PATIENCE = 60_000  # ms; a machine may be busy, and a deadline is no measurement
expect.set_options(timeout=PATIENCE)


def is_python(worker: Worker) -> bool:
    """Is this the page's Python? (The search has a worker too.)"""
    return worker.url.endswith("runner/worker.js")


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


Visit = Callable[..., Page]


@pytest.fixture
def visit(server: Server, browser: Browser) -> Iterator[Visit]:
    """Open a page of the site as a new reader; options are Playwright's."""
    server.mend()
    contexts: list[BrowserContext] = []

    def visit(
        path: str = "", context: BrowserContext | None = None, **options: object
    ) -> Page:
        if context is None:
            # Only its own test wants a page that was kept; others want the server's.
            options = {"service_workers": "block"} | options
            context = browser.new_context(**options)  # type: ignore[arg-type]
            context.set_default_timeout(PATIENCE)
            contexts.append(context)
        page = context.new_page()
        page.goto(server.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    server.mend()


def newcomer(browser: Browser) -> BrowserContext:
    """A reader whose browser keeps nothing of the site yet, and who allows copying."""
    # Only its own test wants a page that was kept; others want the server's.
    context = browser.new_context(service_workers="block")
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
    session = regular.new_cdp_session(regular.new_page())
    session.send(
        "Storage.clearDataForOrigin",
        {"origin": server.origin, "storageTypes": "local_storage"},
    )
    for page in regular.pages:
        page.close()
