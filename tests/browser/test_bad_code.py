"""Whatever the reader's code does ends with a clear message, and the page lives on."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import is_python
from tests.browser.server import Server
from tests.browser.watch import elsewhere

TOO_DEEP = "def down():\n    return down()\n\ndown()"
NESTED = "x = []\nfor _ in range(10**6):\n    x = [x]\nprint(repr(x))"
HIGH = "import sys\nsys.setrecursionlimit(10**6)"
PRINTS = "for _ in range(100_000):\n    print('x' * 1_000)"
LOOP = "while True:\n    pass"
HUGE = "print(len(bytearray(2 * 10**9)))"
TOO_HUGE = "x = [0] * 10**9"
URL = "import urllib.request\nurllib.request.urlopen('https://elsewhere.example/')"
SOCKET = "import socket\nsocket.create_connection(('elsewhere.example', 80))"
RUN_JS = (
    "from pyodide.code import run_js\nrun_js('fetch(\"https://elsewhere.example\")')"
)
IMPORT_MODULE = "import importlib\nimportlib.import_module('js')"
FUNCTION = "import bridge\nbridge.output.constructor('return 1')()"
NO_NETWORK = "cannot reach the network"

# Told by the worker after each answer; nothing else can be evaluated there any more.
WAYS_OUT = """
const answer = self.onmessage;
self.onmessage = async (question) => {
  await answer(question);
  for (const way of [
    () => fetch("x"),
    () => new XMLHttpRequest(),
    () => new WebSocket("ws://x"),
    () => new FontFace("x", "url(x)"),
    () => eval("1"),
    () => new Function("1"),
    () => answer.constructor("1"),
    () => setTimeout("1"),
  ]) {
    let said = "open";
    try { way() } catch (error) { said = error.message }
    console.log(`way out: ${way} ${said}`);
  }
  console.log("tried");
};
"""


def talking(route: Route) -> None:
    """The worker's script, which tells of its ways out."""
    script = route.fetch()
    route.fulfill(response=script, body=script.text() + WAYS_OUT)


# Beats only while the page's own thread is free, and Python is not.
PULSE = """() => {
  window.beats = 0;
  clearInterval(window.pulse);
  window.pulse = setInterval(() => {
    beats += !document.querySelector(".run-button--stop").hidden;
  }, 10);
}"""


@pytest.fixture(scope="module")
def page(reader: BrowserContext, server: Server) -> Iterator[Page]:
    """A page with a plain block, whose Python boots once; no code reaches out of it."""
    page = reader.new_page()
    left = elsewhere(page, server)
    page.route("**/assets/runner/worker.js", talking)
    page.goto(server.url + "engine/")
    page.get_by_role("button", name="Edit").first.click()
    yield page
    assert "assets/runner/worker.js" in server.asked
    assert left == []


def run(page: Page, code: str) -> None:
    """Put this code into the first plain block, and run it."""
    editor = page.get_by_role("textbox", name=re.compile("Code of"))
    editor.fill(code)
    editor.press("Control+Enter")


def runs_again(page: Page) -> None:
    """The next run works."""
    run(page, "print(6 * 7, 'still here')")
    expect(page.locator(".run-output").first).to_have_text("42 still here\n")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (TOO_DEEP, "RecursionError.*deeper than Python allows"),
        (NESTED, "deeper than the browser allows.*starts anew"),
        (HIGH, "at most 3,000 calls deep"),
        (TOO_HUGE, "MemoryError.*more memory than the page's Python"),
        ("def (:", "line 1.*SyntaxError"),
        ("x = 1\nnobody(x)", "line 2.*NameError: name 'nobody' is not defined"),
        ("input('who?')", "line 1.*input.. has nobody to ask here"),
        ("import sys\nsys.exit(1)", "SystemExit.*asked Python to end"),
        ("import os\nos.abort()", "Python itself gave up.*starts anew"),
        ("import js", NO_NETWORK),
        ("import pyodide_js", NO_NETWORK),
        ("from pyodide.http import pyfetch", NO_NETWORK),
        (IMPORT_MODULE, NO_NETWORK),
        (FUNCTION, NO_NETWORK),
        (RUN_JS, "cannot reach the page around it"),
        (URL, NO_NETWORK),
        (SOCKET, NO_NETWORK),
        ("import numpy", "No module named 'numpy'"),
    ],
)
def test_trouble_is_said_and_the_next_run_works(
    page: Page, code: str, said: str
) -> None:
    run(page, code)
    expect(page.locator(".run-error").first).to_have_text(re.compile(said, re.DOTALL))
    runs_again(page)
    expect(page.locator(".run-error")).to_have_count(0)


def test_a_flood_of_output_is_capped(page: Page) -> None:
    run(page, PRINTS)
    output = page.locator(".run-output").first
    expect(output).to_contain_text("the rest of the output is not shown")
    assert len(output.inner_text()) < 70_000
    runs_again(page)


def test_two_gigabytes_are_given_back_after_the_run(page: Page) -> None:
    with page.expect_event("worker", is_python):
        run(page, HUGE)
        expect(page.locator(".run-output").first).to_have_text("2000000000\n")
    runs_again(page)


def test_output_comes_while_the_code_still_runs_and_stop_ends_it(page: Page) -> None:
    run(page, "print('begun')\nwhile True:\n    pass")
    expect(page.locator(".run-output").first).to_have_text("begun\n")
    page.keyboard.press("Control+Enter")  # once more is still the same run
    page.get_by_role("button", name="Stop").first.click()
    expect(page.locator(".run-status").first).to_contain_text("Stopped")
    runs_again(page)


@pytest.mark.parametrize("code", [LOOP, f"{PRINTS}\n{LOOP}"])
def test_the_page_lives_while_the_code_runs(page: Page, code: str) -> None:
    page.evaluate(PULSE)
    run(page, code)
    page.wait_for_function("beats > 20")
    page.get_by_role("button", name="Stop").first.click()
    runs_again(page)


def test_the_workers_own_ways_out_are_shut(page: Page) -> None:
    with page.expect_console_message(lambda said: said.text == "tried"):
        runs_again(page)
    tried = [message.text for message in page.console_messages()]
    said = {text for text in tried if text.startswith("way out: ")}
    assert len(said) == WAYS_OUT.count("() =>")
    assert all(NO_NETWORK in text for text in said), said
