"""A unique claim keeps others out, and also whoever must finish a dead worker's job.

The worker claims the order in a table with a unique key, charges at a provider that
shares no transaction with it, and marks the row done. It may die after the claim and
after the charge. It may also hear nothing: the charge was lost, or is late. Whoever
gets the order next finds a claim without a result, and needs a rule for it.

Faults: at most two: a crash, a lost charge, a lost question, a charge that comes late
(after all else).
Leaves out: a claimant that still works, lost answers, lost acks.
Source: [@brandur-idempotency], [@stripe-idempotency]

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[13, 4, 8, 0]

Who charges again doubles; who skips a claimed order loses the charge.

>>> [sorted({run.result.charges for run in explore(variant)}) for variant in variants]
[[1, 2, 3], [0, 1], [1, 2, 3], [1]]

Asking first is wrong only where the charge is late: the "no" was true when it was said.

>>> def late(run):
...     return "the charge is late" in [event.text for event in run.trace]
>>> all(late(run) for run in explore(ask_first) if not holds(run.result))
True
"""

from typing import NamedTuple


class Settled(NamedTuple):
    """The provider's book and our row, when nothing is in flight any more."""

    charges: int
    row: str


def charge_again(world):
    """A claim without a result was never charged: charge."""
    return until_acked(world, lambda provider: provider.charge())


def skip_the_claimed(world):
    """A claimed order is somebody else's: ack it and go on."""
    return until_acked(world, lambda provider: "claimed")


def ask_first(world):
    """Ask the provider whether it charged order 7; charge if it says no."""

    def recover(provider):
        answer = provider.ask()
        return provider.charge() if answer == "not charged" else answer

    return until_acked(world, recover)


def same_key_again(world):
    """Every charge carries the claim's own key, so charging again asks and acts."""
    return until_acked(world, lambda provider: provider.charge(), key=", key order-7")


def until_acked(world, recover, key=""):
    world.allow(faults=2)
    rows, provider, outcome = {"order 7": ""}, Provider(world, key), ""
    while not outcome:  # no outcome, no ack: the broker delivers to a new worker
        try:
            if not rows["order 7"]:
                rows["order 7"] = "claimed"  # one insert under a unique constraint
                world.note("worker", "claims order 7")
                world.crash("worker", "after the claim")
                outcome = provider.charge()
            else:
                world.note("worker", "finds a claim, no result")
                outcome = recover(provider)
            rows["order 7"] = outcome or "claimed"
        except world.Crash:
            continue
    while world.receive("provider"):
        provider.book()
    return Settled(provider.charges, rows["order 7"])


class Provider:
    """It outlives every worker, and where a charge has a key it knows it again."""

    def __init__(self, world, key):
        self.world, self.text, self.charges = world, "charge $10" + key, 0

    def charge(self):
        if self.world.choose("the charge is late"):
            self.world.send("worker", "provider", self.text)
        elif self.world.delivers("worker", "provider", self.text):
            self.book()
            self.world.crash("worker", "after the charge")
            return "done"
        return ""  # silence

    def book(self):
        if self.charges == 0 or "key" not in self.text:
            self.charges += 1
        self.world.note("provider", f"charges so far: {self.charges}")

    def ask(self):
        if self.world.delivers("worker", "provider", "charged order 7?"):
            answer = "done" if self.charges else "not charged"
            self.world.note("provider", f"answers: {answer}")
            return answer
        return ""  # silence


variants = (charge_again, skip_the_claimed, ask_first, same_key_again)


def holds(result):
    """At most one charge (safety); one charge, and the row says done (liveness)."""
    return result == Settled(charges=1, row="done")


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(charges=0, row="")
