"""The values that a page may print between {= and =}: computed, never typed."""

from types import SimpleNamespace
from typing import Any

from theme import catalogue, reading


def evaluate(expression: str) -> Any:
    """A value for a page: an expression over the four truths and a few functions."""
    truths: dict[str, Any] = {truth: _Truth(truth) for truth in catalogue.TRUTHS}
    return eval(expression, {each.__name__: each for each in FUNCTIONS}, truths)


def broken(name: str) -> str:
    """ "15 of 22 schedules" for "delivery.one_charge.ack_last"."""
    module, _, variant = name.rpartition(".")
    found = catalogue.verdict(module, variant)
    return f"{found['bad']} of {found['total']} schedules"


def schedules(name: str) -> int:
    """How many schedules a variant has."""
    module, _, variant = name.rpartition(".")
    return int(catalogue.verdict(module, variant)["total"])


FUNCTIONS = (broken, schedules, reading.minutes, reading.lead_minutes)


class _Truth:
    def __init__(self, truth: str) -> None:
        self._truth = truth

    def __getattr__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(**catalogue.scenario(f"{self._truth}.{name}").names)
