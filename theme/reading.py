"""How long a page takes to read: a count of its words, never a guess.

Code, diagrams and questions are not counted; they take as long as the reader plays.
"""

import math
import re

from theme.strict import DOCS, outside_fences

WORDS_A_MINUTE = 200  # slow for prose; this prose is technical


def minutes(*pages: str) -> int:
    """Minutes for the prose of these pages (as "delivery.md"), rounded up."""
    return _minutes(sum(_words(part) for page in pages for part in _sections(page)))


def lead_minutes(*pages: str) -> int:
    """Minutes for each page's opening, its first section and its last, rounded up."""
    words = 0
    for page in pages:
        opening, first, *_, last = _sections(page)
        words += _words(opening) + _words(first) + _words(last)
    return _minutes(words)


def _sections(page: str) -> list[str]:
    text = (DOCS / page).read_text()
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    prose = "\n".join(line for _, line in outside_fences(body.split("\n")))
    return re.split(r"^## ", prose, flags=re.MULTILINE)


def _words(text: str) -> int:
    return len(re.findall(r"\b[\w’'-]+\b", text))


def _minutes(words: int) -> int:
    return math.ceil(words / WORDS_A_MINUTE)
