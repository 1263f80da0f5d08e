"""The table of guards: the line that a guarantee hangs on, and what it is without."""

import tomllib
from dataclasses import dataclass

from theme import catalogue

TABLE = "tests/guards.toml"
RECIPES = "recipes."


@dataclass(frozen=True)
class Guard:
    """One guard: where it stands, what the field calls it, and the text without it."""

    module: str
    name: str
    text: str
    mutant: str
    by: str = "invariant"  # or "examples": which of the two has to notice
    test: str = ""  # a recipe's: the test on real servers that has to notice

    def __str__(self) -> str:
        return f"{self.module}, {self.name}"

    def mutated(self) -> str:
        """The module's source without the guard. Raises `LookupError` when it moved."""
        path = catalogue.path_of(self.module).relative_to(catalogue.ROOT)
        source = (catalogue.ROOT / path).read_text()
        if source.count(self.text) != 1:
            raise LookupError(
                f"{TABLE}: “{self.name}” stands {source.count(self.text)} times "
                f"in {path}, and has to stand there once: mend its text"
            )
        return source.replace(self.text, self.mutant)


def table() -> list[Guard]:
    """All guards, of scenarios and of recipes."""
    rows = tomllib.loads((catalogue.ROOT / TABLE).read_text())["guard"]
    return [Guard(**row) for row in rows]
