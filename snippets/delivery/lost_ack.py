"""A silence is no proof: the producer must send again, and de-duplication has a scope.

A producer publishes one event until it hears the ack. Before another try it may have
been restarted, or an hour may have passed. What the broker compares decides what a
second copy is. Each request and each ack is one atomic step.

Faults: at most three: a request or an ack is lost, the producer restarts, an hour
passes.
Leaves out: a request that arrives late, a broker that loses what it acked, the end of
the log's own retention.
Source: [@kafka-design], [@nats-dedup]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[25, 6, 6, 0]

A lost request and a lost ack look the same from where the producer stands.

>>> request_lost, ack_lost = [
...     find(keep_everything, lambda result, n=n: result == Settled(n, tries=2))
...     for n in (1, 2)
... ]
>>> request_lost.seen_by("producer") == ack_lost.seen_by("producer")
True

A session ends with a restart, a window with time; each scope has its own way out.

>>> for variant in (session_and_sequence, id_within_a_window):
...     run = find(variant, lambda result: not holds(result))
...     print([event.text for event in run.trace if event.kind == "choice"])
['meanwhile: it restarts']
['meanwhile: an hour passes']
"""

from typing import NamedTuple


class Settled(NamedTuple):
    """Copies of the event in the log when the producer heard its ack, and its tries."""

    records: int
    tries: int


class Record(NamedTuple):
    """What a producer sends: its session, its count there, the event's id, a time."""

    session: int
    sequence: int
    event: str
    minute: int


def keep_everything(world):
    """The broker appends what arrives."""
    return until_acked(world, lambda old, new: False)


def session_and_sequence(world):
    """The broker drops a sequence number that this session has sent before."""
    return until_acked(world, lambda old, new: old[:2] == new[:2])


def id_within_a_window(world):
    """The broker drops an event id that it saw in the last two minutes."""
    return until_acked(
        world, lambda old, new: old.event == new.event and new.minute - old.minute < 2
    )


def id_in_the_log(world):
    """The append is conditional: no record of this event is in the log."""
    return until_acked(world, lambda old, new: old.event == new.event)


def until_acked(world, repeats):
    world.allow(faults=3)
    log: list[Record] = []
    session, minute, tries = 1, 0, 0
    while True:
        tries += 1
        record = Record(session, 1, "event 7", minute)
        if world.delivers("producer", "broker", f"event 7: session {session}, no. 1"):
            if any(repeats(old, record) for old in log):
                world.note("broker", "known: drops it")
            else:
                log.append(record)
                world.note("broker", f"appends it ({len(log)})")
            if world.delivers("broker", "producer", "ack"):
                return Settled(len(log), tries)
        world.note("producer", "silence: try again")
        pause = ("a short wait", "it restarts", "an hour passes")
        match world.choose("meanwhile", pause):
            case "it restarts":
                session += 1  # a new session counts from one again
            case "an hour passes":
                minute += 60


variants = (keep_everything, session_and_sequence, id_within_a_window, id_in_the_log)


def holds(result):
    """At most one record (safety), and the event is in the log (liveness)."""
    return result.records == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return Settled(records=0, tries=0)
