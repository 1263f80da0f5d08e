"""A run draws itself: one row for each event, and nothing that did not happen.

An arrow that slants was under way while the rows between happened; one that breaks off
at a cross was lost; a lifeline that breaks off at a burst is a crash. What a surprise
decided has a flag on its number. The drawing carries no colour and no id: a page's
stylesheet gives the first, and nothing needs the second.

>>> from snippets.world import replay
>>> def pay(world):
...     world.delivers("client", "server", "charge $10")
...     world.delivers("server", "client", "ok")
>>> run = replay(pay, (0, 1))
>>> words(run)
['Client sends “charge $10” to server.', 'Server sends “ok” to client, but it is lost.']
>>> [box.lines for box in layout(run) if box.kind == "label"]
[('charge $10',), ('ok',)]
>>> svg = draw(run, "A lost reply")
>>> [svg.count(name) for name in ("event--arrived", "event--lost", "#", " id=")]
[1, 1, 0, 0]
"""

from collections.abc import Iterator
from html import escape
from math import hypot
from typing import Any

from snippets.lettering import clean, known, width
from snippets.sheet import LINE, SIZE, Box, Flight, Sheet
from snippets.world import Event, Run

NOTHING = "Nothing happens."


def words(run: Run[Any]) -> list[str]:
    """One sentence an event, in order."""
    sheet = Sheet(run)
    return [_sentence(sheet, event) for event in run.trace]


def layout(run: Run[Any]) -> list[Box]:
    """Every box that text or a mark covers."""
    return Sheet(run).boxes


def draw(run: Run[Any], title: str) -> str:
    """The run as inline SVG, `title` as its name, and its words as its description.

    Each event is a group of the class `event` with its place in the trace
    (`data-event`), so that a page can light it; with the choice that decided it
    (`data-pick`) and the number of its message (`data-message`) where there is one.
    """
    sheet = Sheet(run)
    told = [f"{i}. {_sentence(sheet, event)}" for i, event in enumerate(run.trace, 1)]
    name = escape(clean(title))
    parts = [
        '<svg class="diagram" xmlns="http://www.w3.org/2000/svg" role="img"'
        f' aria-label="{name}" viewBox="0 0 {sheet.width:g} {sheet.height:g}">',
        f"<title>{name}</title>",
        f"<desc>{escape(' '.join(told)) or NOTHING}</desc>",
        *_lifelines(sheet),
        *(_event(sheet, index) for index in range(len(run.trace))),
    ]
    if not run.trace:
        empty = Box("empty", 0, 0, sheet.width, sheet.height, (NOTHING,))
        parts.append(_text(empty, False))
    return "".join([*parts, "</svg>"])


def _sentence(sheet: Sheet, event: Event) -> str:
    source, target, text = clean(event.source), clean(event.target), clean(event.text)
    quoted = f"“{text}”" if text else "a message"
    sends = f"{source} sends {quoted} to {target}"
    pending = ", and it is still in flight at the end" * sheet.pending(event)
    ahead = ", ahead of an older message" * sheet.overtakes(event)
    early = ", out of turn" * sheet.out_of_turn(event)
    told = {
        "note": f"{source} notes {quoted}",
        "arrived": sends,
        "lost": f"{sends}, but it is lost",
        "sent": f"{sends}{pending}",
        "received": f"{target} receives {quoted} from {source}{ahead}",
        "crash": f"{source} crashes {text}".rstrip(),
        "choice": f"the world decides: {text}",
    }[event.kind]
    return f"{told[:1].upper()}{told[1:]}{early}."


def _lifelines(sheet: Sheet) -> Iterator[str]:
    """Heads, and lifelines that are broken where a node is down."""
    end = sheet.height - 6
    for (name, x), head in zip(sheet.x.items(), sheet.heads, strict=True):
        at, down = sheet.foot_of_heads, ""
        for event, row in zip(sheet.run.trace, sheet.rows, strict=True):
            dies = event.kind == "crash" and event.source == name
            if dies or (down and _acts(event, name)):
                yield _path("lifeline" + down, f"M{x:g} {at:g}V{row.y:g}")
                at, down = row.y, " lifeline--down" * dies
        yield _path("lifeline" + down, f"M{x:g} {at:g}V{end:g}")
        if not down:
            yield _path("foot", f"M{x - 6:g} {end:g}h12")
        yield _rect("head", head, 6) + _text(head, True)


def _acts(event: Event, name: str) -> bool:
    """Whether `name` itself does something: to be sent to is not enough."""
    hears = event.target == name and event.kind in ("arrived", "received")
    return hears or (event.source == name and event.kind != "received")


def _event(sheet: Sheet, index: int) -> str:
    """One event as a group that the page can light."""
    event, row, box = sheet.run.trace[index], sheet.rows[index], sheet.texts.get(index)
    odd = sheet.surprising(event)
    kind = "pending" if sheet.pending(event) else event.kind
    data = f' data-event="{index}"'
    if event.pick is not None:
        data += f' data-pick="{event.pick}"'
    if event.message is not None:
        data += f' data-message="{event.message}"'
    band = Box("row", 0, row.top, sheet.width, row.bottom - row.top)
    parts = [
        f'<g class="event event--{kind}{" event--surprise" * odd}"{data}>',
        _rect("event__row", band, 0),
        _flag(sheet.steps[index]) * odd + _text(sheet.steps[index], False),
        _arrow(sheet, event, row.y) if event.target else "",
    ]
    x = sheet.x.get(event.source, 0.0)
    if event.kind == "crash":
        parts.append(_burst(x, row.y))
    if box:
        boxed = box.kind in ("note", "banner")
        parts.append(_rect(box.kind if boxed else "halo", box, 4))
        if box.kind == "note":
            parts.append(f'<circle class="pin" cx="{x:g}" cy="{box.y:g}" r="2.5"/>')
        parts.append(_text(box, odd or event.kind == "crash"))
    return "".join([*parts, "</g>"])


def _arrow(sheet: Sheet, event: Event, y: float) -> str:
    here, there, way = sheet.x[event.source], sheet.x[event.target], sheet.way(event)
    if event.kind == "received":
        return _tip(there, y, -way if here == there else way)
    if event.kind == "sent" and not sheet.pending(event):
        landing = sheet.run.trace[sheet.received[event.message]]
        odd = " shaft--overtakes" * sheet.overtakes(landing)
        home = there + 8 * (way if here == there else -way)
        return _path(f"shaft{odd}", _bent(here, sheet.flights[event.message], home))
    stop = sheet.stop(event)
    if here == there:
        return _loop(event, here, stop, y)
    start = f"M{here:g} {y:g}"
    if event.kind == "arrived":
        return _path("shaft", f"{start}H{there - 8 * way:g}") + _tip(there, y, way)
    if event.kind == "lost":
        return _path("shaft", f"{start}H{stop - 9 * way:g}") + _cross(stop, y)
    dots = (
        f'<circle class="dot" cx="{stop + way * ahead:g}" cy="{y + 12:g}" r="1.5"/>'
        for ahead in (5, 10, 15)
    )
    return _path("shaft", f"{start}L{stop:g} {y + 12:g}") + "".join(dots)


def _bent(start: float, flight: Flight, end: float) -> str:
    """Level, slanted, level; with round corners."""
    x1, y1, x2, y2 = flight
    long = hypot(x2 - x1, y2 - y1)
    dx, dy = (x2 - x1) * 6 / long, (y2 - y1) * 6 / long
    turn = 5 if x1 > start else -5
    back = 5 if end > x2 else -5
    return (
        f"M{start:g} {y1:g}H{x1 - turn:g}Q{x1:g} {y1:g} {x1 + dx:.1f} {y1 + dy:.1f}"
        f"L{x2 - dx:.1f} {y2 - dy:.1f}Q{x2:g} {y2:g} {x2 + back:g} {y2:g}H{end:g}"
    )


def _loop(event: Event, here: float, out: float, y: float) -> str:
    """A message to oneself that needs no flight: home, lost, or under way for ever."""
    start, way = f"M{here:g} {y - 8:g}H{out:g}V", 1 if out > here else -1
    if event.kind == "arrived":
        home = f"{start}{y + 8:g}H{here + 8 * way:g}"
        return _path("shaft", home) + _tip(here, y + 8, -way)
    if event.kind == "lost":
        return _path("shaft", f"{start}{y:g}") + _cross(out, y + 9)
    return _path("shaft", f"{start}{y + 10:g}")


def _tip(x: float, y: float, way: int) -> str:
    return _path("tip", f"M{x - way:g} {y:g}l{-9 * way} -4.5v9z")


def _cross(x: float, y: float) -> str:
    return _path("cross", f"M{x - 4.5:g} {y - 4.5:g}l9 9m0 -9l-9 9")


def _burst(x: float, y: float) -> str:
    points = "l3 6 6-3-3 6 6 3-6 3 3 6-6-3-3 6-3-6-6 3 3-6-6-3 6-3-3-6 6 3z"
    return _path("burst", f"M{x:g} {y - 12:g}{points}")


def _flag(step: Box) -> str:
    right = step.x + step.width
    points = f"M{step.x:g} {step.y:g}H{right - 5:g}l5 8l-5 8H{step.x:g}z"
    return _path("flag", points)


def _path(name: str, d: str) -> str:
    return f'<path class="{name}" d="{d}"/>'


def _rect(name: str, box: Box, radius: int) -> str:
    at = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    return f'<rect class="{name}" {at} rx="{radius}"/>'


def _text(box: Box, bold: bool) -> str:
    """The lines of a box, in its middle. What was not measured is made to fit."""
    x, top = box.x + box.width / 2, box.y + (box.height - LINE * len(box.lines)) / 2
    texts = []
    for number, line in enumerate(box.lines):
        at = f'x="{x:g}" y="{top + LINE * number + 11.5:g}"'
        if not known(line):
            at += f' textLength="{width(line, SIZE, bold):g}"'
            at += ' lengthAdjust="spacingAndGlyphs"'
        texts.append(f'<text class="{box.kind}" {at}>{escape(line)}</text>')
    return "".join(texts)
