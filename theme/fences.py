"""The Markdown extension of the chapter: fences, values, sources, glossary terms.

A Python-Markdown extension works in every generator that uses Python-Markdown, and its
exceptions stop the build. (Other generators know no MkDocs hooks; superfences swallows
the exceptions of its formatters.)
"""

import ast
import re
import sys
from collections.abc import Callable
from html import escape
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from theme import catalogue, markup, strict, values
from theme.fault import Fault, TooSlow, time_limit
from theme.figure import Scenario, explain
from theme.receipts import digest, receipt

VALUE = re.compile(r"\{=\s*(?P<code>.+?)\s*(\|\s*(?P<format>[^|=}\s]+)\s*)?=\}")
KNOB = re.compile(r"^(?P<name>\w+) = (?P<value>[\d.]+|no|yes) \((?P<range>[^)]*)\)$")


MARK = "chapter-figure-number-"


class Chapter(Preprocessor):
    """Expands what the chapter adds to Markdown, before anything else sees a page.

    Only now are a page's lines the author's own, with the author's numbers.
    """

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.figures: list[str] = []

    def run(self, lines: list[str]) -> list[str]:
        page = self._page()
        offset = self._front_matter(page, len(lines))
        strict.check_page(page, lines, offset)
        if page == "index.md":
            strict.check_site()
        return self._expand(page, lines, offset)

    def _page(self) -> str:
        """The page's path below docs/, where the generator says it; MkDocs does."""
        if "relpath" in self.md.treeprocessors:
            relpath: Any = self.md.treeprocessors["relpath"]
            return str(relpath.file.src_uri)
        return "page.md"

    def _front_matter(self, page: str, lines: int) -> int:
        path = strict.DOCS / page
        if not path.is_file():
            return 0
        return len(path.read_text(encoding="utf-8-sig").split("\n")) - lines

    def _expand(self, page: str, lines: list[str], offset: int) -> list[str]:
        out: list[str] = []
        last = 0
        seen = 0
        for start, end, head in strict.blocks(lines):
            where = f"docs/{page}:{start + offset + 1}"
            out += self._prose(lines[last:start], page, last + offset)
            body = [line.strip() for line in lines[start + 1 : end]]
            kind = head["info"]
            if kind in FIGURES:
                html = figure_of(kind, where, body, folded=seen > 0)
                if page == "index.md":  # the one page that is not a folder deeper
                    html = html.replace('href="../', 'href="')
                seen += kind == "scenario"
                self.figures.append(html)
                out += ["", f"{head['indent']}{MARK}{len(self.figures) - 1}", ""]
            elif strict.PYTHON.match(kind):
                out += [self._import_head(head, body), *lines[start + 1 : end + 1]]
            else:
                out += lines[start : end + 1]
            last = end + 1
        return out + self._prose(lines[last:], page, last + offset)

    def _import_head(self, head: re.Match[str], body: list[str]) -> str:
        """Tell the runner which file this block shows."""
        marks = [m for line in body if (m := strict.QUOTED.match(line))]
        path = marks[0]["path"]
        name = path.removeprefix("snippets/")
        runs = ' data-runs="here"' if len(marks) == 1 and runs_here(marks[0]) else ""
        return (
            f"{head['indent']}{head['mark']} "
            f'{{ .python .snippet title="{path}" data-snippet="{name}"{runs} '
            f'data-search-exclude="" }}'
        )

    def _prose(self, lines: list[str], page: str, offset: int) -> list[str]:
        done = []
        for number, line in enumerate(lines, offset + 1):
            for match in VALUE.finditer(line):
                value = evaluated(match, f"docs/{page}:{number}")
                line = line.replace(match[0], value)
            if page == "glossary.md" and (entry := strict.ENTRY.match(line)):
                line = f'<dfn id="{strict.slug(entry["term"])}">{entry["term"]}</dfn>'
            done.append(outside_code(line))
        return done


def runs_here(block: re.Match[str]) -> bool:
    """Is this a whole file that a browser can run: no package, no server?"""
    if block["first"] or block["section"]:
        return False
    tree = ast.parse((catalogue.ROOT / block["path"]).read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return names <= {*sys.stdlib_module_names, "snippets"}


class Figures(Preprocessor):
    """Puts each figure where Chapter left its mark.

    Python-Markdown cleans its lines first, and would clean a stored figure away.
    """

    def __init__(self, chapter: Chapter) -> None:
        super().__init__(chapter.md)
        self.chapter = chapter

    def run(self, lines: list[str]) -> list[str]:
        return [self._placed(line) for line in lines]

    def _placed(self, line: str) -> str:
        indent, mark, number = line.partition(MARK)
        if not mark or indent.strip():
            return line
        return indent + self.md.htmlStash.store(self.chapter.figures[int(number)])


def outside_code(line: str) -> str:
    """A line with its sources and terms made links, its code spans left alone."""
    out, last = "", 0
    for span in strict.CODE.finditer(line):
        out += linked(line[last : span.start()]) + span[0]
        last = span.end()
    return out + linked(line[last:])


def linked(words: str) -> str:
    """Words with sources and terms made links, a source's definition an anchor."""
    words = strict.CITE.sub(
        lambda m: (
            f'<span id="{m["key"]}" class="source">{m["key"]}</span>:'
            if m["defines"]
            else f"[{m['key']}](references.md#{m['key']}){{ .cite }}"
        ),
        words,
    )
    return strict.TERM.sub(
        lambda m: (
            f"[{m['text'] or m['term']}]"
            f"(glossary.md#{strict.slug(m['term'])}){{ .term }}"
        ),
        words,
    )


# An author's edit must show in about a second, so a figure or a value is made again
# only when something that it may depend on has changed. Mistakes are not kept.
_made: dict[tuple[object, ...], str] = {}


def figure_of(kind: str, where: str, body: list[str], *, folded: bool) -> str:
    """The HTML of a figure."""
    key = (kind, tuple(body), folded, catalogue.state(), digest())
    if key not in _made:
        _made[key] = FIGURES[kind](where, body, folded=folded)
    return _made[key]


def evaluated(match: re.Match[str], where: str) -> str:
    """The value that a page asks for, in the format it asks for."""
    reads_pages = strict.state() if "minutes(" in match["code"] else None
    key = (match["code"], match["format"], catalogue.state(), reads_pages)
    try:
        if key not in _made:
            with time_limit(catalogue.SECONDS):
                value = values.evaluate(match["code"])
            _made[key] = format(value, match["format"] or "")
        return _made[key]
    except Exception as error:
        raise Fault(
            where, f"{match['code']} has no value ({_said(error)})", "mend it"
        ) from error


def scenario_fence(where: str, body: list[str], *, folded: bool) -> str:
    """The whole figure of a scenario."""
    scenario, run = _wanted(where, body)
    question, options = _quiz(where, body[2:])
    module = scenario.module
    return markup.scenario_figure(
        scenario,
        strict.figure_id(module),
        run,
        markup.quiz(question, options) if question else "",
        _receipt(module),
        folded,
    )


def _receipt(module: str) -> str:
    said = receipt(module)
    return f'<p class="scenario__receipt">{said}</p>' if said else ""


def diagram_fence(where: str, body: list[str], *, folded: bool) -> str:
    """The picture of one run."""
    scenario, run = _wanted(where, body)
    caption = next((line[2:] for line in body[2:] if line.startswith("= ")), "")
    return markup.diagram(run, scenario.module, caption)


def puzzle_fence(where: str, body: list[str], *, folded: bool) -> str:
    """The evidence of an inverse problem, and what each piece leaves."""
    scenario = _scenario(where, body[0] if body else "")
    try:
        return markup.puzzle(
            scenario.module,
            scenario.names,
            f"{strict.figure_id(scenario.module)}",
        ) + _receipt(scenario.module)
    except KeyError as error:
        raise Fault(where, f"{scenario.module} has no {error}", "define it") from error


def sliders_fence(where: str, body: list[str], *, folded: bool) -> str:
    """A plot that a function of the scenario's module computes from knobs."""
    module, _, function = (body[0] if body else "").rpartition(".")
    names = _scenario(where, module).names
    if function not in names:
        raise Fault(where, f"{module} has no {function!r}", "mend the first line")
    knobs: list[dict[str, Any]] = []
    for line in filter(None, body[1:]):
        knob = KNOB.match(line)
        if not knob:
            raise Fault(
                where,
                f"{line!r} is no knob",
                "write name = 3 (1..9), = 3 (3, 5) or = no (no, yes)",
            )
        knobs.append({**knob.groupdict(), "value": _value(knob["value"])})
    try:
        svg = names[function](**{knob["name"]: knob["value"] for knob in knobs})
    except TypeError as error:
        raise Fault(where, _said(error), "name the function's arguments") from error
    return markup.sliders(module, function, knobs, svg) + _receipt(module)


FIGURES: dict[str, Callable[..., str]] = {
    "scenario": scenario_fence,
    "diagram": diagram_fence,
    "puzzle": puzzle_fence,
    "sliders": sliders_fence,
}


def _value(said: str) -> int | float | bool:
    if said in ("no", "yes"):
        return said == "yes"
    return float(said) if "." in said else int(said)


def _scenario(where: str, module: str) -> Scenario:
    if not catalogue.path_of(module).is_file() or "." not in module:
        near = ", ".join(name for name in catalogue.modules() if module[-6:] in name)
        raise Fault(
            where,
            f"there is no scenario {module!r}",
            f"mend the first line{f' (near it: {near})' if near else ''}",
        )
    try:
        with time_limit(catalogue.SECONDS):
            return catalogue.scenario(module)
    except Exception as error:
        raise Fault(where, _raised(module, error), "mend the scenario") from error


def _wanted(where: str, body: list[str]) -> tuple[Scenario, dict[str, Any]]:
    """The scenario that a fence names, and the run with fewest surprises it wants."""
    if len(body) < 2:
        raise Fault(where, "a figure needs two lines", "name module.variant and a run")
    module, _, variant = body[0].rpartition(".")
    scenario = _scenario(where, module)
    try:
        scenario.variant(variant)
    except (LookupError, KeyError) as error:
        raise Fault(where, _said(error), "mend the first line") from error
    try:
        compile(body[1], "wanted", "eval")
    except SyntaxError as error:
        raise Fault(
            where, f"{body[1]!r} is no Python expression", "mend the second line"
        ) from error
    try:
        with time_limit(catalogue.SECONDS):
            for each in scenario.variants:
                catalogue.verdict(module, each["name"])
            schedule = catalogue.wanted(module, variant, body[1])
    except Exception as error:
        raise Fault(where, _raised(module, error), "mend the scenario") from error
    if schedule is None:
        raise Fault(
            where,
            f"no run of {body[0]} satisfies {body[1]!r}",
            "ask for a run that can happen",
        )
    return scenario, catalogue.picture(module, variant, schedule)


def _quiz(where: str, lines: list[str]) -> tuple[str, list[tuple[bool, str, str]]]:
    question, options = "", []
    for line in filter(None, lines):
        mark, _, rest = line.partition(" ")
        option, colon, answer = rest.partition(": ")
        if mark == "?":
            question = rest
        elif mark in ("-", "+") and colon:
            options.append((mark == "+", option, answer))
        else:
            raise Fault(where, f"{line!r} is no part of a figure", "see the README")
    if question and sum(right for right, *_ in options) != 1:
        raise Fault(where, "a question has one right answer", "mark one option with +")
    return question, options


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.args[0] if error.args else ''}"


def _raised(module: str, error: BaseException) -> str:
    """What a scenario's code raised, and on which line of its file."""
    if isinstance(error, TooSlow):
        return f"{module} is {error.args[0]}: give its loop a bound"
    if isinstance(error, SyntaxError):
        return f"{module} is no Python: {error.msg}, line {error.lineno}"
    last = explain(error, f"{module}.py").splitlines()
    lines = [line.strip() for line in last if line.strip().startswith("File ")]
    return f"{module} raises {_said(error)}{f' ({lines[-1]})' if lines else ''}"


def inline(words: str) -> str:
    """A docstring's words as HTML: code spans, sources, glossary terms.

    Sources and terms become links here too; a figure stands on a page of docs/.
    """
    html = escape(curled(words), quote=False)
    html = re.sub(r"``?([^`]+)``?", r"<code>\1</code>", html)
    html = re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", html)
    return strict.CITE.sub(
        r'<a class="cite" href="../references/#\g<key>">\g<key></a>', html
    )


def curled(words: str) -> str:
    """Words with typographer's quotes, their code spans left alone."""
    return re.sub(r'(`+[^`]+`+)|"([^"]*)"', lambda m: m[1] or f"“{m[2]}”", words)


class ChapterExtension(Extension):
    """Registers both steps around the stock ones: cleaning 30, fences 25."""

    def extendMarkdown(self, md: Markdown) -> None:
        chapter = Chapter(md)
        md.preprocessors.register(chapter, "chapter", 40)
        md.preprocessors.register(Figures(chapter), "figures", 28)


def makeExtension(**options: Any) -> ChapterExtension:
    """Python-Markdown's entry point."""
    return ChapterExtension(**options)
