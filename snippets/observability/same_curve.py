"""One backlog curve has three causes, and the curve does not say which it is.

A queue gets two messages a minute, and two workers handle one a minute each. Then more
messages come, or a worker is gone, or one message fails each time it is handled. One
step is one minute, and the metric is the queue's depth at its end.

Faults: at most two: the cause is not the burst, and the trouble starts a minute late.
Leaves out: redelivery delays, lost metrics, two causes at once, and a queue that ends.

>>> from snippets.world import explore
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[4, 2, 0]

Two curves, six runs: each curve is drawn by every cause.

>>> runs = [run.result for run in explore(read_the_backlog)]
>>> sorted({run.depths for run in runs})
[(0, 1, 2), (1, 2, 3)]
>>> [len({run.cause for run in runs if run.depths == curve})
...  for curve in ((0, 1, 2), (1, 2, 3))]
[3, 3]
"""

from collections import Counter
from typing import NamedTuple

CAUSES = ("burst", "worker gone", "poison message")
WORKERS = ("ada", "bob")


class Finding(NamedTuple):
    """Why the backlog grew, the curve, and what the reader of it concluded."""

    cause: str
    depths: tuple[int, ...]
    concluded: str


def read_the_backlog(world):
    """The depth grows, so too much is coming in: add workers."""
    cause, depths, _, _ = three_minutes(world)
    return Finding(cause, depths, "burst")


def and_the_throughput(world):
    """Two metrics: if less is handled than before, a worker must be gone."""
    cause, depths, handled, _ = three_minutes(world)
    return Finding(cause, depths, "worker gone" if handled < 6 else "burst")


def and_each_message(world):
    """The queue keeps how often it delivered each message."""
    cause, depths, handled, deliveries = three_minutes(world)
    message, times = deliveries.most_common(1)[0]
    if times > 1:
        world.note("queue", f"{message}: delivered {times} times")
        return Finding(cause, depths, "poison message")
    return Finding(cause, depths, "worker gone" if handled < 6 else "burst")


def three_minutes(world):
    """Return the cause, the depth each minute, how many were handled, deliveries."""
    cause = world.choose("cause", CAUSES)
    start = world.choose("from minute", (1, 2))
    world.allow(faults=0)  # nothing else goes wrong
    queue, depths, made, handled = [], [], 0, 0
    deliveries: Counter[str] = Counter()
    for minute in (1, 2, 3):
        trouble = cause if minute >= start else ""
        arriving = 3 if trouble == "burst" else 2
        queue += [f"m{made + n + 1}" for n in range(arriving)]
        made += arriving
        crew = WORKERS[:-1] if trouble == "worker gone" else WORKERS
        failed = []
        for worker in crew[: len(queue)]:
            message = queue.pop(0)
            world.delivers("queue", worker, message)
            deliveries[message] += 1
            if worker == "ada" and trouble == "poison message":
                failed.append(message)
                world.note(worker, "fails")
            else:
                handled += 1
        queue = failed + queue  # what failed is delivered again, first
        depths.append(len(queue))
        world.note("queue", f"depth {len(queue)}")
    return cause, tuple(depths), handled, deliveries


variants = (read_the_backlog, and_the_throughput, and_each_message)


def holds(result):
    """The reader names a cause, and it is the one that made the backlog grow."""
    return result.concluded == result.cause


def idle(world):
    """Looks at nothing, and names nothing."""
    cause, depths, _, _ = three_minutes(world)
    return Finding(cause, depths, "")
