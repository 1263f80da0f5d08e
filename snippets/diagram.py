"""A run draws itself: one row for each event, and nothing that did not happen.

Time runs down, one numbered row an event. An arrow that slants was under way while the
rows between happened; an arrow that breaks off was lost; a lifeline that breaks off is
a crash. What was not the quiet pick has a flag on its number. The drawing carries no
colours and no ids: the page's stylesheet gives the first, and nothing needs the second.

>>> from snippets.world import replay
>>> def ask(world):
...     world.delivers("client", "server", "charge $10")
...     world.delivers("server", "client", "ok")
>>> run = replay(ask, (0, 1))
>>> words(run)
['Client sends “charge $10” to server.', 'Server sends “ok” to client, but it is lost.']
>>> [box.lines for box in layout(run) if box.kind == "label"]
[('charge $10',), ('ok',)]
>>> svg = draw(run, "A lost reply")
>>> svg.count("<g class=\\"event"), svg.count("event--lost"), "#" in svg
(2, 1, False)
"""

from collections.abc import Iterable
from html import escape
from math import atan2, degrees
from typing import Any, NamedTuple

from snippets.lettering import clean, known, width, wrap
from snippets.world import Event, Run

SIZE, LINE = 12, 15  # of text, and from one line to the next
FRAME = 360  # as wide as a phone's column, so that the text is shown as set
MARGIN, COLUMN = 4, 68  # beside the last head; and what a lifeline needs at least


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


class Shaft(NamedTuple):
    """The straight flight of a message, from its sending to its receiving."""

    x1: float
    y1: float
    x2: float
    y2: float

    def strikes(self, box: Box) -> bool:
        """Whether the flight passes behind `box`."""
        top, bottom = max(self.y1, box.y), min(self.y2, box.y + box.height)
        if top >= bottom:
            return False
        slope = (self.x2 - self.x1) / (self.y2 - self.y1)
        ends = sorted(self.x1 + slope * (y - self.y1) for y in (top, bottom))
        return ends[0] < box.x + box.width and ends[1] > box.x


def words(run: Run[Any]) -> list[str]:
    """One sentence an event, in order."""
    ends = _ends(run)
    return [_sentence(run, event, event.message in ends) for event in run.trace]


def layout(run: Run[Any]) -> list[Box]:
    """Every box of the drawing, in the order in which it is painted."""
    return Sheet(run).boxes


def draw(run: Run[Any], title: str) -> str:
    """The run as inline SVG."""
    sheet = Sheet(run)
    told = " ".join(f"{i}. {text}" for i, text in enumerate(words(run), 1))
    return "".join(
        [
            f'<svg class="run" role="img" aria-label="{_safe(title)}"'
            f' viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
            f' xmlns="http://www.w3.org/2000/svg">',
            f"<title>{_safe(title)}</title>",
            f"<desc>{_safe(told or 'Nothing happens.')}</desc>",
            *sheet.lifelines(),
            *(sheet.event(index) for index in range(len(run.trace))),
            "</svg>",
        ]
    )


class Sheet:
    """Where everything of one run stands."""

    def __init__(self, run: Run[Any]) -> None:
        self.run, self.ends = run, _ends(run)
        names = dict.fromkeys(
            name for event in run.trace for name in event[1:3] if name
        )
        self.left = 11 + 8 * max(2, len(str(len(run.trace))))
        self.width = max(FRAME, self.left + COLUMN * len(names))
        self.boxes: list[Box] = []
        self._heads(list(names))
        self._rows()
        self.labels = {box.event: box for box in self.boxes if box.lines}
        for index, row in enumerate(self.rows):
            step = (str(index + 1),)
            self.boxes.append(Box("step", 2, row.y - 8, self.left - 9, 16, step, index))

    def _heads(self, names: list[str]) -> None:
        """Heads share the width: the gaps between them are equal."""
        room = (self.width - self.left - MARGIN) / max(1, len(names)) - 4
        texts = [wrap(clean(name), room - 8, SIZE, True) for name in names]
        wides = [min(room, max(44, _widest(text, True) + 16)) for text in texts]
        high = LINE * max((len(text) for text in texts), default=0) + 10
        free = self.width - self.left - MARGIN - sum(wides)
        gap = free / (len(names) - 1) if len(names) > 1 else 0
        x = self.left + (free / 2 if len(names) == 1 else 0)
        self.x: dict[str, float] = {}
        for name, text, wide in zip(names, texts, wides, strict=True):
            self.x[name] = round(x + wide / 2, 1)
            self.boxes.append(Box("head", x, 2, wide, high, text))
            x += wide + gap
        self.top = high + 2.0 if names else 2.0

    def _rows(self) -> None:
        """First how high each row is, then where its text stands: flights matter."""
        self.rows: list[Row] = []
        texts: list[tuple[str, ...]] = []
        top = self.top + 8
        for index, event in enumerate(self.run.trace):
            lines = self._lines(index, event)
            above, below = self._reach(event, LINE * len(lines))
            self.rows.append(Row(top, top + above, top + above + below))
            texts.append(lines)
            top += above + below
        self.height = top + 14
        self.shafts = {
            event.message: Shaft(
                self.x[event.source],
                self.rows[index].y,
                self.x[event.target],
                self.rows[self.ends[event.message]].y,
            )
            for index, event in enumerate(self.run.trace)
            if event.kind == "sent" and event.message in self.ends
        }
        for index, lines in enumerate(texts):
            self._place(index, lines)

    def _lines(self, index: int, event: Event) -> tuple[str, ...]:
        text, odd = clean(event.text), self.surprising(event)
        whole = self.width - self.left - MARGIN
        if event.kind == "choice":
            return wrap(text, whole - 28, SIZE, True)
        if event.kind == "note":
            return wrap(text, min(whole - 16, max(116, self._inner(event) - 8)), SIZE)
        if event.kind == "crash":
            return wrap(f"crashes {text}", max(100, whole / 2 - 40), SIZE, True)
        if event.source == event.target:
            return wrap(text, whole / 2 - 44, SIZE, odd)
        if event.kind == "received" and not odd:
            before = self.run.trace[index - 1]
            if before.kind == "sent" and before.message == event.message:
                return ()  # the label of the sending stands right above
        span = abs(self.x[event.source] - self.x[event.target])
        return wrap(text, min(whole - 12, max(132, span - 20)), SIZE, odd)

    def _inner(self, event: Event) -> float:
        """From a lifeline to its neighbours: what a note may cover."""
        here = self.x[event.source]
        others = [x for x in self.x.values() if x != here]
        left = max((x for x in others if x < here), default=self.left)
        right = min((x for x in others if x > here), default=self.width - MARGIN)
        return right - left - 12

    def _reach(self, event: Event, text: float) -> tuple[float, float]:
        """How far a row reaches above and below its line."""
        if event.kind in ("note", "choice"):
            return text / 2 + 9, text / 2 + 9
        if event.kind == "crash" or event.source == event.target:
            half = max(16, text / 2 + 4)
            return half, half
        if event.kind == "received":
            return 10, text + 8
        return text + 9, 20 if self.pending(event) else 8

    def _place(self, index: int, lines: tuple[str, ...]) -> None:
        event, row = self.run.trace[index], self.rows[index]
        odd = self.surprising(event)
        wide, high = _widest(lines, odd or event.kind == "crash") + 8, LINE * len(lines)
        middle = row.y - high / 2
        if event.kind == "choice":
            full = self.width - self.left - MARGIN
            self._box("banner", [self.left], middle - 5, full, high + 10, lines, index)
            return
        here, there = self.x[event.source], self.x.get(event.target, 0.0)
        if event.kind == "note":
            at = here - wide / 2 - 4
            self._box("note", [at], middle - 5, wide + 8, high + 10, lines, index)
        elif event.kind == "crash":
            self.boxes.append(Box("mark", here - 12, row.y - 12, 24, 24, (), index))
            sides = [here + 15, here - 15 - wide]
            self._box(
                "label", self._fitting(sides, wide), middle, wide, high, lines, index
            )
        elif event.source == event.target:
            sides = [here + 30, here - 30 - wide]
            self._box(
                "label", self._fitting(sides, wide), middle, wide, high, lines, index
            )
        else:
            near = [min(here, there) + 4, max(here, there) - 4 - wide]
            if (event.kind == "received") == (here < there):
                near.reverse()
            centre = (here + there - wide) / 2
            wishes = [centre, *near] if event.message is None else [*near, centre]
            if event.kind == "received":
                self._box("echo", wishes, row.y + 5, wide, high, lines, index)
            else:
                self._box("label", wishes, row.y - high - 4, wide, high, lines, index)

    def _fitting(self, wishes: list[float], wide: float) -> list[float]:
        """Beside a mark: only where the text need not be pushed onto it."""
        right = self.width - MARGIN - wide
        return [x for x in wishes if self.left <= x <= right] or wishes

    def _box(
        self,
        kind: str,
        wishes: list[float],
        y: float,
        wide: float,
        high: float,
        lines: tuple[str, ...],
        index: int,
    ) -> None:
        """Of the wished places, the one where the text crosses the fewest lines."""
        if not lines and kind in ("label", "echo"):
            return
        inside = [max(self.left, min(x, self.width - MARGIN - wide)) for x in wishes]
        boxes = [Box(kind, x, y, wide, high, lines, index) for x in inside]
        self.boxes.append(min(boxes, key=self._struck))

    def _struck(self, box: Box) -> int:
        lines = sum(box.x < x < box.x + box.width for x in self.x.values())
        return lines + sum(shaft.strikes(box) for shaft in self.shafts.values())

    def surprising(self, event: Event) -> bool:
        """Whether a pick decided this event, and not the quiet one."""
        return event.pick is not None and self.run.choices[event.pick].picked > 0

    def pending(self, event: Event) -> bool:
        """Whether nobody ever receives this message."""
        return event.kind == "sent" and event.message not in self.ends

    def lifelines(self) -> Iterable[str]:
        """Heads, and lifelines that break where a node is down."""
        end = self.height - 6
        for (name, x), head in zip(self.x.items(), self.boxes, strict=False):
            at, down = self.top, False
            for event, row in zip(self.run.trace, self.rows, strict=True):
                if event.kind == "crash" and event.source == name:
                    yield _line(x, at, row.y, down)
                    at, down = row.y, True
                elif down and _touches(event, name):
                    yield _line(x, at, row.y, down)
                    yield f'<circle class="restart" cx="{x:g}" cy="{row.y:g}" r="3"/>'
                    at, down = row.y, False
            yield _line(x, at, end, down)
            if not down:
                yield f'<path class="foot" d="M{x - 6:g} {end:g}h12"/>'
            yield _rect("head", head, 6) + _text("head__name", head, True)

    def event(self, index: int) -> str:
        """One event as a group that the page can light."""
        event, row = self.run.trace[index], self.rows[index]
        odd = self.surprising(event)
        kind = "pending" if self.pending(event) else event.kind
        names = f"event event--{kind}" + " event--surprise" * odd
        data = f' data-event="{index}"'
        if event.pick is not None:
            data += f' data-pick="{event.pick}"'
        if event.message is not None:
            data += f' data-message="{event.message}"'
        band = f'<rect class="event__row" y="{row.top:g}" width="{self.width:g}"'
        parts = [
            f'<g class="{names}"{data}>',
            f'{band} height="{row.bottom - row.top:g}"/>',
            self._step(index, odd),
            self._arrow(event, row) if event.target else "",
        ]
        box = self.labels.get(index)
        if event.kind == "crash":
            parts.append(_burst(self.x[event.source], row.y))
        if box and box.kind in ("note", "banner"):
            parts.append(_rect(box.kind, box, 4))
        if event.kind == "note" and box:
            pin = f'cx="{self.x[event.source]:g}" cy="{box.y:g}"'
            parts.append(f'<circle class="pin" {pin} r="2.5"/>')
        if box and box.kind in ("label", "echo"):
            parts.append(_rect("halo", box, 3))
        if box:
            parts.append(_text(box.kind, box, odd or event.kind == "crash"))
        return "".join(parts) + "</g>"

    def _step(self, index: int, odd: bool) -> str:
        y, right = self.rows[index].y, self.left - 7
        flag = f'<path class="flag" d="M2 {y - 8:g}H{right - 5:g}l5 8l-5 8H2z"/>'
        text = f'x="{right / 2 - 0.5:g}" y="{y + 4:g}"'
        return flag * odd + f'<text class="step" {text}>{index + 1}</text>'

    def _arrow(self, event: Event, row: Row) -> str:
        here, there, y = self.x[event.source], self.x[event.target], row.y
        if event.source == event.target:
            return self._loop(event, here, row)
        way = 1 if there > here else -1
        if event.kind == "received":
            shaft = self.shafts[event.message]
            turn = degrees(atan2(y - shaft.y1, there - here))
            return _head(there, y, turn)
        if event.kind == "arrived":
            return _path("shaft", f"M{here:g} {y:g}H{there - 7 * way:g}") + _head(
                there, y, 90 - 90 * way
            )
        if not self.pending(event) and event.kind == "sent":
            shaft = self.shafts[event.message]
            ahead = self.run.trace[self.ends[event.message]]
            odd = " shaft--overtakes" * self.surprising(ahead)
            return _path(f"shaft{odd}", f"M{here:g} {y:g}L{there:g} {shaft.y2:g}")
        last = min(abs(x - there) for x in self.x.values() if x != there)
        stop = there - way * 0.4 * last
        if event.kind == "lost":
            shaft_ = _path("shaft", f"M{here:g} {y:g}H{stop - 8 * way:g}")
            return shaft_ + _path(
                "cross", f"M{stop - 5:g} {y - 5:g}l10 10m0 -10l-10 10"
            )
        dots = "".join(
            f'<circle class="dot" cx="{stop + way * k:g}" cy="{y + 12:g}" r="1.5"/>'
            for k in (4, 9, 14)
        )
        return _path("shaft", f"M{here:g} {y:g}L{stop:g} {y + 12:g}") + dots

    def _loop(self, event: Event, x: float, row: Row) -> str:
        box = self.labels.get(self.rows.index(row))
        out = -22 if box and box.x < x else 22
        if event.kind == "received":
            return _head(x, row.y, 180 if out > 0 else 0)
        if event.kind == "sent" and not self.pending(event):
            end = self.rows[self.ends[event.message]].y
            return _path("shaft", f"M{x:g} {row.y:g}h{out}V{end:g}H{x + out / 4:g}")
        start = f"M{x:g} {row.y - 8:g}h{out}v16"
        if event.kind == "arrived":
            home = f"H{x + out / 4:g}"
            return _path("shaft", start + home) + _head(x, row.y + 8, 90 + 4 * out)
        if event.kind == "lost":
            cross = f"M{x + out - 5:g} {row.y + 5:g}l10 10m0 -10l-10 10"
            return _path("shaft", start[:-2] + "9") + _path("cross", cross)
        return _path("shaft", start)


def _ends(run: Run[Any]) -> dict[int | None, int]:
    """Message number -> the index of the event that receives it."""
    return {
        event.message: index
        for index, event in enumerate(run.trace)
        if event.kind == "received"
    }


def _sentence(run: Run[Any], event: Event, ends: bool) -> str:
    kind, source, target, text, pick, _ = event
    quoted = f"“{clean(text)}”" if text.strip() else "a message"
    who = clean(source)
    who = who[:1].upper() + who[1:]
    sends = f"{who} sends {quoted} to {clean(target)}"
    if kind == "received":
        late = pick is not None and run.choices[pick].picked > 0
        ahead = ", ahead of an older message" * late
        hearer = clean(target)
        hearer = hearer[:1].upper() + hearer[1:]
        return f"{hearer} receives {quoted} from {clean(source)}{ahead}."
    return {
        "note": f"{who} notes {quoted}.",
        "arrived": f"{sends}.",
        "lost": f"{sends}, but it is lost.",
        "sent": f"{sends}"
        + ("." if ends else ", and it is still in flight at the end."),
        "crash": f"{who} crashes {clean(text)}.",
        "choice": f"The world decides: {clean(text)}.",
    }[kind]


def _touches(event: Event, name: str) -> bool:
    """Whether `name` itself does something: to be sent to is not enough."""
    hears = event.target == name and event.kind in ("arrived", "received")
    return hears or (event.source == name and event.kind != "received")


def _widest(lines: tuple[str, ...], bold: bool) -> float:
    return max((width(line, SIZE, bold) for line in lines), default=0)


def _safe(text: str) -> str:
    return escape(clean(text))


def _path(name: str, d: str) -> str:
    return f'<path class="{name}" d="{d}"/>'


def _line(x: float, top: float, bottom: float, down: bool) -> str:
    return _path("lifeline" + " lifeline--down" * down, f"M{x:g} {top:g}V{bottom:g}")


def _head(x: float, y: float, turn: float) -> str:
    place = f'transform="translate({x:g} {y:g}) rotate({turn:.1f})"'
    return f'<path class="tip" {place} d="M-1 0l-9 -4.5v9z"/>'


def _burst(x: float, y: float) -> str:
    points = "l3 6 6-3-3 6 6 3-6 3 3 6-6-3-3 6-3-6-6 3 3-6-6-3 6-3-3-6 6 3z"
    return _path("burst", f"M{x:g} {y - 12:g}{points}")


def _rect(name: str, box: Box, radius: float) -> str:
    at = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    return f'<rect class="{name}" {at} rx="{radius:g}"/>'


def _text(name: str, box: Box, bold: bool) -> str:
    x, y = box.x + box.width / 2, box.y + (box.height - LINE * len(box.lines)) / 2
    parts = []
    for number, line in enumerate(box.lines):
        fit = ""
        if not known(line):
            long = width(line, SIZE, bold)
            fit = f' textLength="{long:g}" lengthAdjust="spacingAndGlyphs"'
        at = f'x="{x:g}" y="{y + LINE * number + 11.5:g}"'
        parts.append(f'<text class="{name}" {at}{fit}>{escape(line)}</text>')
    return "".join(parts)
