"""The key alone says "again"; only a fingerprint says "again, and the same".

A till sends an order with its key until it hears an answer. Between two tries a waiter
may add a cake. What the server does with a key that it has seen decides what the
receipt says, and the receipt has to match the money.

Faults: at most three: a request or an answer is lost, a cake is added between tries.
Leaves out: two requests at once, late requests, a stored answer that names the sum (a
till that reads it would notice), keys that are forgotten.
Source: [@stripe-idempotency], [@brandur-idempotency]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[18, 6, 0]

To refuse every repeat hides a charge that was made.

>>> find(refuse_repeats, lambda result: not holds(result)).result
Settled(receipt=0, taken=3)

To answer every repeat gives a receipt for a cake that nobody paid for.

>>> find(stored_answer, lambda result: not holds(result)).result
Settled(receipt=8, taken=3)

The fingerprint splits the two: coffee under the first key, the cake under its own.

>>> sorted({run.result for run in explore(fingerprint_and_answer)})
[Settled(receipt=3, taken=3), Settled(receipt=8, taken=8)]
"""

from typing import NamedTuple


class Settled(NamedTuple):
    """Dollars on the receipt, and dollars taken from the card."""

    receipt: int
    taken: int


def refuse_repeats(world):
    """A key that was seen before is a conflict; the till takes that for a failure."""
    return pay(world, lambda before, amount: "409")


def stored_answer(world):
    """A key that was seen before gets the answer that it got before."""
    return pay(world, lambda before, amount: "ok")


def fingerprint_and_answer(world):
    """The stored answer, if the body is the same too; another body is an error."""
    return pay(world, lambda before, amount: "ok" if before == amount else "422")


def pay(world, repeated):
    world.allow(faults=3)
    table: dict[str, int] = {}  # the server's: what was charged under each key
    receipt = 0
    todo = [("key-1", 3)]
    while todo:
        key, amount = todo[0]
        match ask(world, table, repeated, key, amount):
            case "ok":
                receipt += amount
                todo.pop(0)
            case "409":
                world.note("till", "failed: no receipt")
                todo.pop(0)
            case "422":
                world.note("till", "key-1 was for the coffee")
                todo = [("key-1", 3), ("key-2", 5)]
            case "silence":
                if amount == 3 and world.choose("a cake is added"):
                    todo = [("key-1", 8)]
    return Settled(receipt, taken=sum(table.values()))


def ask(world, table, repeated, key, amount):
    if not world.delivers("till", "server", f"{key}: ${amount}"):
        return "silence"
    answer = repeated(table[key], amount) if key in table else "ok"
    if key not in table:
        table[key] = amount
        world.note("server", f"charges ${amount}")
    return answer if world.delivers("server", "till", answer) else "silence"


variants = (refuse_repeats, stored_answer, fingerprint_and_answer)


def holds(result):
    """The receipt never differs from the money (safety); both exist (liveness)."""
    return result.receipt == result.taken > 0


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(receipt=0, taken=0)
