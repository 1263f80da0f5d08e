"""What a mutant of a scenario has to get past: examples, and the rules of the house.

`make mutants` runs these, and not `make test`: they say again what its tests say, with
nothing remembered between two versions of a function, and in one test a module.
"""

import doctest
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from snippets.world import World, explore
from theme.catalogue import modules

ENDLESS = 2_000  # events in one run: no scenario that ends comes near


@pytest.fixture(autouse=True)
def _every_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that loops for ever fails at once, and not when its time is up."""
    log = World._log

    def counted(self: World, *event: Any) -> None:
        assert len(self.trace) < ENDLESS, "this run would never end"
        log(self, *event)

    monkeypatch.setattr(World, "_log", counted)


def fresh(name: str) -> ModuleType:
    """The module, without what its functions remember of earlier calls."""
    module = import_module(f"snippets.{name}")
    for each in vars(module).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()
    return module


def bad(module: ModuleType, variant: Any) -> int:
    """How many schedules of a variant break the invariant."""
    return sum(not module.holds(run.result) for run in explore(variant))


@pytest.mark.parametrize("name", modules())
def test_the_module_keeps_its_claims(name: str) -> None:
    module = fresh(name)
    if hasattr(module, "variants"):
        first, *_, last = module.variants
        good_day = next(iter(explore(last)))
        assert module.holds(good_day.result)
        assert bad(module, last) == 0
        assert bad(module, first) > 0
        assert not any(module.holds(run.result) for run in explore(module.idle))
    examples = doctest.DocTestParser().get_doctest(
        module.__doc__ or "", dict(vars(module)), name, None, 0
    )
    assert examples.examples
    doctest.DebugRunner(optionflags=doctest.ELLIPSIS, verbose=False).run(examples)
