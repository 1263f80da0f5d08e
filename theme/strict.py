"""What a page may not do: each mistake stops the build with one line.

The stock tools let all of these pass in silence or with a warning that names no line.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from theme.catalogue import ROOT, SNIPPETS, stamps
from theme.fault import Fault

DOCS = ROOT / "docs"

FENCE = re.compile(r"^(?P<indent>\s*)(?P<mark>`{3,}|~{3,})\s*(?P<info>.*?)\s*$")
PYTHON = re.compile(r"^(\{\s*\.)?(python3?|py3?|pycon|pyi)\b", re.IGNORECASE)
IMPORT = re.compile(r"^\s*;?-+8<-+")
QUOTED = re.compile(
    r'^\s*-+8<-+\s+"(?P<path>[^":]+)'
    r'(:(?P<first>\d+):(?P<last>\d+)|:(?P<section>[a-zA-Z][-\w]*))?"\s*$'
)
MARK = re.compile(
    r"^(?P<before>.*?)-+8<-+\s+\[\s*(?P<end>start|end)\s*:\s*(?P<name>[-\w]+)"
)
LINK = re.compile(r"\]\((?P<target>[^()\s]*)(\s+\"[^\"]*\")?\)")
CITE = re.compile(r"\[@(?P<key>[a-z0-9][-a-z0-9]*)\](?P<defines>:)?")
TERM = re.compile(r"\[\[(?P<term>[^\]|]+)(\|(?P<text>[^\]]+))?\]\]")
ENTRY = re.compile(r"^\*\*(?P<term>[^*]+)\*\*\s*$")
HEADING = re.compile(r"^#{1,6}\s+(?P<text>.*?)\s*(\{[^}]*#(?P<id>[-\w]+)[^}]*\})?\s*$")
EXPLICIT = re.compile(r"(\{[^}]*#|id=\")(?P<id>[-\w]+)")
CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")


def slug(term: str) -> str:
    """The anchor of a glossary entry or a heading."""
    return re.sub(r"[^\w]+", "-", term.lower()).strip("-")


def blocks(lines: list[str]) -> Iterator[tuple[int, int, re.Match[str]]]:
    """Each outermost fence: its first and last line, counted from 0, and its head."""
    start, head = 0, None
    for number, line in enumerate(lines):
        match = FENCE.match(line)
        if head is None and match:
            start, head = number, match
        elif (
            head is not None
            and match
            and not match["info"]
            and match["mark"].startswith(head["mark"])
        ):
            yield start, number, head
            head = None
    if head is not None:
        yield start, len(lines), head


def outside_fences(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The numbered lines of prose, code spans blanked out."""
    fenced = {n for start, end, _ in blocks(lines) for n in range(start, end + 1)}
    for number, line in enumerate(lines):
        if number not in fenced:
            yield number, CODE.sub(lambda span: " " * len(span[0]), line)


def state() -> tuple[tuple[str, int, int], ...]:
    """Changes whenever any page does."""
    return stamps(DOCS, "*.md")


def check_page(page: str, lines: list[str], offset: int) -> None:
    """Raise `Fault` for the first mistake of a page.

    `page` is its path below docs/; `offset` is how many lines of front matter were cut.
    """

    def where(number: int) -> str:
        return f"docs/{page}:{number + offset + 1}"

    for start, end, head in blocks(lines):
        if end == len(lines):
            raise Fault(where(start), "this fence never ends", "close it")
        if PYTHON.match(head["info"]):
            inside = [line for line in lines[start + 1 : end] if line.strip()]
            if not inside or not all(IMPORT.match(line) for line in inside):
                raise Fault(
                    where(start),
                    "Python typed by hand drifts from what is tested",
                    'move it to snippets/ and import it with --8<-- "snippets/…"',
                )
    for number, line in enumerate(lines):
        if IMPORT.match(line):
            _check_import(line, where(number))
    for number, line in outside_fences(lines):
        for link in LINK.finditer(line):
            _check_link(page, link["target"], where(number))
        for cite in CITE.finditer(line):
            if cite["key"] not in sources():
                raise Fault(
                    where(number),
                    f"the source {cite['key']!r} is unknown",
                    "add it to docs/references.md or mend the key",
                )
        for term in TERM.finditer(line):
            if slug(term["term"]) not in terms():
                raise Fault(
                    where(number),
                    f"the glossary has no {term['term']!r}",
                    "add the entry to docs/glossary.md or mend the term",
                )


def _check_import(line: str, where: str) -> None:
    match = QUOTED.match(line)
    if not match:
        raise Fault(
            where,
            f"{line.strip()!r} is not read as an import",
            'write --8<-- "snippets/file.py", with :section or :first:last',
        )
    path = ROOT / match["path"]
    if not path.is_file():
        raise Fault(where, f"there is no {match['path']}", "mend the path")
    lines = path.read_text().splitlines()
    name = match["section"]
    if name:
        _check_section(lines, name, match["path"], where)
    if match["first"]:
        first, last = int(match["first"]), int(match["last"])
        if not 1 <= first <= last <= len(lines):
            raise Fault(
                where,
                f"{match['path']} has {len(lines)} lines, no {first}:{last}",
                "name a range inside the file, or a section",
            )


def _check_section(lines: list[str], name: str, path: str, where: str) -> None:
    marks = [
        (number, mark)
        for number, line in enumerate(lines)
        if (mark := MARK.match(line)) and mark["name"] == name
    ]
    if [mark["end"] for _, mark in marks] != ["start", "end"]:
        raise Fault(
            where,
            f"{path} marks the section {name!r} {len(marks)} times",
            "give it one [start] and one [end], in this order",
        )
    for number, mark in marks:
        if mark["before"].strip(" \t#"):
            raise Fault(
                where,
                f"{path}:{number + 1} has code before a section mark, lost here",
                "put the mark on a line of its own",
            )
    (first, _), (last, _) = marks
    if not any(line.strip() for line in lines[first + 1 : last]):
        raise Fault(where, f"the section {name!r} of {path} is empty", "fill it")


def _check_link(page: str, target: str, where: str) -> None:
    if re.match(r"[a-z]+:", target) or not target:
        return
    path, _, anchor = target.partition("#")
    file = (DOCS / page).parent / path if path else DOCS / page
    if path.startswith("/") or not file.is_file():
        raise Fault(where, f"the link {target!r} is dead", "mend its path")
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        raise Fault(
            where,
            f"{file.name} has no anchor {anchor!r}",
            "mend the link, or give the heading its {#id}",
        )


def anchors(file: Path) -> set[str]:
    """Every anchor of a page: headings, explicit ids, figures, terms, sources."""
    return _anchors(file.name, file.read_text())


@cache
def _anchors(name: str, text: str) -> set[str]:
    lines = text.splitlines()
    found = {match["id"] for match in EXPLICIT.finditer(text)}
    for _, line in outside_fences(lines):
        heading = HEADING.match(line)
        if heading and not heading["id"]:
            found.add(slug(re.sub(r"[`*]", "", heading["text"])))
        entry = ENTRY.match(line)
        if entry and name == "glossary.md":
            found.add(slug(entry["term"]))
        found |= {cite["key"] for cite in CITE.finditer(line) if cite["defines"]}
    for start, _, head in blocks(lines):
        if head["info"] in ("scenario", "puzzle", "sliders") and start + 1 < len(lines):
            found.add(figure_id(lines[start + 1].strip()))
    return found


def figure_id(name: str) -> str:
    """ "delivery-one_charge" for "delivery.one_charge.ack_last"."""
    return "-".join(name.split(".")[:2])


def sources() -> set[str]:
    """The keys that docs/references.md defines."""
    text = _read("references.md")
    return {cite["key"] for cite in CITE.finditer(text) if cite["defines"]}


def terms() -> set[str]:
    """The anchors of the entries of docs/glossary.md."""
    entries = (ENTRY.match(line) for line in _read("glossary.md").splitlines())
    return {slug(entry["term"]) for entry in entries if entry}


def check_site() -> None:
    """Raise `Fault` for what no single page can see: an orphan snippet or source."""
    pages = {path.name: path.read_text() for path in sorted(DOCS.glob("*.md"))}
    shown = "\n".join(pages.values())
    for path in sorted(SNIPPETS.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        module = ".".join(path.relative_to(SNIPPETS).with_suffix("").parts)
        if path.name == "__init__.py":
            continue
        if f'"{name}' not in shown and not re.search(
            rf"^\s*{re.escape(module)}(\.\w+)?\s*$", shown, re.MULTILINE
        ):
            raise Fault(f"{name}:1", "no page shows this file", "show it or delete it")
    cited = {
        cite["key"]
        for text in pages.values()
        for cite in CITE.finditer(text)
        if not cite["defines"]
    }
    for path in sorted(SNIPPETS.rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for cite in CITE.finditer(line):
                cited.add(cite["key"])
                if cite["key"] not in sources():
                    raise Fault(
                        f"{path.relative_to(ROOT).as_posix()}:{number}",
                        f"the source {cite['key']!r} is unknown",
                        "add it to docs/references.md or mend the key",
                    )
    for number, line in enumerate(_read("references.md").splitlines(), 1):
        for cite in CITE.finditer(line):
            if cite["defines"] and cite["key"] not in cited:
                raise Fault(
                    f"docs/references.md:{number}",
                    f"nothing cites the source {cite['key']!r}",
                    "cite it or delete it",
                )


def _read(name: str) -> str:
    path = DOCS / name
    return path.read_text() if path.is_file() else ""
