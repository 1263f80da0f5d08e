"""Drawings hold together: nothing collides, leaves the frame, or is left out."""

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import combinations, islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snippets.diagram import draw, layout, words
from snippets.lettering import clean, width, wrap
from snippets.sheet import FRAME, SIZE, Box, Sheet
from snippets.world import Crash, Run, World, explore, replay

ROOT = Path(__file__).parent.parent
STYLE = ROOT / "theme" / "templates" / "stylesheets" / "diagram.css"
SVG = "{http://www.w3.org/2000/svg}"
FEW = 40  # distinct drawings of one variant that are looked at; its first runs

SCENARIOS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.glob("snippets/*/*.py")
    if re.search(r"^variants = ", path.read_text("utf-8"), re.MULTILINE)
)


def groups(svg: str) -> list[ElementTree.Element]:
    """The events of a drawing."""
    return ElementTree.fromstring(svg).findall(f"{SVG}g")


def classes(element: ElementTree.Element) -> list[str]:
    return element.get("class", "").split()


def holds_together(run: Run[Any]) -> None:
    """Everything that is asked of every drawing."""
    sheet, svg = Sheet(run), draw(run, "A run")
    boxes = layout(run)
    assert boxes == sheet.boxes
    for box in boxes:
        assert 0 <= box.x < box.x + box.width <= sheet.width + 0.01, box
        assert 0 <= box.y < box.y + box.height <= sheet.height + 0.01, box
        bold = box.kind == "head" or (
            box.event is not None
            and box.kind != "step"
            and sheet.surprising(run.trace[box.event])
        )
        for line in box.lines:
            assert width(line, SIZE, bold) <= box.width, box
        if box.event is not None:
            row = sheet.rows[box.event]
            assert row.top <= box.y, box
            assert box.y + box.height <= row.bottom, box
    for one, other in combinations(boxes, 2):
        assert not overlap(one, other), (one, other)

    drawn = groups(svg)
    assert len(words(run)) == len(drawn) == len(run.trace)
    for index, (group, event) in enumerate(zip(drawn, run.trace, strict=True)):
        assert group.get("data-event") == str(index)
        assert group.get("data-pick") == (
            None if event.pick is None else str(event.pick)
        )
        assert ("event--surprise" in classes(group)) == sheet.surprising(event)
        flags = [path for path in group if classes(path) == ["flag"]]
        assert len(flags) == sheet.surprising(event)
    flown_over(sheet, drawn)
    assert not re.search(r" (id|style|fill|stroke|color)=|#|rgb|hsl|url\(", bare(svg))


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x + 0.01 < other.x + other.width
        and other.x + 0.01 < one.x + one.width
        and one.y + 0.01 < other.y + other.height
        and other.y + 0.01 < one.y + one.height
    )


def flown_over(sheet: Sheet, drawn: list[ElementTree.Element]) -> None:
    """A flight may pass behind a text only if its ground is painted in between."""
    trace = enumerate(sheet.run.trace)
    sent = {event.message: i for i, event in trace if event.kind == "sent"}
    for message, flight in sheet.flights.items():
        for box in sheet.boxes:
            if not box.lines or not flight.crosses(box):
                continue
            assert box.event is not None, "a flight crosses a head"
            assert box.event > sent[message], "painted under the flight"
            grounds = [
                rect
                for rect in drawn[box.event].findall(f"{SVG}rect")
                if classes(rect)[0] in ("halo", "note", "banner")
            ]
            assert [float(rect.get("width", "0")) for rect in grounds] == [
                pytest.approx(box.width, abs=0.01)
            ], box


def bare(svg: str) -> str:
    """The drawing without what a scenario said."""
    svg = re.sub(r">[^<]*<", "><", svg)
    return re.sub(r' (aria-label|xmlns)="[^"]*"', "", svg)


def drawings(variant: Callable[[World], Any]) -> Iterator[Run[Any]]:
    """One run for each different drawing of a variant."""
    seen = set()
    for run in explore(variant):
        odd = tuple(
            event.pick is not None and run.choices[event.pick].picked > 0
            for event in run.trace
        )
        if (run.trace, odd) not in seen:
            seen.add((run.trace, odd))
            yield run


def test_there_are_scenarios_to_draw() -> None:
    assert SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_drawings_of_a_scenario_hold_together(name: str) -> None:
    module = import_module(name)
    for variant in module.variants:
        for run in islice(drawings(variant), FEW):
            holds_together(run)
        bad = (run for run in explore(variant) if not module.holds(run.result))
        for run in islice(bad, 1):
            holds_together(run)
            assert Sheet(run).width == FRAME, "more nodes than a phone can show"


def test_a_run_in_which_nothing_happens_says_so() -> None:
    run = replay(lambda world: None)
    assert (words(run), layout(run)) == ([], [])
    assert ElementTree.fromstring(draw(run, "x")).findtext(f"{SVG}desc") == (
        "Nothing happens."
    )


# Any script of any world.
short = st.text(min_size=1, max_size=12)
longer = st.text(max_size=120)
plain = st.sampled_from(["ok", "charge $10", "after the charge, before the ack"])
texts = plain | longer | st.text("wWm @", max_size=80)
verbs = st.sampled_from(
    ["delivers", "send", "receive", "receive at", "note", "crash", "choose"]
)
steps = st.tuples(verbs, st.integers(0, 7), st.integers(0, 7), texts)


@st.composite
def runs(draw_from: st.DrawFn) -> Run[None]:
    """A run of a script that no author would write."""
    names = st.sampled_from(["client", "server", "worker-2", "a", "W" * 30]) | short
    nodes = draw_from(st.lists(names, min_size=1, max_size=7, unique=True))
    script = draw_from(st.lists(steps, max_size=14))
    dice = draw_from(st.lists(st.integers(0, 5), min_size=40, max_size=40))

    def scenario(world: World) -> None:
        for verb, one, two, text in script:
            source, target = nodes[one % len(nodes)], nodes[two % len(nodes)]
            try:
                if verb == "delivers":
                    world.delivers(source, target, text)
                elif verb == "send":
                    world.send(source, target, text)
                elif verb == "note":
                    world.note(source, text)
                elif verb == "crash":
                    world.crash(source, text)
                elif verb == "choose":
                    world.choose(text, [False, True, text])
                else:
                    world.receive(None if verb == "receive" else target)
            except Crash:
                continue

    run = replay(scenario)
    for turn, die in enumerate(dice):
        if turn == len(run.choices):
            break
        pick = die % len(run.choices[turn].options)
        run = replay(scenario, (*run.schedule[:turn], pick))
    return run


@given(runs())
def test_the_drawing_of_any_run_holds_together(run: Run[None]) -> None:
    holds_together(run)


@given(runs(), texts)
def test_the_same_run_gives_the_same_bytes(run: Run[None], title: str) -> None:
    assert draw(run, title) == draw(run, title)
    assert draw(run, title).encode("utf-8")


def test_a_long_run_keeps_its_numbers_in_the_gutter() -> None:
    def talk(world: World) -> None:
        for _ in range(1_050):
            world.note("a", "again")

    run = replay(talk)
    sheet = Sheet(run)
    for box in sheet.steps:
        assert width(box.lines[0], SIZE) <= box.width
        assert box.x + box.width <= sheet.left
    assert words(run)[-1] == "A notes “again”."


def test_each_kind_of_event_has_its_sentence() -> None:
    def everything(world: World) -> None:
        world.note("client", "ready")
        world.delivers("client", "server", "one")
        world.delivers("client", "server", "two")
        world.send("client", "server", "three")
        world.send("client", "server", "four")
        world.send("client", "server", "five")
        world.receive()
        world.receive()
        world.choose("the disk is full")
        world.choose("clock", ["right", "late"])
        with pytest.raises(Crash):
            world.crash("server", "before the ack")

    assert words(replay(everything, (0, 1, 1, 0, 1, 1, 1))) == [
        "Client notes “ready”.",
        "Client sends “one” to server.",
        "Client sends “two” to server, but it is lost.",
        "Client sends “three” to server.",
        "Client sends “four” to server.",
        "Client sends “five” to server, and it is still in flight at the end.",
        "Server receives “four” from client, ahead of an older message.",
        "Server receives “three” from client.",
        "The world decides: the disk is full.",
        "The world decides: clock: late.",
        "Server crashes before the ack.",
    ]


def test_a_turn_taken_first_has_a_flag_and_overtakes_no_message() -> None:
    def scenario(world: World) -> None:
        world.send("shop", "ann", "one")
        world.interleave(
            [lambda: world.note("bob", "waits")], [lambda: world.receive("ann")]
        )

    run = replay(scenario, (1,))
    assert words(run) == [
        "Shop sends “one” to ann.",
        "Ann receives “one” from shop, out of turn.",
        "Bob notes “waits”.",
    ]
    svg = draw(run, "Ann first")
    assert (svg.count('"flag"'), svg.count("shaft--overtakes")) == (1, 0)


def test_what_a_scenario_says_is_escaped() -> None:
    def rude(world: World) -> None:
        world.delivers("<b>", "&amp;", "\"'</text><script>\x00\x1b")

    svg = draw(replay(rude), '"><script>')
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == '"><script>'
    assert (
        root.findtext(f"{SVG}desc") == "1. <b> sends “\"'</text><script>��” to &amp;."
    )


def test_one_drawing_may_stand_twice_on_a_page() -> None:
    run = replay(lambda world: world.delivers("a", "b", "hello"))
    assert " id=" not in draw(run, "x")
    assert "url(" not in draw(run, "x")


def test_a_lifeline_is_broken_from_a_crash_to_the_nodes_next_act() -> None:
    def dies_twice(world: World) -> None:
        for _ in range(2):
            with pytest.raises(Crash):
                world.crash("worker", "at once")
            world.send("broker", "worker", "wake up")
        world.receive("worker")

    run = replay(dies_twice, (1, 1))
    ys = [row.y for row in Sheet(run).rows]
    drawn = ElementTree.fromstring(draw(run, "x")).findall(f"{SVG}path")
    spans = [
        (path.get("class"), *re.findall(r"[ V]([\d.]+)", path.get("d", "")))
        for path in drawn[: [classes(path) for path in drawn].index(["foot"])]
    ]
    down = [span[1:] for span in spans if span[0] == "lifeline lifeline--down"]
    assert down == [(f"{ys[0]:g}", f"{ys[2]:g}"), (f"{ys[2]:g}", f"{ys[4]:g}")]


def test_a_node_that_stays_down_has_no_foot() -> None:
    def dies(world: World) -> None:
        world.note("client", "waits")
        with pytest.raises(Crash):
            world.crash("worker", "for good")

    assert draw(replay(dies, (1,)), "x").count('class="foot"') == 1


def test_a_lost_message_breaks_off_in_the_last_gap() -> None:
    def far(world: World) -> None:
        for node in ("a", "b", "c"):
            world.note(node, "here")
        world.delivers("a", "c", "hello")

    sheet = Sheet(replay(far, (1,)))
    assert sheet.x["b"] < sheet.stop(sheet.run.trace[-1]) < sheet.x["c"]


def test_an_arrow_that_never_arrives_stays_in_its_row() -> None:
    def ask(world: World) -> None:
        world.send("a", "b", "anybody?")
        world.note("a", "silence")

    run = replay(ask)
    group = groups(draw(run, "x"))[0]
    dots = [float(dot.get("cy", "0")) for dot in group.findall(f"{SVG}circle")]
    assert len(dots) == 3
    assert max(dots) < Sheet(run).rows[0].bottom
    assert "event--pending" in classes(group)


def test_a_label_stands_where_its_message_leaves_and_again_where_it_lands() -> None:
    def cross(world: World) -> None:
        world.send("a", "b", "one")
        world.send("b", "a", "two")
        world.receive("b")
        world.receive("a")

    sheet = Sheet(replay(cross))
    one, two, lands_one, lands_two = (sheet.texts[index] for index in range(4))
    assert sheet.x["a"] < one.x < sheet.x["a"] + 10
    assert sheet.x["b"] - 10 < two.x + two.width < sheet.x["b"]
    assert sheet.x["b"] - 10 < lands_one.x + lands_one.width < sheet.x["b"]
    assert sheet.x["a"] < lands_two.x < sheet.x["a"] + 10


def test_a_label_keeps_off_the_lifelines_that_its_arrow_passes() -> None:
    def far(world: World) -> None:
        for node in ("a", "b", "c"):
            world.note(node, "here")
        world.delivers("a", "c", "hello")

    sheet = Sheet(replay(far))
    label = sheet.texts[3]
    assert not label.x < sheet.x["b"] < label.x + label.width


def test_a_message_that_overtakes_has_a_heavy_flight() -> None:
    def race(world: World) -> None:
        world.send("a", "b", "first")
        world.send("a", "b", "second")
        world.receive()
        world.receive()

    first, second, *_ = groups(draw(replay(race, (1,)), "x"))
    shafts = [
        classes(path)
        for group in (first, second)
        for path in group.findall(f"{SVG}path")
    ]
    assert shafts == [["shaft"], ["shaft", "shaft--overtakes"]]


def test_a_message_to_oneself_is_a_loop_that_stays_in_the_frame() -> None:
    def mutter(world: World) -> None:
        for node in ("left", "middle", "right"):
            world.delivers(node, node, "mm")
            world.delivers(node, node, "mm, at some length, and to nobody but itself")
            world.send(node, node, "later")
            world.note(node, "busy")
            world.receive(node)
            world.send(node, node, "never")

    for run in islice(explore(mutter), 64):
        holds_together(run)


@given(texts, st.integers(10, 300), st.booleans())
def test_no_line_is_wider_than_its_room(text: str, room: int, bold: bool) -> None:
    lines = wrap(clean(text), room, SIZE, bold)
    assert all(len(line) == 1 or width(line, SIZE, bold) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == clean(text).replace(" ", "")


def test_words_are_kept_whole_where_they_fit() -> None:
    assert wrap("partition 0", 72, SIZE, True) == ("partition", "0")
    assert wrap("order-fulfilment", 66, SIZE) == ("order-", "fulfilment")


def test_what_was_not_measured_is_made_to_fit() -> None:
    def abroad(world: World) -> None:
        world.note("a", "日本語")
        world.note("a", "plain")

    first, second = groups(draw(replay(abroad), "x"))
    note, bare_note = first.findall(f"{SVG}text")[-1], second.findall(f"{SVG}text")[-1]
    assert note.get("textLength") == f"{width('日本語', SIZE):g}"
    assert bare_note.get("textLength") is None


# The stylesheet.


def properties(block: str) -> dict[str, str]:
    return dict(re.findall(r"(--run-[\w-]+): [^#;]*(#[0-9a-f]{3,6})", block))


def schemes() -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    selectors = r":root|\[data-md-color-scheme=\"slate\"\]"
    style = STYLE.read_text("utf-8")
    blocks = re.findall(rf"^ *(?:{selectors}) \{{([^}}]*)\}}", style, re.M)
    return [properties(block) for block in blocks]


def channels(colour: str) -> list[int]:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    return [int(digits[i : i + 2], 16) for i in (0, 2, 4)]


def luminance(colour: str) -> float:
    parts = [channel / 255 for channel in channels(colour)]
    linear = [p / 12.92 if p <= 0.04 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, share: float, ground: str) -> str:
    pairs = zip(channels(colour), channels(ground), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_colours_have_enough_contrast(scheme: dict[str, str]) -> None:
    paper = scheme["--run-paper"]
    lit = mixed(scheme["--run-lit"], 0.16, paper)
    for ground in (paper, lit):
        for ink in ("ink", "quiet", "surprise", "good"):
            assert contrast(scheme[f"--run-{ink}"], ground) >= 4.5, (ink, ground)
        assert contrast(scheme["--run-line"], paper) >= 3
    for ink, ground in (
        ("ink", "head"),
        ("ink", "note"),
        ("surprise", "surprise-wash"),
        ("good", "good-wash"),
    ):
        assert contrast(scheme[f"--run-{ink}"], scheme[f"--run-{ground}"]) >= 4.5


def test_both_schemes_name_the_same_colours() -> None:
    light, dark = schemes()
    assert "--run-ink" in light
    assert light.keys() == dark.keys()


def test_every_class_that_is_drawn_is_styled() -> None:
    def everything(world: World) -> None:
        world.delivers("a", "b", "lost")
        world.delivers("a", "b", "arrives")
        for text in ("one", "two", "three"):
            world.send("a", "b", text)
        world.receive()
        world.note("b", "noted")
        world.receive()
        world.choose("a choice")
        with pytest.raises(Crash):
            world.crash("b", "here")

    svg = draw(replay(everything, (1, 0, 1, 0, 1, 1)), "x")
    drawn = {name for e in ElementTree.fromstring(svg).iter() for name in classes(e)}
    styled = set(re.findall(r"\.([a-z_-]+)", STYLE.read_text("utf-8")))
    kinds = "arrived", "lost", "sent", "received", "note", "crash", "choice"
    hooks = {f"event--{kind}" for kind in kinds}  # for the page; they look alike
    assert drawn - hooks - styled == {"label"}  # which is plain text
