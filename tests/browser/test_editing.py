"""The reader changes the code: the verdicts follow, and nothing of it is lost."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.server import ONE_FIGURE, Server
from tests.browser.watch import controlled

FIGURE = "#delivery-one_charge"


@pytest.fixture(scope="module")
def page(reader: BrowserContext) -> Page:
    """One page for the whole file."""
    return reader.new_page()


@pytest.fixture
def figure(page: Page, server: Server) -> Iterator[Locator]:
    """The figure of the one charge, with its editor open and no edit kept."""
    server.mend()
    page.goto(server.url + ONE_FIGURE)
    figure = page.locator(FIGURE)
    figure.get_by_role("button", name="Edit").click()
    expect(editor(figure)).to_be_focused()
    yield figure
    page.evaluate("localStorage.clear()")


def editor(figure: Locator) -> Locator:
    return figure.get_by_role("textbox", name=re.compile("Code of"))


def shown_code(figure: Locator) -> str:
    return figure.locator(".scenario__code code").text_content() or ""


def mended(code: str) -> str:
    """The wrong fix, with the key that the right one passes."""
    lines = code.splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith("def ack_first"))
    end = next(n for n in range(start, len(lines)) if "return until" in lines[n])
    body = "".join(lines[start:end])
    ack = "        ack(world, acks)\n"
    charge = "        charge(world, book)\n"
    assert ack in body
    assert charge in body
    swapped = body.replace(ack, "@").replace(charge, ack)
    swapped = swapped.replace("@", charge.replace("book)", "book, key='order-7')"))
    return "".join(lines[:start]) + swapped + "".join(lines[end:])


def test_a_mended_variant_holds_under_every_schedule_and_the_claims_are_said_anew(
    figure: Locator,
) -> None:
    editor(figure).fill(mended(shown_code(figure)))
    editor(figure).press("Control+Enter")
    verdict = figure.locator(".run-verdicts li").filter(has_text="ack_first")
    expect(verdict).to_contain_text("holds in all")
    expect(verdict).to_contain_text(re.compile(r"before: breaks in \d+ of \d+"))
    expect(figure.locator("details.run-claims")).to_contain_text("[10, 6, 0]")
    expect(figure.locator(".run-heard")).to_contain_text(
        re.compile(r"\d+ of \d+ examples, .* say something else now")
    )
    expect(figure.locator(".run-heard")).to_have_attribute("role", "status")
    verdict.get_by_role("button").click()
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_first")
    expect(figure.locator(".scenario__shown")).to_contain_text("the invariant holds")


def test_an_edit_after_a_run_is_not_judged_by_the_older_code(figure: Locator) -> None:
    editor(figure).fill(mended(shown_code(figure)))
    editor(figure).press("Control+Enter")
    said = figure.locator(".run-count").first
    tab = figure.get_by_role("tab", name="ack first")
    tab.click()
    expect(said).to_contain_text("Holds in all")
    editor(figure).fill(f"{shown_code(figure)}# mine\n")
    expect(said).to_contain_text("The code has changed")
    expect(figure.get_by_role("option")).to_have_count(0)
    figure.get_by_role("tab", name="ack last").click()
    tab.click()
    expect(said).to_contain_text("Breaks in")
    figure.get_by_role("button", name="Reset").click()
    expect(figure.locator(".scenario__shown")).to_contain_text("ack_last")


def test_a_change_ends_the_run_of_the_older_code(figure: Locator) -> None:
    code = shown_code(figure)
    editor(figure).fill(f"{code}\nwhile True:\n    pass\n")
    editor(figure).press("Control+Enter")
    expect(figure.get_by_role("button", name="Stop").last).to_be_visible()
    editor(figure).fill(f"{code}# mine\n")
    status = figure.locator(".run-below .run-status")
    expect(status).to_contain_text("Stopped, since the code changed.")
    editor(figure).press("Control+Enter")
    expect(figure.locator(".run-verdicts li").last).to_contain_text("holds in all")


def test_reset_brings_the_pages_code_back_and_undo_the_edit(figure: Locator) -> None:
    editor(figure).fill(mended(shown_code(figure)))
    figure.get_by_role("button", name="Reset").click()
    expect(editor(figure)).to_have_count(0)
    expect(figure.locator(".scenario__code")).to_be_visible()
    figure.get_by_role("button", name="Undo").click()
    expect(editor(figure)).to_contain_text("key='order-7'")


def test_an_edit_survives_a_reload_and_can_be_thrown_away(
    page: Page, figure: Locator
) -> None:
    editor(figure).fill(f"# my own\n{shown_code(figure)}")
    page.reload()
    expect(figure.locator(".run-kept")).to_contain_text("kept in this browser")
    figure.get_by_role("button", name="Open my edit").click()
    expect(editor(figure)).to_contain_text("# my own")
    page.reload()
    figure.get_by_role("button", name="Throw it away").click()
    figure.get_by_role("button", name="Edit").click()
    expect(editor(figure)).not_to_contain_text("# my own")
    page.reload()
    expect(figure.get_by_role("tab").first).to_be_visible()
    expect(figure.locator(".run-kept")).to_have_count(0)


def test_an_error_is_said_in_the_readers_own_lines(figure: Locator) -> None:
    editor(figure).fill(f"{shown_code(figure)}\n\n1 / 0\n")
    lines = len(shown_code(figure).rstrip("\n").splitlines()) + 3
    figure.get_by_role("button", name="Run every schedule").click()
    trouble = figure.locator(".run-below .run-error")
    expect(trouble).to_contain_text("ZeroDivisionError")
    expect(trouble).to_contain_text(f'File "delivery.one_charge.py", line {lines}')
    assert "bridge" not in trouble.inner_text()
    expect(figure.locator(".run-editor__trouble")).to_have_text("1 / 0")


def test_escape_then_tab_leaves_the_editor(page: Page, figure: Locator) -> None:
    hint = editor(figure).get_attribute("aria-describedby")
    expect(page.locator(f"#{hint}")).to_contain_text("Escape, then Tab, leaves")
    editor(figure).press("Tab")
    expect(editor(figure)).to_be_focused()
    editor(figure).press("Escape")
    editor(figure).press("Tab")
    expect(editor(figure)).not_to_be_focused()


def test_copy_gives_one_file_that_runs_alone(
    page: Page, figure: Locator, tmp_path: Path
) -> None:
    figure.get_by_role("button", name="Copy", exact=True).click()
    expect(figure.locator(".run-below .run-status")).to_contain_text("runs alone")
    copied = page.evaluate("navigator.clipboard.readText()")
    (tmp_path / "copied.py").write_text(copied)
    done = subprocess.run(
        [sys.executable, "-I", "copied.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    for row in figure.locator("tr[data-variant]").all():
        found = re.findall(r"\d+", row.locator("td").text_content() or "")
        bad, total = found if len(found) == 2 else ("0", found[0])
        name = row.get_attribute("data-variant")
        assert f"{name}: breaks in {bad} of {total} schedules" in done.stdout


def test_download_gives_the_readers_own_code(page: Page, figure: Locator) -> None:
    editor(figure).fill(f"{shown_code(figure)}\n# my own\n")
    with page.expect_download() as downloading:
        figure.get_by_role("button", name="Download").click()
    file = downloading.value
    assert file.suggested_filename == "one_charge.py"
    assert "# my own" in Path(file.path()).read_text()


def test_variants_that_the_reader_adds_get_a_tab(figure: Locator) -> None:
    code = shown_code(figure).replace(
        "variants = (",
        "def mine(world):\n    return idle(world)\n\n\nvariants = (mine, ",
    )
    editor(figure).fill(code)
    editor(figure).press("Control+Enter")
    expect(figure.get_by_role("tab", name="mine")).to_be_visible()
    expect(figure.locator(".run-verdicts")).to_contain_text("mine breaks in 1 of 1")
    figure.get_by_role("button", name="Reset").click()
    expect(figure.get_by_role("tab", name="mine")).to_have_count(0)


def test_a_plain_block_runs_where_it_is_read_says_what_an_edit_changed_and_resets(
    page: Page, server: Server
) -> None:
    server.mend()
    page.goto(server.url + "engine/")
    controlled(page)
    code = page.locator("[data-snippet='lettering.py'] code")
    tools = page.get_by_role("group", name="Run lettering.py")
    below = page.locator("[data-said='lettering.py']")
    status, output = below.get_by_role("status").first, below.locator(".run-output")
    code.press("Control+Enter")
    expect(status).to_have_text(re.compile("examples ran, and printed what the tests"))
    tools.get_by_role("button", name="Edit").click()
    expect(code).to_be_hidden()
    was = code.text_content() or ""
    editor(page.locator("body")).fill(was.replace("'or lost reply?')", "'or lost')", 1))
    tools.get_by_role("button", name="Run").click()
    expect(status).to_have_text(
        re.compile(r"1 of \d+ examples printed something else than the tests saw")
    )
    expect(output).to_contain_text("expected of >>> wrap(")
    tools.get_by_role("button", name="Reset").click()
    expect(status).to_contain_text("The page's own code is back.")
    expect(output).to_be_hidden()
    expect(code).to_be_visible()
    tools.get_by_role("button", name="Run").click()
    expect(status).to_have_text(re.compile("examples ran, and printed what the tests"))


def test_an_edit_of_a_folded_figure_is_announced(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.url + "delivery/")
    figure = page.locator("figure.scenario").nth(1)
    figure.locator(".scenario__source > summary").click()
    figure.get_by_role("button", name="Edit").click()
    editor(figure).press_sequentially("# mine")
    page.reload()
    expect(figure.locator(".run-kept")).to_be_visible()
    page.evaluate("localStorage.clear()")
