"""What is the key of a coffee? Per request it never matches, per body it matches two.

A customer buys the same coffee twice, on purpose. The till calls a provider for each
and calls again until it hears an answer; the provider charges once for each key that
it has not seen. Each request and each answer is one atomic step.

Faults: at most two: a request is lost, or an answer is lost (a timeout for the till).
Leaves out: a till that crashes and forgets its key, a late request, other customers.
Source: [@stripe-idempotency], [@aws-idempotent-apis]

>>> from snippets.world import explore, find, replay
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[17, 11, 0]

The key made of the body fails on a good day; the key per request needs a bad one.

>>> [replay(variant).result.charges for variant in variants]
[1, 2, 2]
>>> find(key_per_request, lambda result: not holds(result)).surprises
1
"""

from typing import NamedTuple


class Settled(NamedTuple):
    """The coffees that were wanted, and the charges for them."""

    intents: int
    charges: int


def key_per_body(world):
    """The key is a hash of what is bought and by whom."""
    return two_coffees(world, lambda intent, request: "hash(ann, coffee)")


def key_per_request(world):
    """The key is a fresh UUID, made by the code that sends the request."""
    return two_coffees(world, lambda intent, request: f"uuid-{request}")


def key_per_intent(world):
    """The key is made once, when the customer decides, before the first request."""
    return two_coffees(world, lambda intent, request: f"coffee-{intent}")


def two_coffees(world, key_of):
    world.allow(faults=2)
    charged: set[str] = set()  # the provider's, by key
    request = 0
    for intent in (1, 2):
        world.note("customer", "buys a coffee" if intent == 1 else "buys one more")
        answered = False
        while not answered:
            request += 1
            answered = call(world, charged, key_of(intent, request))
    return Settled(intents=2, charges=len(charged))


def call(world, charged, key):
    if not world.delivers("till", "provider", key):
        return False
    world.note("provider", "known: no charge" if key in charged else "charges $3")
    charged.add(key)
    return world.delivers("provider", "till", "paid")


variants = (key_per_body, key_per_request, key_per_intent)


def holds(result):
    """No coffee is paid for twice (safety), and each one is paid for (liveness)."""
    return result.charges == result.intents


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(intents=2, charges=0)
