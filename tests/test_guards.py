"""Every guard of a right variant is needed: its mutant breaks what the guard held."""

import pytest

from snippets.world import explore
from tests.mutants.guards import RECIPES, TABLE, Guard, table
from theme import catalogue, figure

GUARDS = [each for each in table() if not each.module.startswith(RECIPES)]
ON_SERVERS = [each for each in table() if each.module.startswith(RECIPES)]
SCENARIOS = [
    name for name in catalogue.modules() if "variants" in catalogue.scenario(name).names
]


def never_broken(module: str) -> list[str]:
    """The variants that keep the invariant in every schedule."""
    names = [each["name"] for each in catalogue.scenario(module).variants]
    return [name for name in names if not catalogue.verdict(module, name)["bad"]]


def breaks(mutant: figure.Scenario, variant: str) -> bool:
    """Does some schedule of the variant break the invariant?"""
    runs = explore(mutant.variant(variant))
    return not all(mutant.holds(run.result) for run in runs)


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_without_its_guard_a_right_variant_breaks(guard: Guard) -> None:
    mutant = figure.parse(guard.mutated(), guard.module)
    if guard.by == "examples" or guard.module not in SCENARIOS:
        noticed = not all(each["ok"] for each in figure.check(mutant))
    else:
        noticed = any(breaks(mutant, name) for name in never_broken(guard.module))
    assert noticed, (
        f"{guard.module} keeps its claim without its guard “{guard.name}”: "
        "let a schedule need it, or take it out"
    )


@pytest.mark.parametrize("guard", ON_SERVERS, ids=str)
def test_a_recipes_guard_stands_and_names_the_test_that_misses_it(guard: Guard) -> None:
    compile(guard.mutated(), guard.module, "exec")
    path, _, name = guard.test.partition("::")
    assert path, f"{TABLE}: “{guard.name}” of {guard.module} names no test"
    assert f"def {name}" in (catalogue.ROOT / path).read_text()


@pytest.mark.parametrize("module", SCENARIOS)
def test_every_scenario_names_its_guard(module: str) -> None:
    assert module in {each.module for each in GUARDS}, (
        f"{module} has no guard in {TABLE}: add the line that its right variant "
        "hangs on, and the mutant without it"
    )


def test_every_recipe_names_its_guard() -> None:
    recipes = {
        f"{RECIPES}{path.stem}"
        for path in (catalogue.SNIPPETS / "recipes").glob("*.py")
        if path.stem != "__init__"
    }
    missing = recipes - {each.module for each in ON_SERVERS}
    assert not missing, f"add the guards of {', '.join(sorted(missing))} to {TABLE}"
