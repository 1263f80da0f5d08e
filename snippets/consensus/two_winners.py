"""A lease names one owner at a time, and still a write of the last owner can land late.

The old owner reads, sends a write, and the write arrives: three steps. Meanwhile its
lease runs out, the lock names a new owner, who opens the store, works, and writes. One
atomic step is one of those; a pause is any gap between two of them.

Faults: none is needed but time: the old owner or its message may pause anywhere. A
surprise is a turn that the other one takes first.
Leaves out: wrong clocks, which make every check of a lease worse; a lock that fails; a
store of several machines; work done outside the store, which no token guards.
Source: [@kleppmann-locks], [@gray-cheriton-1989], [@etcd-lock]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[25, 2, 10, 0]

The lock is never wrong: it names the new owner after the old lease has run out. And the
old owner cannot tell the good ending from the bad one; its log is the same.

>>> def logs(ending):
...     runs = explore(check_again)
...     return {run.seen_by("old") for run in runs if holds(run.result) is ending}
>>> sorted(logs(False) - logs(True))
[]

A late write is harmless while nobody has read what it changes: the new owner sees it.

>>> late = find(token_registered_first, lambda store: store[0] == "old wrote")
>>> late.result
('old wrote', 'new opened', 'new wrote')
"""


def story(world, checks=False, tokens=False, registers=False):
    store, newest, lease_runs = [], [0], [True]

    def accepted(token):
        fresh = token >= newest[0]
        if tokens:
            newest[0] = max(newest[0], token)
        return fresh

    def old_reads():
        world.note("old", "reads, starts to work")

    def old_sends():
        if checks and not lease_runs[0]:
            world.note("old", "lease is over: stops")
        else:
            if checks:
                world.note("old", "lease still runs")
            world.send("old", "store", "write, token 1")

    def its_write_arrives():
        if world.receive("store"):
            if accepted(1):
                store.append("old wrote")
                world.note("store", "holds what old wrote")
            else:
                world.note("store", "refused: 1 is below 2")

    def lease_runs_out():
        lease_runs[0] = False
        world.note("lock", "lease 1 runs out")

    def lock_names_new():
        world.delivers("lock", "new", "the lease, token 2")

    def new_opens():
        world.delivers("new", "store", "open, token 2")
        if registers:
            accepted(2)
        store.append("new opened")

    def new_writes():
        world.delivers("new", "store", "write, token 2")
        if accepted(2):
            store.append("new wrote")

    world.allow(faults=0)
    world.delivers("lock", "old", "the lease, token 1")
    world.interleave(
        [old_reads, old_sends, its_write_arrives],
        [lease_runs_out, lock_names_new, new_opens, new_writes],
    )
    return tuple(store)


def blind_write(world):
    """Takes the lease, works, writes."""
    return story(world)


def check_again(world):
    """Looks at the clock once more, and sends in the same step."""
    return story(world, checks=True)


def token_on_writes(world):
    """The store refuses a write whose token is older than the last write's."""
    return story(world, tokens=True)


def token_registered_first(world):
    """The new owner shows its token as it opens the store, before it reads."""
    return story(world, tokens=True, registers=True)


variants = (blind_write, check_again, token_on_writes, token_registered_first)


def holds(result):
    """No old write lands after the new owner opened the store; the new write lands."""
    if "new wrote" not in result:
        return False
    return "old wrote" not in result[result.index("new opened") :]


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return ()
