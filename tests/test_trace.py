"""What a run leaves behind: every verb's event, each node's log, each choice."""

from functools import partial

from snippets.world import Choice, Event, Message, World, explore, find, replay


class Clerk:
    """A named owner of a step, and itself a step without a name."""

    name = "clerk"

    def files_it(self) -> None:
        """A step."""

    def __call__(self) -> None:
        """Another."""


def office(world: World) -> str:
    """Uses each verb once, and some twice."""
    weather = world.choose("the weather", ("dry", "rain"))
    alarmed = world.choose("an alarm")
    world.note("ann", "opens")
    heard = world.delivers("ann", "bob", "hello")
    world.send("ann", "bob", "one")
    world.send("ann", "bob", "two")
    first = world.receive("bob")
    first_aid: tuple[str, ...] = ()
    try:
        world.crash("bob", "at his desk")
    except world.Crash as crash:
        first_aid = crash.args
    world.interleave([Clerk().files_it], [partial(min, 1, 2)], [Clerk()])
    assert isinstance(first, Message)
    return f"{weather}, {alarmed}, {heard}, {first.text} of {first.source}, {first_aid}"


def test_the_trace_tells_every_event_and_which_pick_decided_it() -> None:
    run = replay(office, (1, 1, 1, 1, 1, 1))
    assert run.result == "rain, True, False, two of ann, ('bob', 'at his desk')"
    assert run.trace == (
        Event("choice", "", "", "the weather: rain", 0),
        Event("choice", "", "", "an alarm", 1),
        Event("note", "ann", "", "opens"),
        Event("lost", "ann", "bob", "hello", 2),
        Event("sent", "ann", "bob", "one", None, 1),
        Event("sent", "ann", "bob", "two", None, 2),
        Event("received", "ann", "bob", "two", 3, 2),
        Event("crash", "bob", "", "at his desk", 4),
    )


def two_at_a_desk(world: World) -> None:
    """Bob's step crashes, or is heard, or says two things; Ann's says one."""

    def bob() -> None:
        world.crash("bob", "at the desk")
        world.delivers("bob", "ann", "hello")
        world.note("bob", "sits down")

    world.note("ann", "opens")
    world.interleave([partial(world.note, "ann", "is there")], [bob])


def test_a_turn_taken_first_decides_the_first_event_that_no_fault_decided() -> None:
    early, lost, dead = (
        replay(two_at_a_desk, picks) for picks in ((1, 0, 0), (1, 0, 1), (1, 1))
    )
    said = Event("arrived", "bob", "ann", "hello", 0)
    assert early.trace[1:3] == (said, Event("note", "bob", "", "sits down"))
    assert lost.trace[1:3] == (
        Event("lost", "bob", "ann", "hello", 2),
        Event("note", "bob", "", "sits down", 0),
    )
    assert dead.trace[1] == Event("crash", "bob", "", "at the desk", 1)


def test_a_turn_in_line_decides_no_event() -> None:
    _, ann, *of_bob = replay(two_at_a_desk).trace
    assert ann.pick is None
    assert [event.pick for event in of_bob] == [2, None]


def test_a_quiet_choice_leaves_no_event() -> None:
    run = replay(office)
    assert [event.kind for event in run.trace] == [
        *("note", "arrived", "sent", "sent", "received")
    ]


def test_a_choice_says_what_was_asked_and_what_was_offered() -> None:
    assert replay(office).choices == (
        Choice("the weather", ("dry", "rain"), 0),
        Choice("an alarm", (False, True), 0),
        Choice("lost: hello (ann to bob)", (False, True), 0),
        Choice("next to arrive", ("one", "two"), 0),
        Choice("bob crashes at his desk", (False, True), 0),
        Choice("next to act", ("clerk files it", "1 2 min", "step"), 0),
        Choice("next to act", ("1 2 min", "step"), 0),
    )


def test_a_node_logs_what_it_did_sent_and_received_and_nothing_else() -> None:
    lost = replay(office, (1, 1, 1))
    assert lost.seen_by("ann") == (
        "opens",
        "to bob: hello",
        "to bob: one",
        "to bob: two",
    )
    assert lost.seen_by("bob") == ("from ann: one",)
    assert replay(office).seen_by("bob") == ("from ann: hello", "from ann: one")


def test_find_prefers_the_fewest_surprises_to_the_first_schedule() -> None:
    def either(world: World) -> bool:
        if world.choose("early"):
            return True
        return bool(world.choose("late")) and bool(world.choose("later"))

    assert [run.schedule for run in explore(either) if run.result] == [(0, 1, 1), (1,)]
    assert find(either, bool).schedule == (1,)
