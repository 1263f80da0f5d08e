"""A compensation is a call like any other: it is lost, repeated, or given up too soon.

A saga has charged Ana 90 and must refund her. It calls the bank until it hears an
answer; the orchestrator may die after a call and start again from its own record. One
step is one message, or one write of the orchestrator's record.

Faults: at most two: a call is lost, an answer is lost, the orchestrator crashes.
Leaves out: a bank without keys and without lookup, and how long it keeps its keys.
Source: [@sagas-1987], [@stripe-idempotency]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[14, 2, 0]

Calling again pays twice, calling once may pay nothing: two opposite bugs.

>>> sorted({run.result for run in explore(call_until_answered)})
[90, 180, 270]
>>> sorted({run.result for run in explore(note_then_call)})
[0, 90]
"""


class Bank:
    """What Ana got back, and the keys of the refunds already paid."""

    def __init__(self):
        self.paid, self.keys = 0, set()

    def refund(self, key):
        if key not in self.keys:
            self.paid += 90
        if key:
            self.keys.add(key)


def compensate(world, key=None, note_first=False):
    """Call until answered. `done` is on disk; everything else dies with a crash."""
    world.allow(faults=2)
    bank, done = Bank(), False
    while not done:
        try:
            done = done or note_first
            world.crash("saga", "before the call")
            if world.delivers("saga", "bank", "refund 90"):
                bank.refund(key)
                world.note("bank", f"paid back: {bank.paid}")
                if world.delivers("bank", "saga", "ok"):
                    world.crash("saga", "before its note")
                    done = True
        except world.Crash:
            world.note("saga", "starts again: " + ("all done" if done else "not done"))
    return bank.paid


def call_until_answered(world):
    """No answer: call again. Each call is a new refund to the bank."""
    return compensate(world)


def note_then_call(world):
    """Note `refunded` first, so that no refund is paid twice."""
    return compensate(world, note_first=True)


def call_with_a_key(world):
    """Call again with the same key: the bank pays it once."""
    return compensate(world, key="refund of booking 7")


variants = call_until_answered, note_then_call, call_with_a_key


def holds(paid):
    """Ana has her 90 back, once."""
    return paid == 90


def idle(world):
    """Does nothing: Ana waits for her money."""
    return 0
