"""Whether an acked write survives depends on where it was when the ack was given.

The client writes, and the leader acks when its policy is met. Then the power may fail,
and a member that can win a majority's votes leads. Every member comes back; what was
not flushed to its disk does not. One atomic step is one copy, one power cut, one vote.

Faults: at most four: near's copy is late, far's is late, the power fails at one member
or at all three, another member leads afterwards.
Leaves out: broken, lying or lost disks (two lost disks of three defeat every policy
here); flushes in the background, which make the loss rarer and do not rule it out.
Source: [@jepsen-nats], [@raft-thesis]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[29, 10, 10, 0]

The leader's own disk is not enough, though no power fails: another may lead.

>>> def surprises(variant):
...     lost = find(variant, lambda ending: not holds(ending))
...     return [event.text for event in lost.trace if event.kind == "choice"]
>>> surprises(leaders_disk)
["near's copy is late", "far's copy is late", 'now leads: near']

Nor is a majority's memory, though a majority never lost power:

>>> where = [
...     pick.options[pick.picked]
...     for run in explore(quorums_memory)
...     for pick in run.choices
...     if pick.what == "power fails at" and not holds(run.result)
... ]
>>> sorted(set(where))
['all three', 'leader', 'near']
"""

MEMBERS = ("leader", "near", "far")


def story(world, awaited, flushes):
    """Awaits the acks of so many followers; a member flushes before it acks, or not."""
    world.allow(faults=4)
    memory, disk = set(), set()

    def message(source, target, text):
        world.send(source, target, text)
        world.receive(target)

    def append(member):
        memory.add(member)
        if flushes:
            disk.add(member)
        world.note(member, "on disk" if flushes else "in memory")

    def copy_to(follower):
        message("leader", follower, "append")
        append(follower)

    message("client", "leader", "write")
    append("leader")
    for follower in MEMBERS[1 : 1 + awaited]:
        copy_to(follower)
        message(follower, "leader", "have it")
    message("leader", "client", "ok")
    for follower in MEMBERS[1 + awaited :]:
        if not world.choose(f"{follower}'s copy is late"):
            copy_to(follower)

    where = world.choose("power fails at", ("no member", *MEMBERS, "all three"))
    for member in MEMBERS:
        if where in (member, "all three"):
            memory -= {member} - disk
            world.note(member, "restarts from its disk")

    able = [member for member in MEMBERS if voters(member, memory)]
    leader = world.choose("now leads", able)
    if leader != "leader":
        message(voters(leader, memory)[-1], leader, "my vote")
    kept = leader in memory
    world.note(leader, "leads, has the write" if kept else "leads, has no write")
    return "acked and kept" if kept else "acked and lost"


def voters(candidate, have):
    """Who votes for it: nobody whose own log is ahead. One vote makes a majority."""
    others = [member for member in MEMBERS if member != candidate]
    return [voter for voter in others if candidate in have or voter not in have]


def leaders_memory(world):
    """The leader acks as soon as it has the write."""
    return story(world, awaited=0, flushes=False)


def leaders_disk(world):
    """The leader flushes its own disk, then acks."""
    return story(world, awaited=0, flushes=True)


def quorums_memory(world):
    """Two of three have it in memory; disks follow later."""
    return story(world, awaited=1, flushes=False)


def quorums_disks(world):
    """Two of three have flushed it to disk."""
    return story(world, awaited=1, flushes=True)


variants = (leaders_memory, leaders_disk, quorums_memory, quorums_disks)


def holds(result):
    """The client hears an ack, and whoever leads in the end has the write."""
    return result == "acked and kept"


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return "never acked"
