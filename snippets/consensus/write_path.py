"""A write is safe at the second flush of three, and its client may never hear of it.

The client sends; the leader copies to both followers while it flushes its own disk.
With two of three flushed it commits and answers. The third flush is not waited for.
One atomic step is one message or one flush.

Faults: at most two: the leader crashes (once, so that a quorum is left), or a request
or an answer is lost. Three attempts, so the client does get an answer in the end.
Leaves out: lost copies, which a leader sends again; terms (another figure has them);
a leader that comes back; how long the group is deaf while it elects another.
Source: [@raft-2014], [@raft-thesis]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[21, 12, 0]

The answer leaves when two members have flushed, before the third has heard of it:

>>> path = [event.text for event in next(explore(id_in_the_log)).trace]
>>> answer = path.index("ok")
>>> path[:answer].count("flushed to disk"), path[answer:].count("flushed to disk")
(2, 1)

Silence is no news: the same log at the client, and another number of payments.

>>> runs = list(explore(retry))
>>> once = {run.seen_by("client") for run in runs if run.result == 1}
>>> twice = {run.seen_by("client") for run in runs if run.result == 2}
>>> len(once & twice) > 0
True

With an id in the log the client may ask until it hears, and it does hear:

>>> all(run.seen_by("client")[-1].endswith("ok") for run in explore(id_in_the_log))
True
"""


class Group:
    """Three members, each with a log on disk; the first of the living leads."""

    def __init__(self, world):
        self.world, self.living = world, ["leader", "near", "far"]
        # On disk: each member's log. In the leader's memory: ids it has served.
        self.disk, self.done = dict.fromkeys(self.living, tuple[str, ...]()), set()

    def handle(self, request, remembers):
        """What a leader does with a request; true when the client hears `ok`."""
        world, (leader, *followers) = self.world, self.living
        if not (remembers and request in self.done):
            world.note(leader, "appends it")
            self.entries = (*self.disk[leader], request)
            for follower in followers:
                self.may_crash("before it copies")
                world.send(leader, follower, "append")
            self.may_crash("before the quorum")
            world.receive(followers[0])
            self.flush(leader, followers[0])
            world.send(followers[0], leader, "flushed")
            world.receive(leader)
            world.note(leader, "quorum, 2 of 3: commits")
            self.done.add(request)
            self.may_crash("before it answers")
        heard = world.delivers(leader, "client", "ok")
        self.take_in(followers[1:])
        return heard

    def may_crash(self, where):
        if len(self.living) == 3:
            self.world.crash("leader", where)

    def take_in(self, followers):
        self.flush(*filter(self.world.receive, followers))

    def flush(self, *members):
        for member in members:
            self.disk[member] = self.entries
            self.world.note(member, "flushed to disk")

    def elect(self):
        """What is in flight arrives: near has all that far has, so it can win."""
        self.living, self.done = ["near", "far"], set()
        self.take_in(self.living)
        self.world.note("near", "elected, with far's vote")


def story(world, remembers=False, by_id=False):
    world.allow(faults=2)
    group = Group(world)
    for _attempt in range(3):
        try:
            asked = world.delivers("client", group.living[0], "pay $10")
            if asked and group.handle("request 1", remembers):
                break
        except world.Crash:
            group.elect()
        world.note("client", "silence: was it done?")
    log = group.disk[group.living[0]]
    return len(set(log)) if by_id else len(log)


def retry(world):
    """Sends again after a silence."""
    return story(world)


def id_in_memory(world):
    """The request has an id, and the leader remembers which ids it has served."""
    return story(world, remembers=True)


def id_in_the_log(world):
    """The id is part of the entry; each member applies one id one time."""
    return story(world, by_id=True)


variants = (retry, id_in_memory, id_in_the_log)


def holds(result):
    """The payment is not applied twice, and it is applied."""
    return result == 1


def idle(world):
    """Does nothing: the invariant must refuse it."""
    return 0
