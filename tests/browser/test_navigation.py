"""Pages change without a reload, and Python neither dies nor multiplies."""

import re

from playwright.sync_api import Page, Worker, expect

from tests.browser.conftest import Visit, is_python
from tests.browser.watch import follow

PAGES = ("observability", "ordering", "consensus", "delivery")
ROUNDS = 10


def run(page: Page) -> None:
    """Run the page's first figure, by the page's Python."""
    figure = page.locator("figure.scenario").first
    figure.get_by_role("button", name="Run every schedule").click()
    expect(figure.locator(".run-heard")).to_contain_text("Every example")


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
        follow(page, PAGES[number % len(PAGES)])
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
    (endless,) = filter(is_python, page.workers)
    with endless.expect_event("close"):
        follow(page, "delivery")
        run(page)
    assert sum(map(is_python, page.workers)) == 1


def test_a_jump_within_the_page_leaves_an_open_editor_alone(visit: Visit) -> None:
    page = visit("delivery/")
    figure = page.locator("figure.scenario").first
    figure.get_by_role("button", name="Edit").first.click()
    editor = figure.locator(".cm-editor")
    expect(editor).to_have_count(1)
    figure.get_by_role("tab").nth(1).click()
    expect(page).to_have_url(re.compile("run=delivery"))
    page.evaluate("document.querySelector('article').seen = true")
    for anchor in ("coffee", "retention"):
        page.locator(f".md-sidebar--secondary a[href$='#{anchor}']").click()
        expect(page).to_have_url(re.compile(f"#{anchor}$"))
        expect(page.locator(f"#{anchor}")).to_be_in_viewport()
    page.go_back()
    expect(page.locator("#coffee")).to_be_in_viewport()
    expect(editor).to_have_count(1)
    assert page.evaluate("document.querySelector('article').seen")


def test_a_jump_on_a_phone_closes_the_drawer(visit: Visit) -> None:
    page = visit("delivery/", viewport={"width": 390, "height": 844})
    page.locator(".md-header label[for=__drawer]").click()
    drawer = page.locator("[data-md-toggle=drawer]")
    expect(drawer).to_be_checked()
    page.locator(".md-sidebar--primary label.md-nav__link[for=__toc]").click()
    page.locator(".md-sidebar--primary a[href$='#coffee']").click()
    expect(drawer).not_to_be_checked()
    expect(page.locator("#coffee")).to_be_in_viewport()
