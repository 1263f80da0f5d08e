"""A MkDocs hook: what an author waits for with every edit, made shorter.

The search plugin parses each page whole, with every drawing and every line of code, to
drop what is marked `data-search-exclude`; that took almost half of a build. And each
build compiles the theme's templates anew. A generator that knows no hooks builds the
same site, later.
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
_whole: dict[str, str] = {}  # by the address of the page


def on_env(env: Environment, /, **_: Any) -> None:
    """Keep the compiled templates; Jinja compiles again what has changed."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    env.bytecode_cache = FileSystemBytecodeCache(str(TEMPLATES))


@event_priority(100)
def before(context: dict[str, Any], /, page: Page, **_: Any) -> None:
    """Give the plugin the page without what it leaves out."""
    _whole[page.url] = page.content or ""
    page.content = thinned(_whole[page.url])


@event_priority(-100)
def after(context: dict[str, Any], /, page: Page, **_: Any) -> None:
    """Give the page back."""
    page.content = _whole.pop(page.url)


on_page_context = CombinedEvent(before, after)


def thinned(html: str) -> str:
    """HTML without the elements that the search leaves out."""
    return EXCLUDED.sub("", html)
