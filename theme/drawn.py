"""A MkDocs hook: what the build knows of each variant, as a file beside the page.

The build has judged every schedule of every variant, and the page shows one run. With
the rest at hand a reader need not wait for Python to see another variant. Whatever the
reader changes is drawn by Python in the page, and so is everything where a generator
knows no hooks.
"""

import json
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

from theme import catalogue


def on_post_build(config: MkDocsConfig) -> None:
    """Write `assets/runs/<module>.json`; a scenario that fails has ended the build."""
    folder = Path(config.site_dir, "assets", "runs")
    folder.mkdir(parents=True, exist_ok=True)
    engine = catalogue.engine_digest()
    for module in catalogue.modules():
        source = catalogue.path_of(module).read_text()
        if told := known(module, source, engine):
            (folder / f"{module}.json").write_text(told)


@cache
def known(module: str, source: str, engine: str) -> str:
    """Each variant's verdict, and the run that says most about it, as JSON.

    Nothing for a module that has no variants. The texts of the module and of the engine
    say when it has to be made anew.
    """
    scenario = catalogue.scenario(module)
    if "variants" not in scenario.names:
        return ""
    variants = {}
    for each in scenario.variants:
        verdict = catalogue.verdict(module, each["name"])
        run = catalogue.picture(module, each["name"], tuple(verdict["telling"]))
        variants[each["name"]] = {"verdict": verdict, "run": run}
    return json.dumps(variants)
