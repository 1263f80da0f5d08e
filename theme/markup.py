"""The HTML of a figure, whole without JavaScript; the runner adds its controls."""

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

from pygments import highlight as pygmentize
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from theme import catalogue
from theme.figure import Scenario

FORMATTER = HtmlFormatter(cssclass="highlight", wrapcode=True)


@cache
def highlight(code: str, language: str = "python") -> str:
    """Code with its colours; the block can be reached, and so scrolled, by keyboard."""
    html = pygmentize(code.rstrip(), get_lexer_by_name(language), FORMATTER)
    return str(html).replace("<pre>", '<pre tabindex="0">', 1)


def own(block: str) -> str:
    """A code block that has controls of its own.

    The theme gives its controls to `pre > code`, and lays the whole page out for each.
    """
    return block.replace("<code>", "<span><code>").replace("</code>", "</code></span>")


def scenario_figure(
    scenario: Scenario,
    figure_id: str,
    run: dict[str, Any],
    quiz: str,
    receipt: str,
    folded: bool,
) -> str:
    """The whole figure of a scenario, showing `run` first."""
    schedule = dotted(run["schedule"])
    lines = len(scenario.code.splitlines())
    path = f"snippets/{scenario.module.replace('.', '/')}.py"
    tests = scenario.examples.count(">>> ")
    return f"""\
<figure class="scenario" id="{figure_id}" data-module="{scenario.module}"\
 data-variant="{run["variant"]}" data-schedule="{schedule}">
<figcaption class="scenario__claim">{text(scenario.claim)}</figcaption>
<p class="scenario__story">{text(scenario.story)}</p>
<dl class="scenario__labels">{labels({"Invariant": scenario.invariant})}\
{labels(scenario.labels, "Faults")}</dl>
<div class="scenario__controls"></div>
<div class="scenario__run">
<p class="scenario__shown">One run of <code>{run["variant"]}</code>: \
{surprises(run["surprises"])}; \
result <code class="scenario__result">{escape(run["result"])}</code>: \
{ends(run["holds"])}.</p>
<div class="scenario__picture" data-search-exclude>{run["svg"]}</div>
{data(run)}
</div>
{verdicts(scenario)}
{quiz}
<details class="scenario__source" data-search-exclude{"" if folded else " open"}>
<summary>The code, {lines} lines: <code>{breakable(path)}</code></summary>
<div class="scenario__code">{own(highlight(scenario.code))}</div>
</details>
<details class="scenario__tests" data-search-exclude>
<summary>What the tests check: {tests} examples</summary>
{own(highlight(scenario.examples, "pycon"))}
</details>
<dl class="scenario__labels">{labels(scenario.labels, "Leaves out", "Source")}</dl>
{receipt}
</figure>"""


def ends(holds: bool) -> str:
    """How a run ends, in words that the page's scripts use too."""
    if holds:
        return '<strong class="run-holds">the invariant holds</strong>'
    return '<strong class="run-breaks">breaks the invariant</strong>'


def breakable(path: str) -> str:
    """A path that a narrow line breaks where a reader would."""
    return escape(path).replace("/", "/<wbr>").replace("_", "_<wbr>")


def dotted(schedule: Sequence[int]) -> str:
    """A schedule as an address and an attribute hold it: "0.1.0"."""
    return ".".join(map(str, schedule))


def data(run: dict[str, Any]) -> str:
    """What the page says of the shown run before any Python is there.

    A template and no script: an instant navigation runs every script of a page anew.
    """
    told = {name: value for name, value in run.items() if name != "svg"}
    content = escape(json.dumps(told), quote=False)
    return f'<template class="scenario__data" data-search-exclude>{content}</template>'


def surprises(count: int) -> str:
    """How far a run is from the good day."""
    return {0: "the good day", 1: "1 surprise"}.get(count, f"{count} surprises")


def verdicts(scenario: Scenario) -> str:
    """How many schedules of each variant break the invariant, in a table."""
    rows = []
    for variant in scenario.variants:
        found = catalogue.verdict(scenario.module, variant["name"])
        mark, words = ("holds", f"holds in all {found['total']}")
        if found["bad"]:
            mark, words = ("breaks", f"breaks in {found['bad']} of {found['total']}")
        rows.append(
            f'<tr data-variant="{variant["name"]}" data-total="{found["total"]}"'
            f' class="{mark}">'
            f'<th scope="row"><code>{variant["name"]}</code>'
            f" <span>{text(variant['hint'])}</span></th>"
            f'<td class="verdict verdict--{mark}">{words}</td></tr>'
        )
    return (
        '<table class="scenario__verdicts" data-search-exclude>'
        "<caption>Every schedule, against the invariant</caption><thead><tr>"
        '<th scope="col">Variant</th><th scope="col">Schedules</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def labels(words: dict[str, str], *wanted: str) -> str:
    """Labels and their words, all of them or those that are wanted."""
    return "".join(
        f"<div><dt>{label}</dt><dd>{text(words[label])}</dd></div>"
        for label in wanted or words
        if label in words
    )


def quiz(question: str, options: list[tuple[bool, str, str]]) -> str:
    """A question whose every option, right or wrong, opens to its own answer."""
    items = "".join(
        f'<details class="quiz__option" data-right="{json.dumps(right)}">'
        f"<summary>{text(option)}</summary>"
        f'<p><strong class="quiz__mark">{"Right." if right else "No."}</strong> '
        f"{text(answer)}</p></details>"
        for right, option, answer in options
    )
    return (
        f'<div class="quiz" role="group" aria-label="Question">'
        f'<p class="quiz__question">{text(question)}</p>{items}</div>'
    )


def diagram(run: dict[str, Any], module: str, caption: str) -> str:
    """A run's picture alone."""
    words = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    return f"""\
<figure class="run" data-module="{module}" data-variant="{run["variant"]}"\
 data-schedule="{dotted(run["schedule"])}">
<div class="scenario__picture" data-search-exclude>{run["svg"]}</div>{words}
</figure>"""


def puzzle(module: str, names: dict[str, Any], figure_id: str) -> str:
    """What each piece of evidence leaves of the worlds and of the stories."""
    evidence, left, smallest = names["evidence"], names["left"], names["smallest"]
    worlds, stories = left(frozenset())
    rows = "".join(
        f'<tr data-fact="{escape(fact)}"><th scope="row">{text(question)}</th>'
        "<td>{}</td><td>{}</td></tr>".format(*left(frozenset([fact])))
        for fact, question in evidence.items()
    )
    ends = " or ".join(
        " and ".join(f"“{evidence[fact]}”" for fact in evidence if fact in facts)
        for facts in smallest()
    )
    return f"""\
<figure class="puzzle" id="{figure_id}-puzzle" data-module="{module}">
<figcaption>Buy evidence: which questions end the search?</figcaption>
<div class="puzzle__controls"></div>
<p>Before any answer {worlds} worlds and {stories} stories fit.</p>
<details class="puzzle__table"><summary>What each answer alone leaves</summary>
<table class="puzzle__evidence">\
<thead><tr><th scope="col">Evidence</th><th scope="col">Worlds left</th>\
<th scope="col">Stories left</th></tr></thead><tbody>{rows}</tbody></table>
</details>
<details class="puzzle__answer"><summary>The smallest evidence that leaves one story\
</summary><p>{text(ends)}</p></details>
</figure>"""


def sliders(module: str, function: str, knobs: list[dict[str, Any]], svg: str) -> str:
    """A computed plot with its knobs' values beside it."""
    values = "".join(
        f"<div><dt>{escape(knob['name'].replace('_', ' '))}</dt>"
        f"<dd>{in_words(knob['value'])}</dd></div>"
        for knob in knobs
    )
    return f"""\
<figure class="sliders" id="{"-".join(module.split("."))}" data-module="{module}"\
 data-function="{function}" data-knobs="{escape(json.dumps(knobs))}">
<div class="sliders__controls"></div>
<div class="sliders__picture">{svg}</div>
<dl class="sliders__values">{values}</dl>
</figure>"""


def in_words(value: float | bool) -> str:
    """A knob's value as a page says it."""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def text(words: str) -> str:
    """A docstring's words as HTML: code spans, sources, glossary terms."""
    from theme.fences import inline  # the one place that knows these marks

    return inline(words)
