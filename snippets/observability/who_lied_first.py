"""Counts rule out worlds; only facts that somebody chose beforehand leave one story.

The support ticket, three hours later: the user clicked pay once, the UI timed out, the
log says "retry 1" and "retry 2", and the payment is in storage, once. `worlds` are all
the ways in which that can have come about. A story is what the ticket wants to know:
which try wrote the payment, what the worker knew in the end, and where its word was
lost. Whether the customer was charged, and how often, the ticket says itself: once.

Faults: as many as the ticket bears. In every world the first two tries and the report
went wrong; in most, the third try too. After three tries the board parks event E9.
Leaves out: a bank with a record of its own, a second click, the order of two late
requests, a store that loses what it wrote, and evidence that is itself wrong.
Source: [@saltzer-1984], [@dapper]

>>> left([])
(302, 15)

Each count alone rules out worlds and not one story. Two and the code do no better:

>>> [left([fact]) for fact in ("deliveries", "timeouts", "backlog", "same key")]
[(146, 15), (88, 15), (196, 15), (238, 15)]
>>> left(["deliveries", "backlog", "same key"])
(114, 15)

All that most teams have, put together, does not settle it. Not in one world of all:

>>> usual = ["deliveries", "timeouts", "backlog", "same key", "last line", "trace"]
>>> left(usual), unsettled(usual)
((12, 6), 302)

Three facts end it, whichever world it was. Two of them nobody gets by default:

>>> for facts in smallest():
...     print(sorted(facts), left(facts))
['api inbox', 'last line', 'try in row'] (10, 1)
['api inbox', 'trace', 'try in row'] (2, 1)

The incident that `left` asks about, and its story:

>>> INCIDENT[:3]
('written, no answer', 'died before', 'answered')
>>> story(INCIDENT)
(1, 'done', 'before api')

In the world of this ticket the answers are these:

>>> [fact(INCIDENT) for fact in (same_key, last_line, try_in_row, api_inbox)]
[True, 'done', 1, False]

Had the first try been late, the second would have written the row:

>>> try_in_row(INCIDENT._replace(try_1="late", try_2="written, no answer"))
2

Somebody turned a timeout into "failed" in every world, and it was not always the UI:

>>> [sum(first_liar(w) == who for w in worlds()) for who in ("worker", "ui")]
[182, 120]
"""

from collections import defaultdict
from functools import cache
from itertools import combinations, product, starmap
from typing import NamedTuple

FATES = ("lost", "late", "written, no answer", "died before", "died after")
LOST = ("before api", "before ui", "never sent")
WRITES = ("answered", "late", "written, no answer", "died after")


class Case(NamedTuple):
    """One world: the three tries' fates, their keys, and where the report was lost."""

    try_1: str
    try_2: str
    try_3: str
    keys: str
    lost: str


INCIDENT = Case("written, no answer", "died before", "answered", "same", "before api")


@cache
def worlds():
    """Every world that fits the ticket."""
    every = product(FATES, FATES, ("answered", *FATES), ("same", "new"), LOST)
    return tuple(filter(fits_the_ticket, starmap(Case, every)))


def fits_the_ticket(case):
    """One payment is stored, and only a dead worker sends no report."""
    writes = sum(fate in WRITES for fate in case[:3])
    once = writes == 1 or (writes > 1 and case.keys == "same")
    return once and (trace(case)[2] == "no span") == (case.lost == "never sent")


def deliveries(case):
    """How often did the board deliver E9? (A worker's death brings it again.)"""
    return 1 + trace(case)[:2].count("no span")


def timeouts(case):
    """How many of the tries timed out? (A counter.)"""
    return trace(case).count("timeout")


def backlog(case):
    """Did the backlog grow? (A metric: it does while E9 waits to be redelivered.)"""
    return deliveries(case) > 1


def same_key(case):
    """Does every try use the same key? (The deployed code says so.)"""
    return case.keys == "same"


def last_line(case):
    """What did the worker log last: done, gave up, or nothing?"""
    return {"ok": "done", "timeout": "gave up"}.get(trace(case)[2], "nothing")


def trace(case):
    """What does T1 show of each try: ok, timeout, or no span at all?"""
    seen = {"answered": "ok", "died before": "no span", "died after": "no span"}
    return tuple(seen.get(fate, "timeout") for fate in case[:3])


def try_in_row(case):
    """Which try wrote the row? (If each write stores its try's number.)"""
    writes = [n for n in range(3) if case[n] in WRITES]
    return 1 + min(writes, key=lambda n: case[n] == "late")  # a late one comes last


def api_inbox(case):
    """Did the callback reach the API? (If the API stores each one on arrival.)"""
    return case.lost == "before ui"


def story(case):
    """Which try wrote the payment, what the worker said, where that was lost."""
    return try_in_row(case), last_line(case), case.lost


def first_liar(case):
    """Who first turned a timeout into "failed"?"""
    return "worker" if last_line(case) == "gave up" else "ui"


FACTS = deliveries, timeouts, backlog, same_key, last_line, trace, try_in_row, api_inbox
NAMED = {fact.__name__.replace("_", " "): fact for fact in FACTS}
evidence = {name: fact.__doc__ for name, fact in NAMED.items()}
answers = {name: str(fact(INCIDENT)) for name, fact in NAMED.items()}


def left(names, case=INCIDENT):
    """(worlds, stories) left for whoever knows the named facts of `case`."""
    fits = [w for w in worlds() if all(NAMED[n](w) == NAMED[n](case) for n in names)]
    return len(fits), len(set(map(story, fits)))


def unsettled(names):
    """In how many worlds do these facts leave more than one story?"""
    told = defaultdict(list)
    for w in worlds():
        told[tuple(NAMED[name](w) for name in names)].append(story(w))
    return sum(len(stories) for stories in told.values() if len(set(stories)) > 1)


def smallest():
    """The smallest sets of facts that leave one story, whichever world it was."""
    every = [facts for n in range(len(NAMED)) for facts in combinations(NAMED, n)]
    size = next(len(facts) for facts in every if not unsettled(facts))
    return [set(f) for f in combinations(NAMED, size) if not unsettled(f)]
