"""Two keys have no order between them, so a photo is shown to somebody just unfriended.

Ana befriends Dan, unfriends Bob, then posts a photo: two events under the key of her
friends list, one under the key of her photos. A feed reads both partitions, and Bob
looks at it twice. Reading one event, and one look, is one atomic step.

Faults: none, only orders: every interleaving of the two partitions and Bob's looks. A
surprise is a turn that a later partition or Bob takes first.
Leaves out: lost events, a second feed, photos that were posted before.
Source: [@zanzibar-2019]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[11, 4, 0, 0]

One partition for all that Ana does is right too. It is one order less to run in
parallel, and the next pair of keys asks the same question again.

>>> len(list(explore(one_partition))), len(list(explore(photo_names_its_list)))
(10, 30)
"""

from typing import NamedTuple


class End(NamedTuple):
    """Who saw the photo in the feed; a friend of Ana's looks when all is settled."""

    bob: bool
    friend: bool


class Feed:
    """What the feed knows of Ana's friends and of her photo."""

    def __init__(self, world, pause=0, needs=0):
        world.allow(faults=0)
        self.world, self.pause, self.needs = world, pause, needs
        self.friends, self.version, self.photo = {"bob", "cid"}, 1, False
        self.bob_saw = False

    def shows(self):
        return self.photo and self.pause <= 0 and self.version >= self.needs

    def settle(self, *partitions):
        """Ana acts, the partitions are read while Bob looks twice, Cid looks last."""
        for name, events in partitions:
            for event in events:
                self.world.delivers("ana", name, event)
        read = [Partition(self, *each) for each in partitions]
        turns = [[each.is_read] * len(each.events) for each in read]
        bob = [self.bob_looks, self.bob_looks]
        self.world.interleave(*turns, bob)
        self.pause = 0
        return End(self.bob_saw, self.shows() and "cid" in self.friends)

    def read(self, partition, event):
        self.world.delivers(partition, "feed", event)
        self.pause -= self.photo
        if event == "photo":
            self.photo = True
        else:
            self.version += 1
            self.friends -= {"bob"} if event == "unfriend bob" else set()

    def bob_looks(self):
        seen = self.shows() and "bob" in self.friends
        self.world.delivers("feed", "bob", "a photo of ana" if seen else "nothing new")
        self.bob_saw = self.bob_saw or seen


class Partition:
    """What one key keeps in order."""

    def __init__(self, feed, name, events):
        self.feed, self.name, self.events = feed, name, list(events)

    def is_read(self):
        self.feed.read(self.name, self.events.pop(0))


FRIENDS = ("befriend dan", "unfriend bob")


def two_partitions(world):
    """Friends under one key, photos under another; show what arrives."""
    return Feed(world).settle(("friends", FRIENDS), ("photos", ["photo"]))


def wait_a_moment(world):
    """Show a photo only when one more event has been read."""
    return Feed(world, pause=1).settle(("friends", FRIENDS), ("photos", ["photo"]))


def one_partition(world):
    """All that Ana does goes under one key."""
    return Feed(world).settle(("ana's events", (*FRIENDS, "photo")))


def photo_names_its_list(world):
    """The photo says for which version of the friends list it is meant."""
    return Feed(world, needs=3).settle(("friends", FRIENDS), ("photos", ["photo"]))


variants = two_partitions, wait_a_moment, one_partition, photo_names_its_list


def holds(end):
    """Bob never sees the photo; a friend does, when all has been read."""
    return end == End(bob=False, friend=True)


def idle(world):
    """Does nothing: no friend ever sees the photo."""
    return End(bob=False, friend=False)
