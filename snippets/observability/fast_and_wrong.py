"""A trace shows where the time went, not why the handler decided what it decided.

A payment of $80 is refused, and a colleague looks for the cause. The refusal may be
right (the limit is $50), or come from a cache that is one version behind, or from a
rule that halves every limit. One step is one hop; each ends with a span and its time.

Faults: at most two: the cause is one of the two wrong ones, and one hop, which has
nothing to do with it, was slow.
Leaves out: lost spans, wrong clocks, retries, two causes at once.
Source: [@dapper]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[8, 3, 0]

The same trace, three causes; and the hop that the trace points at is none of them:

>>> runs = list(explore(look_at_the_trace))
>>> sorted({run.result.cause for run in runs if run.result.blamed == "slow bank"})
['limit of $50', 'new rule', 'stale cache']
>>> any(run.result.cause.startswith("slow") for run in runs)
False
"""

from typing import NamedTuple

NOW = {"limit of $50": 50}  # in the database today; for the other causes it is 100
VERSION = 7  # of the customer's row, today


class Finding(NamedTuple):
    """What made the handler refuse, and what the colleague holds responsible."""

    cause: str
    blamed: str


class Inputs(NamedTuple):
    """What the handler decided on: the limit in $, the row's version, the rule's."""

    limit: int
    version: int
    rule: int


def look_at_the_trace(world):
    """Spans with durations and a status: the slowest one is suspect."""
    cause, slow, _ = refused(world)
    return Finding(cause, "limit of $50" if slow == "none" else f"slow {slow}")


def log_the_reason(world):
    """And a log line that says why: "refused, 80 is over the limit of 50"."""
    cause, _, inputs = refused(world)
    world.note("worker", f"log: 80 > {inputs.limit}")
    now = NOW.get(cause, 100)
    return Finding(cause, "limit of $50" if inputs.limit == now else "stale cache")


def log_the_inputs(world):
    """And what it was decided on: the limit, and the versions of row and rule."""
    cause, _, inputs = refused(world)
    world.note("worker", "log: 80 > {}, row v{}, rule v{}".format(*inputs))
    if inputs.rule > 1:
        return Finding(cause, "new rule")
    return Finding(cause, "stale cache" if inputs.version < VERSION else "limit of $50")


def refused(world):
    """Refuse $80; return the cause, the slow hop, and what the handler decided on."""
    cause = world.choose("cause", ("limit of $50", "stale cache", "new rule"))
    slow = world.choose("slow hop", ("none", "cache", "bank"))
    stale, rule = cause == "stale cache", 1 + (cause == "new rule")
    world.allow(faults=0)  # no message is lost
    world.delivers("api", "worker", "pay $80")
    world.delivers("worker", "cache", "limit?")
    world.delivers("cache", "worker", f"v{VERSION - stale}: {50 * rule}")
    world.note("worker", f"span cache: {900 if slow == 'cache' else 2} ms")
    world.delivers("worker", "bank", "card known?")
    world.delivers("bank", "worker", "yes")
    world.note("worker", f"span bank: {900 if slow == 'bank' else 9} ms")
    world.delivers("worker", "api", "refused")
    return cause, slow, Inputs(50, VERSION - stale, rule)


variants = (look_at_the_trace, log_the_reason, log_the_inputs)


def holds(result):
    """The colleague names a cause, and it is the one that made the handler refuse."""
    return result.blamed == result.cause


def idle(world):
    """Looks at nothing, and names nothing."""
    return Finding(refused(world)[0], "")
