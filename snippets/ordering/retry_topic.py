"""A retry topic takes a failed event out of its line and lets newer ones pass it.

One topic holds Ana's first address, Bob's address and Ana's new address; a worker
applies them. An event whose handling fails goes to the retry topic. Handling one event
is one atomic step; the two topics are read in any order relative to each other.

Faults: at most two: handling an event fails.
Leaves out: an event that fails for ever (it must end in a parking place, with its key).
Source: [@confluent-error-handling]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[5, 1, 0, 0]

Waiting in line keeps the order too, and makes Bob pay for Ana's failure:

>>> {run.result for run in explore(wait_in_line)}
{('ana 1', 'bob 1', 'ana 2')}
>>> bob_first = find(park_the_key, lambda applied: applied[0] == "bob 1")
>>> bob_first.result
('bob 1', 'ana 1', 'ana 2')
"""


def consume(world, on_failure, tries=1, parks=False):
    """Apply three events. `on_failure` puts one that failed back into a topic."""
    world.allow(faults=2)
    topics = {"topic": ["ana 1", "bob 1", "ana 2"], "retry": []}
    applied: list[str] = []
    offered: set[str] = set()
    while True:
        for name in topics:
            if topics[name] and name not in offered:
                world.send(name, "worker", topics[name][0])
                offered.add(name)
        if not (message := world.receive("worker")):
            return tuple(applied)
        offered.remove(message.source)
        event = topics[message.source].pop(0)
        behind = message.source == "topic" and key(event) in map(key, topics["retry"])
        if parks and behind:
            world.note("worker", f"{event} waits behind its key")
            topics["retry"].append(event)
        elif any(not world.choose(f"{event} fails") for _ in range(tries)):
            world.note("worker", f"apply {event}")
            applied.append(event)
        else:
            on_failure(topics, event)


def key(event):
    return event.split()[0]


def to_the_end(topics, event):
    topics["retry"].append(event)


def retry_topic(world):
    """What failed goes to the retry topic; the next event is handled."""
    return consume(world, to_the_end)


def twice_then_retry_topic(world):
    """What failed is tried again at once, and then goes to the retry topic."""
    return consume(world, to_the_end, tries=2)


def wait_in_line(world):
    """What failed stays first in its topic, and everybody behind it waits."""
    return consume(world, lambda topics, event: topics["topic"].insert(0, event))


def park_the_key(world):
    """What failed goes to the retry topic, and later events of its key follow it."""
    return consume(
        world, lambda topics, event: topics["retry"].insert(0, event), parks=True
    )


variants = retry_topic, twice_then_retry_topic, wait_in_line, park_the_key


def holds(applied):
    """Each event is applied once, and Ana's first address before her new one."""
    return sorted(applied) == ["ana 1", "ana 2", "bob 1"] and (
        applied.index("ana 1") < applied.index("ana 2")
    )


def idle(world):
    """Does nothing: no address is ever set."""
    return ()
