"""A MkDocs hook: what the search reads, and what an author waits for, made shorter.

The search plugin parses each page whole, with every drawing and every line of code, to
drop what is marked `data-search-exclude`; that took almost half of a build. It knows a
page by its headings, and a glossary has none: each term is made one for it. And each
build compiles the theme's templates anew. A generator that knows no hooks builds the
same pages, later.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache
from mkdocs.plugins import CombinedEvent, event_priority
from mkdocs.structure.pages import Page

TEMPLATES = Path(__file__).resolve().parent.parent / ".cache" / "templates"
# No element so marked holds another of its own kind; tests/test_quick.py looks.
EXCLUDED = re.compile(
    r"<(?P<tag>\w+)\b[^>]*\sdata-search-exclude\b[^>]*>.*?</(?P=tag)>", re.DOTALL
)
TERM = re.compile(r"<dt>\s*<dfn id=\"(?P<id>[^\"]+)\">(?P<term>.*?)</dfn>\s*</dt>")
_whole: dict[str, str] = {}  # by the address of the page


def on_env(env: Environment, /, **_: Any) -> None:
    """Keep the compiled templates; Jinja compiles again what has changed."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    env.bytecode_cache = FileSystemBytecodeCache(str(TEMPLATES))


@event_priority(100)
def before(context: dict[str, Any], /, page: Page, **_: Any) -> None:
    """Give the plugin the page without what it leaves out."""
    _whole[page.url] = page.content or ""
    page.content = headed(thinned(_whole[page.url]))


@event_priority(-100)
def after(context: dict[str, Any], /, page: Page, **_: Any) -> None:
    """Give the page back."""
    page.content = _whole.pop(page.url)


on_page_context = CombinedEvent(before, after)


def thinned(html: str) -> str:
    """HTML without the elements that the search leaves out."""
    return EXCLUDED.sub("", html)


def headed(html: str) -> str:
    """HTML whose glossary terms are headings, so that the search finds each alone."""
    return TERM.sub(r'<h3 id="\g<id>">\g<term></h3>', html)
