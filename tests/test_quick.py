"""What the search finds does not depend on how little of a page it reads."""

import json
import re
from pathlib import Path

import pytest
from material.plugins.search.plugin import Parser  # type: ignore[import-untyped]

from theme.quick import headed, thinned

pytestmark = pytest.mark.xdist_group("site")


def found(html: str) -> list[tuple[str | None, str, str]]:
    """The sections of a page as the plugin's own parser finds them."""
    parser = Parser()
    parser.feed(html)
    parser.close()
    return [
        (section.id, "".join(section.title).strip(), "".join(section.text).strip())
        for section in parser.data
        if not section.is_excluded()
    ]


def article(path: Path) -> str:
    """What the plugin is given of a page."""
    html = path.read_text()
    return html[html.index("<article") : html.index("</article>")]


def test_a_thinned_page_has_the_same_sections_and_the_same_words(site: Path) -> None:
    pages = [article(path) for path in site.rglob("index.html")]
    assert sum("data-search-exclude" in page for page in pages) > 4
    for page in pages:
        assert found(thinned(page)) == found(page)


def test_the_search_finds_each_term_of_the_glossary_at_its_place(site: Path) -> None:
    page = article(site / "glossary" / "index.html")
    terms = dict(re.findall(r'<dfn id="([^"]+)">(.*?)</dfn>', page))
    assert terms
    sections = {place: title for place, title, _ in found(headed(page))}
    assert terms.items() <= sections.items()
    index = json.loads((site / "search" / "search_index.json").read_text())
    places = {entry["location"] for entry in index["docs"]}
    assert {f"glossary/#{term}" for term in terms} <= places


def test_nothing_that_is_left_out_is_read(site: Path) -> None:
    for path in site.rglob("index.html"):
        assert "data-search-exclude" not in thinned(article(path))


def test_the_drawings_and_the_code_stay_on_the_page(site: Path) -> None:
    page = article(site / "delivery" / "index.html")
    assert page.count('<svg class="diagram"') > 4
    assert page.count('<details class="scenario__source"') > 4
