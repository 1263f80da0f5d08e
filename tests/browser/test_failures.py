"""What does not arrive is said in the block and asked for again; no edit is lost."""

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import NEW, Visit
from tests.browser.server import ONE_FIGURE, Server
from tests.browser.watch import controlled, follow

PARTS = [
    "runner/worker.js",
    "python/engine.json",
    "snippets/delivery/one_charge.py",
]

# One thing of each stylesheet: Material's, the site's, the figure's, the controls'.
LOOK = """() => [".md-header", "h1", "figure.scenario", "svg.diagram", ".run-button"]
  .map((part) => getComputedStyle(document.querySelector(part)))
  .map(({ position, color, fontFamily, fontSize, backgroundColor, borderRadius }) =>
    [position, color, fontFamily, fontSize, backgroundColor, borderRadius].join())"""


def asked_again(trouble: Locator, server: Server) -> None:
    """The trouble says what is wrong; the reader tries again, now that it is mended."""
    expect(trouble).to_contain_text("could not be fetched")
    server.mend()
    trouble.get_by_role("button", name="Try again").click()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_python_that_is_missing_is_said_and_asked_for_again(
    server: Server, visit: Visit, part: str
) -> None:
    fresh = NEW if part.endswith(".js") else {}  # or the browser has it at hand
    page = visit(ONE_FIGURE, **fresh)
    server.broken.add(part)
    figure = page.locator("#delivery-one_charge")
    shown = figure.locator(".scenario__shown")
    before = shown.inner_text()
    figure.get_by_role("switch").first.click()
    trouble = figure.locator(".run-error")
    expect(trouble).to_contain_text("could not be fetched")
    expect(figure.locator("svg.diagram")).to_be_visible()
    server.mend()
    trouble.get_by_role("button", name="Try again").click()
    expect(shown).not_to_have_text(before)
    expect(shown).to_contain_text("ack_last")
    expect(trouble).to_have_count(0)


@pytest.mark.parametrize("part", ["runner/report.js", "runner/editor.js"])
def test_a_script_that_is_missing_is_said_and_asked_for_again(
    server: Server, visit: Visit, part: str
) -> None:
    fresh = NEW if part.endswith("editor.js") else {}  # or Python would have to boot
    page = visit(ONE_FIGURE, **fresh)
    page.route("**/runner/*.js", lambda route: route.continue_())  # none from its cache
    server.broken.add(part)
    figure = page.locator("#delivery-one_charge")
    name = "Edit" if part.endswith("editor.js") else "Run every schedule"
    figure.get_by_role("button", name=name).click()
    trouble = figure.locator(".run-error")
    asked_again(trouble, server)
    there = ".cm-content" if name == "Edit" else ".run-claims"
    expect(figure.locator(there)).to_be_visible()
    expect(trouble).to_have_count(0)


@pytest.mark.parametrize(
    ("path", "figure", "part", "said"),
    [
        ("observability/", "figure.puzzle", "who_lied_first.py", "worlds and"),
        ("consensus/", "figure.sliders", "quorum_price.py", "have flushed after"),
    ],
)
def test_a_puzzle_and_a_plot_say_what_is_missing_and_ask_again(
    server: Server, visit: Visit, path: str, figure: str, part: str, said: str
) -> None:
    page = controlled(visit(path)).locator(figure)
    server.broken.add(part)
    if path == "consensus/":
        page.get_by_role("slider").first.press("ArrowRight")
    else:
        page.locator(".run-shop button").first.click()
    trouble = page.locator(".run-error")
    asked_again(trouble, server)
    expect(page.locator(".run-count")).to_contain_text(said)
    expect(trouble).to_have_count(0)


def test_a_download_that_failed_comes_again_and_says_how_far_it_is(
    server: Server, visit: Visit
) -> None:
    page = visit(ONE_FIGURE, **NEW)
    server.broken.add("pyodide.asm.wasm")
    figure = page.locator("#delivery-one_charge")
    figure.get_by_role("switch").first.click()
    trouble = figure.locator(".run-error")
    expect(trouble).to_contain_text("could not be fetched")
    server.mend()
    held: list[Route] = []
    page.route("**/*.wasm", lambda route: held.append(route))
    trouble.get_by_role("button", name="Try again").click()
    bar = figure.get_by_role("progressbar", name="Python is on its way")
    said = figure.locator(".scenario__controls .run-status")
    expect(bar).to_be_visible()
    expect(said).to_have_text(re.compile(r"Fetching Python, once: [1-9]\d? %"))
    assert 0 < bar.evaluate("bar => bar.value") < 1
    (wasm,) = held
    wasm.continue_()
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_last")
    expect(bar).to_have_count(0)
    expect(said).to_be_empty()
    expect(trouble).to_have_count(0)


def test_without_python_every_variant_is_there_to_read(
    server: Server, visit: Visit
) -> None:
    page = visit(ONE_FIGURE, **NEW)
    server.broken.add("runner/worker.js")
    figure = page.locator("#delivery-one_charge")
    before = figure.locator("svg desc").inner_html()
    figure.get_by_role("tab").nth(1).click()
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_first")
    assert figure.locator("svg desc").inner_html() != before
    figure.get_by_role("button", name="Step →").click()
    expect(figure.locator("svg .is-now")).to_have_count(1)
    figure.get_by_role("button", name="Show without a guess").click()
    expect(figure.locator(".run-count")).to_contain_text("Breaks in")
    expect(figure.locator(".run-error")).to_have_count(0)


def test_what_the_build_did_not_leave_python_draws(
    server: Server, visit: Visit
) -> None:
    server.broken.add("assets/runs/")
    page = visit(ONE_FIGURE)
    figure = page.locator("#delivery-one_charge")
    figure.get_by_role("tab").nth(1).click()
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_first")
    expect(figure.locator(".run-error")).to_have_count(0)


def test_offline_the_page_reads_and_an_edit_waits_for_the_network(
    visit: Visit,
) -> None:
    page = visit(ONE_FIGURE)
    figure = page.locator("#delivery-one_charge")
    page.context.set_offline(True)
    figure.get_by_role("button", name="Edit").click()
    trouble = figure.locator(".run-error")
    expect(trouble).to_contain_text("you are offline")
    page.context.set_offline(False)
    trouble.get_by_role("button", name="Try again").click()
    editor = figure.get_by_role("textbox", name=re.compile("Code of"))
    editor.press_sequentially("# mine\n")
    page.context.set_offline(True)
    figure.get_by_role("button", name="Run every schedule").click()
    expect(trouble).to_contain_text("you are offline")
    expect(trouble).to_contain_text("What you wrote is kept")
    expect(editor).to_contain_text("# mine")
    expect(figure.locator("svg.diagram")).to_be_visible()
    page.context.set_offline(False)
    trouble.get_by_role("button", name="Try again").click()
    expect(figure.locator(".run-verdicts li").first).to_contain_text("as before")
    expect(trouble).to_have_count(0)


def test_pages_that_were_read_look_and_read_the_same_without_a_network(
    visit: Visit,
) -> None:
    page = controlled(visit("delivery/", service_workers="allow"))
    expect(page.locator("html[data-kept$='/delivery/']")).to_have_count(1)
    looks = page.evaluate(LOOK)
    follow(page, "ordering")
    expect(page.locator("html[data-kept$='/ordering/']")).to_have_count(1)
    # What the browser keeps of its own accord is no promise.
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert controlled(page).evaluate(LOOK) == looks
    follow(page, "delivery")
    figure = page.locator("#delivery-one_charge")
    expect(figure.locator("svg.diagram")).to_be_visible()
    figure.get_by_role("button", name="Step →").click()
    expect(figure.locator("svg .is-now")).to_have_count(1)


def test_a_browser_without_storage_keeps_the_edit_in_the_page(visit: Visit) -> None:
    page = visit()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error() } })"
    )
    page.goto(page.url + "engine/")
    page.get_by_role("button", name="Edit").first.click()
    editor = page.get_by_role("textbox", name=re.compile("Code of"))
    editor.press_sequentially("# mine\n")
    follow(page, "delivery")
    expect(editor).to_have_count(0)
    follow(page, "engine")
    page.get_by_role("button", name="Open my edit").click()
    expect(editor).to_contain_text("# mine")


def test_a_reader_whose_browser_forbids_copying_is_told_of_download(
    visit: Visit,
) -> None:
    page = visit()
    page.add_init_script(
        "navigator.clipboard.write = async () => { throw new DOMException('no') }"
    )
    page.goto(page.url + "engine/")
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator(".run-error").first).to_contain_text("Download gives the same")
