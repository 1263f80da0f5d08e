"""A scenario as data: what the build prints and what the browser shows are one."""

import json

import pytest

from snippets.world import Event, Run
from theme import catalogue, figure

SOURCE = '''"""A reply can be lost.

The client asks once; each delivery is one step.

Faults: at most two:
the call is lost, the reply is lost.
Leaves out: late replies.
Source: [@somebody]

>>> from snippets.world import explore
>>> sorted({run.result for run in explore(ask)})
[0, 1]
"""


def ask(world):
    """Ask, and do not wonder."""
    if not world.delivers("client", "server", "charge"):
        return 0
    world.delivers("server", "client", "ok")
    return 1


variants = (ask,)


def holds(result):
    """The card is
    charged once."""
    return result == 1
'''


@pytest.fixture
def scenario() -> figure.Scenario:
    return figure.parse(SOURCE, "delivery.example")


def test_a_file_is_taken_apart(scenario: figure.Scenario) -> None:
    assert scenario.claim == "A reply can be lost."
    assert scenario.story == "The client asks once; each delivery is one step."
    assert scenario.labels == {
        "Faults": "at most two: the call is lost, the reply is lost.",
        "Leaves out": "late replies.",
        "Source": "[@somebody]",
    }
    assert scenario.variants == [{"name": "ask", "hint": "Ask, and do not wonder."}]
    assert scenario.invariant == "The card is charged once."
    assert SOURCE.splitlines()[scenario.first_line - 1] == "def ask(world):"


@pytest.mark.parametrize(("right", "telling"), [("result == 1", [1]), ("True", [0, 1])])
def test_the_shortest_bad_run_says_most_or_else_the_wildest(
    right: str, telling: list[int]
) -> None:
    source = SOURCE.replace("return result == 1", f"return {right}")
    verdict = figure.judge(figure.parse(source, "delivery.example"), "ask")
    assert verdict["telling"] == telling


def test_every_schedule_is_judged_by_the_invariant(scenario: figure.Scenario) -> None:
    verdict = figure.judge(scenario, "ask")
    assert verdict["schedules"] == [[0, 0], [0, 1], [1]]
    assert verdict["cells"] == "001"
    assert (verdict["bad"], verdict["total"], verdict["first_bad"]) == (1, 3, 2)


def test_a_run_is_drawn_with_its_choices_and_its_logs(
    scenario: figure.Scenario,
) -> None:
    drawn = figure.draw(scenario, "ask", (0, 1))
    assert drawn["svg"].startswith("<svg")
    assert [choice["picked"] for choice in drawn["choices"]] == [0, 1]
    assert drawn["logs"] == {
        "client": [{"event": 0, "text": "to server: charge"}],
        "server": [
            {"event": 0, "text": "from client: charge"},
            {"event": 1, "text": "to client: ok"},
        ],
    }
    assert (drawn["result"], drawn["holds"]) == ("1", True)
    assert len(drawn["words"]) == 2


def test_all_that_a_figure_says_can_cross_to_the_browser(
    scenario: figure.Scenario,
) -> None:
    for data in (
        figure.judge(scenario, "ask"),
        figure.draw(scenario, "ask"),
        figure.check(scenario),
    ):
        assert json.loads(json.dumps(data)) == data


def test_a_broken_claim_is_named_with_what_came_instead() -> None:
    broken = figure.parse(SOURCE.replace("return 1\n", "return 2\n", 1), "a.b")
    wrong = [verdict for verdict in figure.check(broken) if not verdict["ok"]]
    assert [verdict["got"] for verdict in wrong] == ["[0, 2]"]


def test_a_claim_that_raises_shows_the_readers_own_line() -> None:
    edited = SOURCE.replace("        return 0\n", "        return 1 / 0\n")
    wrong = [v for v in figure.check(figure.parse(edited, "a.b")) if not v["ok"]]
    assert "ZeroDivisionError" in wrong[0]["got"]
    assert "line 4" in wrong[0]["got"]
    assert "world.py" not in wrong[0]["got"]


def test_an_unknown_variant_is_refused(scenario: figure.Scenario) -> None:
    with pytest.raises(LookupError, match="no variant 'beg', only ask"):
        scenario.variant("beg")


def test_a_log_never_holds_a_loss_or_a_crash() -> None:
    trace = (Event("lost", "a", "b", "x"), Event("crash", "b", "", "at once"))
    assert figure.logs(Run(None, (), trace)) == {
        "a": [{"event": 0, "text": "to b: x"}],
        "b": [],
    }


def test_two_options_of_a_choice_never_have_the_same_words() -> None:
    assert figure.told_apart(["pays", "asks", "pays", "pays"]) == [
        "pays",
        "asks",
        "pays (2)",
        "pays (3)",
    ]
    timed_out = catalogue.scenario("delivery.timed_out")
    run = figure.draw(timed_out, "two_tries_then_failed", [1, 1])
    assert ["order-1", "order-1 (2)"] in [each["options"] for each in run["choices"]]
