"""A scenario's figure: its variants, steps, choices, schedules and link."""

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.server import ONE_FIGURE, Server

BOTH = re.compile("the invariant holds|breaks the invariant")


@pytest.fixture(scope="module")
def page(reader: BrowserContext, server: Server) -> Page:
    """One page for the whole file; its Python boots once."""
    return reader.new_page()


@pytest.fixture
def figure(page: Page, server: Server) -> Locator:
    """The figure of the one charge, as a reader finds it."""
    server.mend()
    page.goto(server.url + ONE_FIGURE)
    figure = page.locator("#delivery-one_charge")
    expect(figure.get_by_role("tab", selected=True)).to_have_count(1)
    return figure


def drawn(figure: Locator, variant: str) -> None:
    """Wait until a run of the variant is drawn."""
    expect(figure.locator(".scenario__shown")).to_contain_text(variant)
    expect(figure.locator(".scenario__shown")).to_contain_text(BOTH)


def all_schedules(figure: Locator) -> Locator:
    """The cells, shown without a guess."""
    figure.get_by_role("button", name="Show without a guess").click()
    cells = figure.get_by_role("option")
    expect(cells.first).to_be_visible()
    return cells


def test_arrow_keys_move_among_the_variants(page: Page, figure: Locator) -> None:
    tabs = figure.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(tabs.first).to_have_attribute("tabindex", "-1")
    drawn(figure, tabs.nth(1).get_attribute("data-variant") or "?")
    panel = figure.get_by_role("tabpanel")
    expect(panel).to_have_attribute(
        "aria-labelledby", tabs.nth(1).get_attribute("id") or "?"
    )
    page.keyboard.press("End")
    expect(tabs.last).to_be_focused()


def test_arrow_keys_step_through_the_run_and_light_the_event(
    page: Page, figure: Locator
) -> None:
    events = figure.locator("svg [data-event]")
    count = events.count()
    assert count > 3
    figure.locator(".scenario__picture").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(events.nth(1)).to_have_class(re.compile("is-now"))
    expect(figure.locator("svg .is-now")).to_have_count(1)
    expect(figure.locator("svg .is-ahead")).to_have_count(count - 2)
    expect(figure.locator(".run-words")).to_contain_text(f"2 of {count}: ")
    page.keyboard.press("End")
    expect(figure.get_by_role("button", name="Step →")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(figure.locator("svg .is-ahead")).to_have_count(0)


def test_buttons_step_and_a_click_on_an_event_goes_to_it(figure: Locator) -> None:
    events = figure.locator("svg [data-event]")
    count, lit = events.count(), re.compile("is-now")
    back = figure.get_by_role("button", name="← Back")
    back.click()
    expect(events.last).to_have_class(lit)
    back.click()
    expect(figure.locator(".run-words")).to_contain_text(f"{count - 1} of {count}: ")
    events.first.locator("text").first.click()
    expect(events.first).to_have_class(lit)
    expect(figure.locator("svg .is-now")).to_have_count(1)
    expect(back).to_be_disabled()
    figure.get_by_role("button", name="Whole run").click()
    expect(figure.locator("svg .is-now, svg .is-ahead")).to_have_count(0)


def test_each_nodes_own_log_grows_with_the_steps(page: Page, figure: Locator) -> None:
    logs = figure.locator(".run-log li")
    seen = [figure.locator(".run-log li:not(.is-ahead)").count()]
    assert seen == [logs.count()]
    figure.get_by_role("button", name="Step →").click()
    expect(figure.locator(".run-log li:not(.is-ahead)")).to_have_count(1)
    expect(figure.locator(".run-log li.is-now")).to_have_count(1)


def test_stepping_waits_for_no_python(figure: Locator, server: Server) -> None:
    server.broken.add("runner/worker.js")
    figure.get_by_role("button", name="Step →").click()
    expect(figure.locator("svg .is-now")).to_have_count(1)
    expect(figure.locator(".run-error")).to_have_count(0)


def test_switching_a_fault_off_replays_and_redraws(figure: Locator) -> None:
    switches = figure.get_by_role("switch")
    lit = switches.and_(figure.locator(":checked"))
    expect(lit).to_have_count(1)
    lit.click()
    expect(figure.locator(".run-outcome")).to_contain_text("the invariant holds")
    drawn(figure, "the good day")
    expect(figure.locator("svg .event--surprise")).to_have_count(0)
    switches.last.click()
    expect(figure.locator("svg .event--surprise")).to_have_count(1)


def test_another_option_of_a_choice_replays_and_redraws(
    page: Page, server: Server
) -> None:
    page.goto(server.url + "delivery/")
    figure = page.locator("#delivery-lost_ack")
    choice = figure.get_by_role("combobox", name="meanwhile")
    expect(choice.locator(":checked")).to_have_text("it restarts")
    told = figure.locator("svg desc")
    expect(told).to_contain_text("meanwhile: it restarts")
    choice.focus()
    choice.select_option("an hour passes")
    expect(told).to_contain_text("meanwhile: an hour passes")
    expect(choice.locator(":checked")).to_have_text("an hour passes")
    expect(choice).to_be_focused()  # the choices are others now


def test_a_guess_comes_before_the_count(figure: Locator) -> None:
    expect(figure.get_by_role("option")).to_have_count(0)
    row = figure.locator("tr.breaks").first
    expect(row).to_be_hidden()  # the answer waits for the guess
    found = re.search(r"(\d+) of (\d+)", row.text_content() or "")
    assert found
    bad, total = map(int, found.groups())
    expect(
        figure.get_by_label(f"How many of the {total} schedules break")
    ).to_be_empty()
    figure.get_by_role("spinbutton").fill(str(bad + 1))
    figure.get_by_role("button", name="Check my guess").click()
    expect(figure.locator(".run-count")).to_contain_text(f"You said {bad + 1}.")
    expect(figure.locator(".run-count")).to_contain_text(f"Breaks in {bad} of {total}")
    expect(figure.get_by_role("option")).to_have_count(total)
    expect(figure.locator(".run-cell--bad")).to_have_count(bad)
    expect(row).to_be_hidden()  # it holds the counts of the other variants as well
    figure.get_by_text("How many schedules break, variant by variant").click()
    expect(row).to_be_visible()


def test_who_does_not_guess_sees_the_counts_of_all_variants(figure: Locator) -> None:
    rows = figure.locator("tr[data-variant]")
    expect(rows.first).to_be_hidden()
    all_schedules(figure)
    for row in rows.all():
        expect(row).to_be_visible()


def test_a_choice_that_comes_again_says_which_time_it_is(figure: Locator) -> None:
    switches = figure.locator(".run-switch")
    names = switches.all_inner_texts()
    assert len(set(names)) == len(names)
    assert any(name.endswith("(1st time)") for name in names)
    assert any(name.endswith("(2nd time)") for name in names)


def test_the_shortest_bad_schedule_is_the_first_cell_and_opens(
    page: Page, figure: Locator
) -> None:
    cells = all_schedules(figure)
    names = [cell.get_attribute("aria-label") or "" for cell in cells.all()]
    bad = [name.startswith("breaks") for name in names]
    assert bad == sorted(bad, reverse=True)
    surprises = [int(m[1]) for n in names if (m := re.search(r"breaks, (\d+)", n))]
    assert surprises == sorted(surprises)
    cells.nth(1).click()
    expect(cells.nth(1)).to_have_attribute("aria-selected", "true")
    expect(figure.locator(".scenario__shown")).to_contain_text("breaks the invariant")
    assert names[1].rpartition(" ")[2] in page.url


def test_arrow_keys_move_among_the_cells_of_which_one_is_in_the_tab_order(
    page: Page, figure: Locator
) -> None:
    cells = all_schedules(figure)
    expect(figure.locator("[role=option][tabindex='0']")).to_have_count(1)
    figure.locator("[role=option][tabindex='0']").focus()
    page.keyboard.press("End")
    expect(cells.last).to_be_focused()
    page.keyboard.press("Enter")
    expect(cells.last).to_have_attribute("aria-selected", "true")
    expect(figure.locator(".scenario__shown")).to_contain_text("the invariant holds")


def test_good_and_bad_cells_differ_in_shape(figure: Locator) -> None:
    all_schedules(figure)
    shape = "cell => getComputedStyle(cell, '::before').borderRadius"
    bad = figure.locator(".run-cell--bad").first.evaluate(shape)
    good = figure.locator(".run-cell:not(.run-cell--bad)").first.evaluate(shape)
    assert bad != good


SAME = """async (module) => {
  const at = (path) => new URL(`../assets/${path}`, location.href);
  const { ask } = await import(at("runner/python.js"));
  const known = await (await fetch(at(`runs/${module}.json`))).json();
  const path = `python/snippets/${module.replaceAll(".", "/")}.py`;
  const files = { source: at(path).href };
  const same = {};
  for (const [variant, { verdict, run }] of Object.entries(known)) {
    const judged = await ask({ do: "judge", module, variant }, { files });
    const { telling: schedule } = judged;
    const drawn = await ask({ do: "draw", module, variant, schedule }, { files });
    same[variant] = JSON.stringify([judged, drawn]) === JSON.stringify([verdict, run]);
  }
  return same;
}"""


def test_the_page_and_the_build_judge_and_draw_alike(
    page: Page, figure: Locator
) -> None:
    module = figure.get_attribute("data-module")
    same = page.evaluate(SAME, module)
    assert len(same) == figure.get_by_role("tab").count()
    assert all(same.values()), same


def test_a_link_opens_this_run(page: Page, figure: Locator) -> None:
    figure.get_by_role("tab").nth(1).click()
    all_schedules(figure).nth(2).click()
    expect(figure.get_by_role("option").nth(2)).to_have_attribute(
        "aria-selected", "true"
    )
    shown = figure.locator(".scenario__shown").inner_text()
    picture = figure.locator("svg desc").inner_html()
    figure.get_by_role("button", name="Copy link").click()
    expect(figure.get_by_role("button", name="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto("about:blank")
    page.goto(link)
    expect(figure.locator(".scenario__shown")).to_have_text(shown)
    assert figure.locator("svg desc").inner_html() == picture
    expect(figure.locator(".scenario__shown")).to_be_in_viewport()


def test_a_switch_stays_under_the_finger(page: Page, figure: Locator) -> None:
    switch = figure.get_by_role("switch").nth(1)
    switch.evaluate("each => each.scrollIntoView({ block: 'center' })")
    picture, shown = figure.locator(".scenario__picture"), figure.locator("svg desc")
    before, tall, words = top(switch), height(picture), shown.inner_html()
    switch.click()
    expect(shown).not_to_have_text(words)
    assert height(picture) != tall
    assert abs(top(switch) - before) < 2


def height(part: Locator) -> float:
    """The height of a part of the page, in pixels."""
    return float(part.evaluate("part => part.getBoundingClientRect().height"))


def top(part: Locator) -> float:
    """How far below the window's top a part of the page begins, in pixels."""
    return float(part.evaluate("part => part.getBoundingClientRect().top"))


def test_on_a_phone_what_breaks_a_run_stands_under_its_steps(visit: Visit) -> None:
    page = visit(ONE_FIGURE, viewport={"width": 390, "height": 844})
    steps, switch = page.locator(".run-steps"), page.get_by_role("switch").first
    logs = page.get_by_text("What each node could log", exact=True)
    switch.scroll_into_view_if_needed()
    assert top(steps) < top(switch) < min(top(steps) + 200, top(logs))
    expect(page.locator(".run-log").first).to_be_hidden()


def test_a_link_to_a_run_that_is_no_more_says_so(
    page: Page, figure: Locator, server: Server
) -> None:
    page.goto(server.url + "delivery/?run=delivery.one_charge.ack_last:9.9.9")
    expect(figure.locator(".run-error")).to_contain_text("has no option 9")
    expect(figure.locator("svg.diagram")).to_be_visible()
    page.goto(server.url + "delivery/?run=delivery.one_charge.nobody:0")
    expect(figure.locator(".run-error")).to_contain_text("no variant 'nobody'")


def test_an_unedited_run_says_what_the_tests_saw(figure: Locator) -> None:
    figure.get_by_role("button", name="Run every schedule").click()
    expect(figure.locator(".run-claims")).to_be_visible()
    verdicts = figure.locator(".run-verdicts li")
    expect(verdicts).to_have_count(figure.get_by_role("tab").count())
    expect(verdicts.filter(has_text="as the tests saw")).to_have_count(verdicts.count())
    expect(figure.locator(".run-heard")).to_contain_text("Every example")


def test_stop_ends_what_runs_and_the_next_run_works(figure: Locator) -> None:
    figure.get_by_role("tab").nth(1).click()
    drawn(figure, "ack_first")
    figure.get_by_role("button", name="Edit").click()
    editor = figure.get_by_role("textbox", name=re.compile("Code of"))
    editor.fill("while True:\n    pass\n")
    figure.get_by_role("button", name="Run every schedule").click()
    figure.get_by_role("button", name="Stop").click()
    expect(figure.locator(".run-below .run-status")).to_contain_text("Stopped")
    figure.get_by_role("button", name="Reset").click()
    figure.get_by_role("button", name="Run every schedule").click()
    expect(figure.locator(".run-claims")).to_contain_text("hold")
