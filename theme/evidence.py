"""The ladder of evidence as a table, and a recipe's promises, filled by the build.

Three fences: `evidence` is the table of all claims, `unreproduced` says what no server
was made to show, and `recipe` with the name of a recipe shows what its docstring
promises. Nothing in them is typed on a page, so nothing in them can drift.
"""

import re
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from theme import catalogue, strict
from theme.fault import Fault
from theme.figure import split
from theme.receipts import records

FIGURES = ("scenario", "puzzle", "sliders")
TITLES = {
    "delivery": "Delivery",
    "observability": "Debugging",
    "ordering": "Ordering",
    "consensus": "Consensus",
}
PROMISES = ("Guarantees", "To whom, as long as", "Does not", "Source")


class Unreproduced(NamedTuple):
    """What no real server was made to show, why, and the figures it belongs to."""

    what: str
    why: str
    modules: tuple[str, ...]


UNREPRODUCED = (
    Unreproduced(
        "A power cut",
        "A test can kill a process, and not the machine. What a killed process has "
        "written is in the kernel's memory and survives it; a power cut takes that "
        "too.",
        ("consensus.acked_where",),
    ),
    Unreproduced(
        "Distance",
        "All servers run on one machine. A delay that we put in would only show the "
        "number that we chose.",
        ("consensus.quorum_price",),
    ),
    Unreproduced(
        "A real pause",
        "The late worker here waits because its program waits, at a point we name. A "
        "garbage collector or a frozen machine stops it anywhere, and cannot be asked "
        "to.",
        ("consensus.two_winners", "ordering.woken_consumer"),
    ),
    Unreproduced(
        "A cut network",
        "Servers that are alive and cannot hear each other need firewall rules, and "
        "those need root. Only killed servers were tried.",
        ("consensus.stale_leader",),
    ),
    Unreproduced(
        "Clocks that differ",
        "All processes of one machine read one clock.",
        ("observability.sorted_by_a_lying_clock", "observability.neither_came_first"),
    ),
    Unreproduced(
        "A day that passes",
        "Nobody waits a day for a key to be forgotten. The recipe's test sets the date "
        "of its row back instead, and JetStream's window is made 100 ms short.",
        ("delivery.replayed_on_monday",),
    ),
    Unreproduced(
        "A full disk",
        "No disk is filled. The kernel refuses PostgreSQL a larger file, which is the "
        "same refused write under another error number.",
        ("delivery.same_transaction",),
    ),
    Unreproduced(
        "Kafka",
        "It needs a Java machine, and this project installs with Python alone. "
        "JetStream's redelivery stands in for a rebalance; partitions and producer "
        "sessions are shown by the model only.",
        ("ordering.one_more_partition", "ordering.retried_batches"),
    ),
)


@dataclass(frozen=True)
class Place:
    """Where a figure stands: its page, and the heading above it."""

    page: str
    heading: str
    anchor: str


def places() -> dict[str, Place]:
    """The place of each scenario module that a page shows as a figure; first wins."""
    found: dict[str, Place] = {}
    for path in sorted(strict.DOCS.glob("*.md")):
        lines = path.read_text().splitlines()
        headings = [
            (number, match)
            for number, line in strict.outside_fences(lines)
            if (match := strict.HEADING.match(line))
        ]
        for start, end, head in strict.blocks(lines):
            if head["info"] not in FIGURES or start + 1 >= end:
                continue
            module = ".".join(lines[start + 1].strip().split(".")[:2])
            above = [match for number, match in headings if number < start]
            text = re.sub(r"[`*]", "", above[-1]["text"]) if above else path.stem
            anchor = (above[-1]["id"] or strict.slug(text)) if above else ""
            found.setdefault(module, Place(path.name, text, anchor))
    return found


def matrix() -> list[str]:
    """The table of claims and rungs, as lines of Markdown; every cell is a link."""
    known, seen = places(), records()["seen"]
    versions = [f"{name} {number}" for name, number in records()["versions"].items()]
    lines = [
        f"The servers were asked on {records()['date']}: {', '.join(versions)}.",
        "",
    ]
    for truth in catalogue.TRUTHS:
        lines += [
            f"### {TITLES[truth]} {{#{truth}}}",
            "",
            "| Claim | Told | Drawn | Run | Exhausted | Reproduced |",
            "|---|---|---|---|---|---|",
        ]
        for module, place in known.items():
            if not module.startswith(f"{truth}."):
                continue
            scenario = catalogue.scenario(module)
            figure = f"{place.page}#{strict.figure_id(module)}"
            if module in seen:
                servers = f"[{_servers(module)}]({figure})"
            else:
                servers = "[model only](#not-reproduced)"
            cells = [
                _cell(scenario.claim),
                f"[{_cell(place.heading)}]({place.page}#{place.anchor})",
                f"[picture]({figure})",
                f"[try it]({figure})",
                f"[{_exhausted(module)}]({figure})",
                servers,
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return lines


def unreproduced() -> list[str]:
    """What no server was made to show, and why, as lines of Markdown."""
    known, seen = places(), records()["seen"]
    lines: list[str] = []
    explained: set[str] = set()
    for what, why, modules in UNREPRODUCED:
        explained |= set(modules)
        lines += _entry(what, why, _links(known, modules))
    rest = [
        module
        for module in catalogue.modules()
        if module in known and module not in seen and module not in explained
    ]
    if rest:
        why = "Nobody has built a run on real servers for these yet."
        lines += _entry("The other claims", why, _links(known, rest))
    return lines


def _entry(what: str, why: str, links: str) -> list[str]:
    return [what, f":   {why} The model shows it: {links}.", ""]


def recipe(name: str, where: str) -> list[str]:
    """What a recipe promises, from its docstring, as lines of Markdown."""
    path = catalogue.SNIPPETS / "recipes" / f"{name}.py"
    if not path.is_file():
        raise Fault(where, f"there is no recipe {name!r}", "mend the name")
    doc = split(path.read_text())[0].partition(">>> ")[0]
    claim, _, rest = doc.partition("\n\n")
    story, *parts = re.split(rf"^({'|'.join(PROMISES)}):", rest, flags=re.MULTILINE)
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    missing = [label for label in PROMISES if not found.get(label, "").strip()]
    if missing:
        raise Fault(
            f"snippets/recipes/{name}.py:1",
            f"the docstring does not say {missing[0]!r}",
            f"write a paragraph {missing[0]}:",
        )
    lines = [f"**{_flow(claim)}**", "", _flow(story), ""]
    for label in PROMISES:
        words = strict.CITE.sub(
            r"[\g<key>](references.md#\g<key>)", _flow(found[label])
        )
        lines += [label, f":   {words}", ""]
    return lines


def _servers(module: str) -> str:
    versions = records()["versions"]
    return ", ".join(
        f"{server} {versions[server]}"
        for server in records()["seen"][module]["servers"]
    )


def _exhausted(module: str) -> str:
    """How many schedules break each variant, naive first: "10 of 13, 0 of 13"."""
    names = catalogue.scenario(module).names
    if "variants" not in names:
        return "computed, no schedules"
    found = [catalogue.verdict(module, each.__name__) for each in names["variants"]]
    return ", ".join(f"{each['bad']}&nbsp;of&nbsp;{each['total']}" for each in found)


def _links(known: dict[str, Place], modules: tuple[str, ...] | list[str]) -> str:
    """A link to each figure, by its heading; figures that share one have a name too."""
    headings = [place.heading for place in known.values()]
    links = []
    for module in filter(known.__contains__, modules):
        place = known[module]
        words = place.heading
        if headings.count(words) > 1:
            words += f" ({module.partition('.')[2].replace('_', ' ')})"
        links.append(f"[{words}]({place.page}#{strict.figure_id(module)})")
    return ", ".join(links)


def _cell(words: str) -> str:
    return escape(words, quote=False).replace("|", "\\|")


def _flow(words: str) -> str:
    return " ".join(words.split())


class Evidence(Preprocessor):
    """Expands the three fences, after the chapter's own (40), before snippets (32)."""

    def run(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        last = 0
        for start, end, head in strict.blocks(lines):
            kind, _, name = head["info"].partition(" ")
            made = {"evidence": matrix, "unreproduced": unreproduced}.get(kind)
            if made or kind == "recipe":
                body = made() if made else recipe(name, f"recipe {name}")
                out += [*lines[last:start], *body]
                last = end + 1
        return out + lines[last:]


class EvidenceExtension(Extension):
    """Registers the preprocessor."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Evidence(md), "evidence", 39)


def makeExtension(**options: str) -> EvidenceExtension:
    """Python-Markdown's entry point."""
    return EvidenceExtension(**options)
