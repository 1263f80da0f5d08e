"""Pages change without a reload, and Python neither dies nor multiplies."""

import re

from playwright.sync_api import Page, Worker, expect

from tests.browser.conftest import Visit, is_python

PAGES = ("observability", "ordering", "consensus", "delivery")
ROUNDS = 10


def go(page: Page, name: str) -> None:
    """Follow the site's own link to a page."""
    page.locator(f"a[href$='{name}/']").first.dispatch_event("click")
    page.wait_for_url(re.compile(f"/{name}/$"))
    page.locator("figure.scenario [role=tab]").first.wait_for(state="attached")


def run(page: Page) -> None:
    """Run the page's first figure."""
    figure = page.locator("figure.scenario").first
    figure.get_by_role("tab").nth(1).click()
    expect(figure.locator(".scenario__shown")).to_contain_text("invariant")


def test_ten_pages_in_a_row_leave_one_python_and_no_double_control(
    visit: Visit,
) -> None:
    page = visit("delivery/")
    page.evaluate("window.first = true")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    started: list[str] = []

    def count(worker: Worker) -> None:
        if is_python(worker):
            started.append(worker.url)

    page.on("worker", count)
    run(page)
    for number in range(ROUNDS):
        go(page, PAGES[number % len(PAGES)])
        figure = page.locator("figure.scenario").first
        expect(figure.get_by_role("tablist")).to_have_count(1)
        expect(figure.locator(".run-log")).not_to_have_count(0)
        figure.get_by_role("button", name="Step →").click()
        expect(figure.locator(".run-words")).to_contain_text(
            re.compile(r"1 of \d+: \w")
        )
    assert errors == []
    run(page)
    assert page.evaluate("window.first"), "the pages were loaded anew"
    assert sum(map(is_python, page.workers)) == 1
    assert len(started) == 1


def test_a_question_that_was_opened_is_open_on_the_way_back(visit: Visit) -> None:
    page = visit("interview/")
    second = page.locator("details.question").nth(1)
    second.locator("summary").click()
    expect(second).to_have_attribute("open", "")
    second.locator("a[href*='observability/']").first.click()
    page.locator("figure.scenario [role=tab]").first.wait_for(state="attached")
    page.go_back()
    expect(second).to_have_attribute("open", "")
    expect(page.locator("details.question[open]")).to_have_count(1)


def test_leaving_a_page_ends_what_ran_there(visit: Visit) -> None:
    page = visit("engine/")
    page.get_by_role("button", name="Edit").first.click()
    editor = page.get_by_role("textbox", name=re.compile("Code of"))
    editor.fill("print('begun')\nwhile True:\n    pass")
    editor.press("Control+Enter")
    expect(page.locator(".run-output").first).to_have_text("begun\n")
    go(page, "delivery")
    run(page)
    while sum(map(is_python, page.workers)) > 1:
        page.wait_for_timeout(20)  # a loop that is ended takes a moment to be gone
    assert sum(map(is_python, page.workers)) == 1
