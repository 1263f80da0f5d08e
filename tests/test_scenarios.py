"""What every scenario owes its reader, whoever wrote it."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from snippets.world import explore
from theme import catalogue, figure

MODULES = catalogue.modules()
SCENARIOS = [name for name in MODULES if "variants" in catalogue.scenario(name).names]
ENGINE = (catalogue.SNIPPETS / "world.py").read_text()


def source_of(module: str) -> str:
    """The text of a module's file."""
    return catalogue.path_of(module).read_text()


def breaks(module: str) -> list[int]:
    """How many schedules of each variant break the invariant."""
    variants = catalogue.scenario(module).variants
    return [catalogue.verdict(module, each["name"])["bad"] for each in variants]


def code_lines(source: str) -> set[int]:
    """The lines that hold code: no docstring, no comment, no blank line."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef
        ) and ast.get_docstring(node):
            doc = node.body[0]
            docstrings |= set(range(doc.lineno, (doc.end_lineno or 0) + 1))
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - docstrings


def test_each_truth_has_scenarios() -> None:
    assert {name.split(".")[0] for name in SCENARIOS} == set(catalogue.TRUTHS)


@pytest.mark.parametrize("module", SCENARIOS)
def test_the_naive_variant_breaks_and_the_right_one_never_does(module: str) -> None:
    first, *_, last = breaks(module)
    assert first > 0
    assert last == 0


@pytest.mark.parametrize("module", SCENARIOS)
def test_a_plausible_fix_is_wrong_somewhere(module: str) -> None:
    """Between the naive variant and the right one stands a fix that is not enough."""
    between = breaks(module)[1:-1]
    assert between, f"{module}: add a plausible wrong fix between naive and right"
    assert any(between), f"{module}: no fix between naive and right is wrong"


@pytest.mark.parametrize("module", SCENARIOS)
def test_a_variant_that_does_nothing_is_refused(module: str) -> None:
    scenario = catalogue.scenario(module)
    runs = list(explore(scenario.names["idle"]))
    assert runs
    assert not any(scenario.holds(run.result) for run in runs)


@pytest.mark.parametrize("module", SCENARIOS)
def test_the_good_day_is_good_for_the_right_variant(module: str) -> None:
    scenario = catalogue.scenario(module)
    run = next(iter(explore(scenario.names["variants"][-1])))
    assert run.surprises == 0
    assert scenario.holds(run.result)


@pytest.mark.parametrize("module", SCENARIOS)
def test_a_scenario_says_its_faults_and_what_it_leaves_out(module: str) -> None:
    scenario = catalogue.scenario(module)
    assert set(scenario.labels) >= {"Faults", "Leaves out"}
    assert scenario.claim.endswith(".")
    assert scenario.invariant
    assert all(variant["hint"] for variant in scenario.variants)


@pytest.mark.parametrize("module", MODULES)
def test_a_scenario_is_short_enough_to_read_in_one_sitting(module: str) -> None:
    source = source_of(module)
    assert len(code_lines(source)) <= 60
    assert max(map(len, source.splitlines())) <= 88


@pytest.mark.parametrize("module", MODULES)
def test_a_scenario_needs_only_python(module: str) -> None:
    """Copy puts it into one file with the engine: its code may import neither."""
    tree = ast.parse(figure.split(source_of(module))[1])
    imported = {
        (name.name if isinstance(node, ast.Import) else str(node.module)).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported <= sys.stdlib_module_names - {"random", "time", "threading"}
    assert "__future__" not in imported


@pytest.mark.parametrize("module", MODULES)
def test_what_copy_gives_runs_alone(module: str, tmp_path: Path) -> None:
    path = tmp_path / "copied.py"
    path.write_text(figure.standalone(ENGINE, source_of(module)))
    for arguments in (["-m", "doctest", "copied.py"], ["copied.py"]):
        done = subprocess.run(
            [sys.executable, "-I", "-W", "error", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        if arguments == ["copied.py"] and module in SCENARIOS:
            assert f"breaks in {breaks(module)[0]} of" in done.stdout
        elif arguments != ["copied.py"]:
            assert done.stdout == ""


@pytest.mark.parametrize("module", MODULES)
def test_its_examples_pass_as_the_page_checks_them(module: str) -> None:
    verdicts = figure.check(catalogue.scenario(module))
    assert verdicts
    assert [verdict for verdict in verdicts if not verdict["ok"]] == []


def test_two_scenarios_never_share_a_name_of_a_figure() -> None:
    assert len(SCENARIOS) == len({name.replace(".", "-") for name in SCENARIOS})
