"""One build, one server, one browser for all tests of the page."""

import os
import subprocess
import sys
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
from theme.catalogue import ROOT

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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The site, built for the address that it is served at, and served there."""
    folder = tmp_path_factory.mktemp("site")
    with Server(folder).running() as server:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "-d", folder],
            cwd=ROOT,
            env=os.environ | {"SITE_URL": server.url, "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
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


@pytest.fixture(scope="module")
def reader(server: Server, browser: Browser) -> Iterator[BrowserContext]:
    """A reader who stays for all tests of a file, and so waits for Python once."""
    server.mend()
    context = browser.new_context(service_workers="block")
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()
