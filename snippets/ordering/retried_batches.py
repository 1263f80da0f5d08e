"""With several batches in flight, a retry puts an old batch behind a newer one.

A producer appends batches 1, 2 and 3 to one partition and sends again what was not
acknowledged. One step is one batch on its way, or one ack on its way back; batches that
are sent together arrive in the order of sending.

Faults: at most two: a batch is lost, an ack is lost.
Leaves out: a producer that restarts and forgets its numbers; a second producer.
Source: [@kafka-producer-configs], [@kafka-design]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[22, 16, 0, 0]

One batch at a time keeps the order and repeats; numbers end both:

>>> sorted({run.result for run in explore(one_in_flight) if len(run.result) == 4})
[(1, 1, 2, 3), (1, 2, 2, 3), (1, 2, 3, 3)]
>>> {run.result for run in explore(numbered)}
{(1, 2, 3)}
"""


def produce(world, in_flight, numbered=False):
    """Send up to `in_flight` batches a round until all three are acknowledged."""
    world.allow(faults=2)
    log: list[int] = []
    waiting = [1, 2, 3]
    while waiting:
        acked = []
        for batch in waiting[:in_flight]:
            if not world.delivers("producer", "partition", f"batch {batch}"):
                continue
            if numbered and batch > len(log) + 1:
                world.note("partition", f"refuse {batch}: {len(log) + 1} is missing")
                continue
            if not numbered or batch == len(log) + 1:
                log.append(batch)
                world.note("partition", f"log: {' '.join(map(str, log))}")
            if world.delivers("partition", "producer", f"ack {batch}"):
                acked.append(batch)
        waiting = [batch for batch in waiting if batch not in acked]
    return tuple(log)


def three_in_flight(world):
    """All three at once; then again what was not acknowledged."""
    return produce(world, in_flight=3)


def two_in_flight(world):
    """At most two unacknowledged batches at a time."""
    return produce(world, in_flight=2)


def one_in_flight(world):
    """The next batch leaves when the last one is acknowledged."""
    return produce(world, in_flight=1)


def numbered(world):
    """Three at once; the partition takes only the next number, repeats are dropped."""
    return produce(world, in_flight=3, numbered=True)


variants = three_in_flight, two_in_flight, one_in_flight, numbered


def holds(log):
    """Every batch is in the log, and none stands behind a newer one."""
    return sorted(set(log)) == [1, 2, 3] and sorted(log) == list(log)


def idle(world):
    """Does nothing: the log stays empty."""
    return ()
