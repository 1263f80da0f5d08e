"""A consumer that wakes up after a rebalance writes an old event over a newer one.

Worker 1 reads Ana's reserve and pauses. The group takes it for dead and gives the
partition to worker 2 as generation 2, which writes from the reserve on: Ana holds 7A,
it is free, Bob holds it. Then worker 1 wakes up. Each method below is one atomic step.

Faults: no choice but the order: every interleaving of the two workers. A surprise
is a turn that worker 2 takes first.
Leaves out: worker 1's bookmark or late ack; some brokers refuse it, some take it.
Source: [@kafka-consumer-configs], [@kleppmann-locks]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[9, 2, 0]

Worker 1 hears of no rebalance. What it could log is the same, whichever way it ended:

>>> awake = [run for run in explore(write_it) if run.seen_by("worker 1")]
>>> len({run.seen_by("worker 1") for run in awake})
1
>>> {holds(run.result) for run in awake} == {True, False}
True

The store refuses no write that comes in time: worker 1 may still write first.

>>> max(len(run.result) for run in explore(write_with_the_generation))
4
"""


class Group:
    """A partition, its generation, its two workers, and the store of seat 7A."""

    def __init__(self, world, fenced=False):
        world.allow(faults=0)
        self.world, self.fenced = world, fenced
        self.generation, self.newest = 1, 1
        self.mine, self.history = False, []

    def worker_1_reads(self):
        if self.generation == 1:
            self.mine = True
            self.world.delivers("broker", "worker 1", "reserve 7A for ana")

    def worker_1_works(self):
        if self.mine:
            self.world.note("worker 1", "works on it")

    def worker_1_asks(self):
        if self.mine:
            self.mine = self.generation == 1
            self.world.note("worker 1", "still mine" if self.mine else "no longer mine")

    def worker_1_writes(self):
        if self.mine:
            self._write("worker 1", 1, "ana")

    def worker_2_takes_over(self):
        self.generation = 2
        self.world.delivers("broker", "worker 2", "generation 2")

    def worker_2_reserves(self):
        self._write("worker 2", 2, "ana")

    def worker_2_cancels(self):
        self._write("worker 2", 2, "free")

    def worker_2_sells(self):
        self._write("worker 2", 2, "bob")

    def _write(self, worker, generation, holder):
        self.world.delivers(worker, "store", f"7A: {holder}")
        if self.fenced and generation < self.newest:
            self.world.note("store", f"refuse generation {generation}")
        else:
            self.newest = max(generation, self.newest)
            self.history.append(holder)

    def _end(self, *worker_1):
        writes = self.worker_2_reserves, self.worker_2_cancels, self.worker_2_sells
        self.world.interleave(worker_1, (self.worker_2_takes_over, *writes))
        return tuple(self.history)


def write_it(world):
    """Read, work, write."""
    g = Group(world)
    return g._end(g.worker_1_reads, g.worker_1_works, g.worker_1_writes)


def ask_then_write(world):
    """Read, work, ask the broker whether the partition is still mine, write."""
    g = Group(world)
    return g._end(
        g.worker_1_reads, g.worker_1_works, g.worker_1_asks, g.worker_1_writes
    )


def write_with_the_generation(world):
    """The write carries the generation; the store refuses one that it knows is old."""
    g = Group(world, fenced=True)
    return g._end(g.worker_1_reads, g.worker_1_works, g.worker_1_writes)


variants = write_it, ask_then_write, write_with_the_generation


def holds(history):
    """Ana never gets back a seat that she had cancelled, and Bob has it at the end."""
    if "free" not in history:
        return False
    return "ana" not in history[history.index("free") :] and history[-1] == "bob"


def idle(world):
    """Does nothing: nobody handles any event."""
    return ()
