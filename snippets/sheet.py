"""Every row, box and flight has its place before a line is drawn.

Time runs down, one row an event; rows never share a height, so text of two events never
meets. What may cross a label is the flight of a message that was sent above it. So the
label moves to where it covers the fewest lines, and is painted over the rest.

>>> from snippets.world import replay
>>> def hail(world):
...     world.send("a", "b", "one")
...     world.send("a", "b", "two")
...     return world.receive().text, world.receive().text
>>> sheet = Sheet(replay(hail, (1,)))
>>> [(box.kind, *box.lines) for box in sheet.boxes if box.event == 2]
[('echo', 'two'), ('step', '3')]
>>> [round(row.y) for row in sheet.rows] == [round(box.y + 8) for box in sheet.steps]
True
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from snippets.lettering import clean, longest, width, wrap
from snippets.world import ACTS, ARRIVES, Event, Run

SIZE, LINE = 12, 15  # of text, and from one line to the next
FRAME, MARGIN = 358, 4  # a phone of 390 px has so much room: text shows as it is set
LOOP = 22  # how far a message to oneself swings out
NAMES = {"choice": "banner", "note": "note", "received": "echo"}  # else a label
PADDING = {"choice": (0, 10), "note": (14, 8)}  # of the boxes with an edge


class Box(NamedTuple):
    """What text or a mark covers: its upper left corner and its size, in SVG units."""

    kind: str  # head, step, label, echo, note, banner, or mark
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...] = ()
    event: int | None = None


class Row(NamedTuple):
    """The band of one event, and the height at which it touches its lifeline."""

    top: float
    y: float
    bottom: float


class Flight(NamedTuple):
    """The slanted part of a message's way, from its sending to its receiving."""

    x1: float
    y1: float
    x2: float
    y2: float

    def crosses(self, box: Box) -> bool:
        """Whether the flight passes through `box`."""
        top, bottom = max(self.y1, box.y), min(self.y2, box.y + box.height)
        if top >= bottom:
            return False
        slope = (self.x2 - self.x1) / (self.y2 - self.y1)
        ends = [self.x1 + slope * (y - self.y1) for y in (top, bottom)]
        return min(ends) < box.x + box.width and max(ends) > box.x


class Sheet:
    """Where everything of one run stands."""

    def __init__(self, run: Run[Any]) -> None:
        self.run = run
        self.received = {
            event.message: index
            for index, event in enumerate(run.trace)
            if event.kind == "received"
        }
        names = list(dict.fromkeys(n for e in run.trace for n in e[1:3] if n))
        self.left = 10.0 + 9 * max(2, len(str(len(run.trace))))
        self.width = max(FRAME, self.left + 66 * len(names))
        self.right = self.width - MARGIN
        self.heads = self._heads(names)
        self.x = {
            name: round(head.x + head.width / 2, 1)
            for name, head in zip(names, self.heads, strict=True)
        }
        self.foot_of_heads = max((head.height for head in self.heads), default=0) + 2
        self.rows = self._rows()
        self.flights = self._flights()
        self.texts = {
            index: min(boxes, key=self._hidden)
            for index in range(len(run.trace))
            if (boxes := self._wishes(index, self.rows[index].y))
        }
        self.steps = [
            Box("step", 1, row.y - 8, self.left - 6, 16, (str(index + 1),), index)
            for index, row in enumerate(self.rows)
        ]
        marks = [self._mark(index) for index in range(len(run.trace))]
        self.boxes = [*self.heads, *self.texts.values(), *self.steps]
        self.boxes += [mark for mark in marks if mark]
        self.height = (self.rows[-1].bottom if self.rows else self.foot_of_heads) + 16

    def surprising(self, event: Event) -> bool:
        """Whether a pick decided this event, and not the quiet one."""
        return self._surprise(event) is not None

    def out_of_turn(self, event: Event) -> bool:
        """Whether an earlier actor could have acted in its place."""
        return self._surprise(event) == ACTS

    def overtakes(self, event: Event) -> bool:
        """Whether an older message could have arrived in its place."""
        return self._surprise(event) == ARRIVES

    def _surprise(self, event: Event) -> str | None:
        """What was asked, where a surprising answer decided `event`."""
        if event.pick is None:
            return None
        what, _, picked = self.run.choices[event.pick]
        return what if picked else None

    def pending(self, event: Event) -> bool:
        """Whether nobody ever receives this message."""
        return event.kind == "sent" and event.message not in self.received

    def way(self, event: Event) -> int:
        """1 when an arrow leaves to the right, else -1; a loop has the roomier side."""
        middle = (self.left + self.right) / 2
        here = self.x.get(event.source, middle)
        there = self.x.get(event.target, here)
        return 1 if (there if there != here else middle) >= here else -1

    def stop(self, event: Event) -> float:
        """Where an arrow that never arrives breaks off: past every lifeline between."""
        here, there = self.x[event.source], self.x[event.target]
        if here == there:
            return here + LOOP * self.way(event)
        gap = min(abs(there - x) for x in self.x.values() if x != there)
        return there - self.way(event) * 0.4 * gap

    def _heads(self, names: Sequence[str]) -> list[Box]:
        """Heads share the width: the longest give way, the gaps are equal."""
        wides = [max(38.0, width(clean(name), SIZE, True) + 10) for name in names]
        room = self.right - self.left - 4 * (len(names) - 1)
        while sum(wides) > room:
            most = max(wides)
            wides = [most - 2 if wide == most else wide for wide in wides]
        texts = [
            wrap(clean(name), wide - 6, SIZE, True)
            for name, wide in zip(names, wides, strict=True)
        ]
        high = LINE * max((len(text) for text in texts), default=0) + 8
        free = self.right - self.left - sum(wides)
        gap = free / (len(names) - 1) if len(names) > 1 else 0
        x = self.left + (free / 2 if len(names) == 1 else 0)
        boxes = []
        for wide, text in zip(wides, texts, strict=True):
            boxes.append(Box("head", x, 2, wide, high, text))
            x += wide + gap
        return boxes

    def _rows(self) -> list[Row]:
        """A row is as high as its text, and never lower than its arrow."""
        least = {"crash": (16.0, 16.0), "received": (10.0, 8.0)}
        rows: list[Row] = []
        top = self.foot_of_heads + 8.0
        for index, event in enumerate(self.run.trace):
            above, below = least.get(event.kind, (8.0, 8.0))
            if event.source == event.target:
                above = below = 16
            elif self.pending(event):
                below = 20
            for box in self._wishes(index, 0):
                above = max(above, -box.y + 4)
                below = max(below, box.y + box.height + 4)
            rows.append(Row(top, top + above, top + above + below))
            top += above + below
        return rows

    def _flights(self) -> dict[int | None, Flight]:
        """The flight of each message that somebody receives, by its number."""
        flights = {}
        for index, event in enumerate(self.run.trace):
            if event.kind == "sent" and not self.pending(event):
                x1, x2 = self._bends(index, event)
                end = self.rows[self.received[event.message]].y
                flights[event.message] = Flight(x1, self.rows[index].y, x2, end)
        return flights

    def _bends(self, index: int, event: Event) -> tuple[float, float]:
        """A message leaves level, under its own label, and lands level."""
        here, there, way = self.x[event.source], self.x[event.target], self.way(event)
        if here == there:
            return here + LOOP * way, here + LOOP * way
        label = max((box.width for box in self._wishes(index, 0)), default=0)
        level = min(label + 4, abs(there - here) / 2)
        return here + way * level, there - way * 16

    def _wishes(self, index: int, y: float) -> list[Box]:
        """The boxes where the text of one event may stand, the best first."""
        event, lines = self.run.trace[index], self._lines(index)
        if not lines:
            return []
        kind, here, way = event.kind, self.x.get(event.source, 0.0), self.way(event)
        there = self.x.get(event.target, here)
        bold = kind == "crash" or self.surprising(event)
        across, down = PADDING.get(kind, (8, 0))
        wide = max(width(line, SIZE, bold) for line in lines) + across
        high = LINE * len(lines) + down
        back = wide if way < 0 else 0  # a box that lies to the left ends at its place
        near, far = here + 3 * way - back, there - 3 * way - wide + back
        match kind:
            case "choice":
                ats, wide = [self.left], self.right - self.left
            case "note":
                ats = [here - wide / 2, here - 12, here + 12 - wide]
            case "crash":
                ats = [here + 15, here - 15 - wide]
                ats = [at for at in ats if self.left <= at <= self.right - wide]
            case _ if here == there:
                ats = [here + (LOOP + 6) * way - back]
            case "received":
                ats = [far, there + 6 * way - back]  # or beyond the lifeline
            case "sent":
                ats = [near]
            case "lost":  # over what there is of the arrow, beside its cross
                ats = [(here + self.stop(event) - wide) / 2, near, far]
            case _:
                ats = [(here + there - wide) / 2, near, far]
        if here == there:
            top = y - high / 2
        else:
            top = y + 5 if kind == "received" else y - 6 - high
        inside = [max(self.left, min(at, self.right - wide)) for at in ats]
        name = NAMES.get(kind, "label")
        return [Box(name, at, top, wide, high, lines, index) for at in inside]

    def _lines(self, index: int) -> tuple[str, ...]:
        """The text of one event, wrapped to the room that it has."""
        event = self.run.trace[index]
        text, odd = clean(event.text), self.surprising(event)
        if event.kind == "choice":
            return wrap(text, self.right - self.left - 24, SIZE, True)
        here, way = self.x[event.source], self.way(event)
        beside = (self.right - here if way > 0 else here - self.left) - LOOP - 14
        if event.kind == "note":
            return wrap(text, max(112, self._free(here)), SIZE, odd)
        if event.kind == "crash":
            return wrap(f"crashes {text}", beside, SIZE, True)
        before = self.run.trace[index - 1]
        if (before.kind, before.message, odd) == ("sent", event.message, False):
            return ()  # received at once: the label of the sending stands right above
        if event.source == event.target:
            return wrap(text, beside, SIZE, odd)
        gap = abs(self.x[event.target] - here) - 15
        lines = wrap(text, gap, SIZE, odd)
        fits = len(lines) <= 2 and longest(text, SIZE, odd) <= gap
        return lines if fits else wrap(text, max(116, gap), SIZE, odd)

    def _free(self, here: float) -> float:
        """How wide a note may be that covers no other lifeline."""
        left = max((x for x in self.x.values() if x < here), default=self.left - 8.0)
        right = min((x for x in self.x.values() if x > here), default=self.right + 8.0)
        return right - left - 28

    def _hidden(self, box: Box) -> int:
        """How many lifelines and flights `box` would cover."""
        lifelines = sum(box.x < x < box.x + box.width for x in self.x.values())
        return lifelines + sum(f.crosses(box) for f in self.flights.values())

    def _mark(self, index: int) -> Box | None:
        event, y = self.run.trace[index], self.rows[index].y
        if event.kind == "crash":
            return Box("mark", self.x[event.source] - 12, y - 12, 24, 24, (), index)
        if event.kind == "lost":
            down = 9 if event.source == event.target else 0
            return Box("mark", self.stop(event) - 6, y - 6 + down, 12, 12, (), index)
        return None
