"""What was reckoned without a font holds in a real one, as wide as a phone is."""

from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from snippets.diagram import draw
from snippets.world import Run, World, explore
from tests.test_diagram import SCENARIOS, STYLE, drawings
from theme.catalogue import ROOT

COLUMN = 358  # px: what a phone of 390 px leaves a drawing

# Every text, and the ground that it is drawn on.
MEASURE = """() => [...document.querySelectorAll("svg.diagram")].flatMap((svg) => {
  const frame = svg.viewBox.baseVal, scale = svg.clientWidth / frame.width;
  return [...svg.querySelectorAll("text")].map((text) => {
    const own = text.parentElement.querySelector("rect.halo, rect.note, rect.banner");
    let ground = { x: 0, width: frame.width };
    if (text.classList.contains("head")) {
      let head = text;
      while (!head.matches("rect")) head = head.previousElementSibling;
      ground = head.getBBox();
    } else if (own && !text.classList.contains("step")) ground = own.getBBox();
    const box = text.getBBox();
    return {
      text: text.textContent,
      size: parseFloat(getComputedStyle(text).fontSize) * scale,
      inside: ground.x <= box.x && box.x + box.width <= ground.x + ground.width,
      framed: box.y >= 0 && box.y + box.height <= frame.height,
    };
  });
})"""


def odd_and_quiet() -> Iterator[Run[Any]]:
    """The first runs of every scenario's first variant, and one that breaks it."""
    for name in SCENARIOS:
        module = import_module(name)
        variant = module.variants[0]
        yield from islice(drawings(variant), 2)
        bad = (run for run in explore(variant) if not module.holds(run.result))
        yield from islice(bad, 1)


def shout(world: World) -> None:
    """Long words, wide letters, and letters that nobody measured."""
    world.delivers("Zahlungsabwicklungsdienst", "κόμβος", "WWW mmm @@@ %%% " * 4)
    world.note("κόμβος", "日本語のメモ naïve façade ½ ﬁn é")
    world.send("κόμβος", "worker-with-a-long-name", "<charge amount='10' & more>")


@pytest.fixture(scope="module")
def sheet(browser: Browser) -> Iterator[Page]:
    runs = [*odd_and_quiet(), *explore(shout)]
    svgs = "".join(draw(run, "A run") for run in runs)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_content(
        f'<!doctype html><html lang="en"><style>{STYLE.read_text("utf-8")}</style>'
        f'<body style="margin:16px;width:{COLUMN}px">{svgs}'
    )
    yield page
    page.close()


@pytest.mark.parametrize("family", ["system-ui", "sans-serif", "Arial", "DejaVu Sans"])
def test_every_text_fits_its_ground(sheet: Page, family: str) -> None:
    sheet.add_style_tag(content=f"svg.diagram {{ font-family: {family}, sans-serif }}")
    texts = sheet.evaluate(MEASURE)
    assert len(texts) > len(SCENARIOS)
    assert [each for each in texts if not (each["inside"] and each["framed"])] == []


def test_text_is_at_least_12_px_on_a_phone(sheet: Page) -> None:
    assert min(each["size"] for each in sheet.evaluate(MEASURE)) >= 12


def test_a_drawing_never_makes_the_page_wider_than_the_phone(sheet: Page) -> None:
    assert sheet.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_a_halo_has_the_colour_of_the_paper(sheet: Page, scheme: str) -> None:
    colours = sheet.evaluate(
        """(scheme) => {
          document.body.dataset.mdColorScheme = scheme;
          const halo = document.querySelector(".halo");
          return [getComputedStyle(halo).fill,
                  getComputedStyle(halo.closest("svg")).backgroundColor];
        }""",
        scheme,
    )
    assert colours[0] == colours[1]


def test_the_style_is_the_one_that_the_site_ships() -> None:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert f"stylesheets/{STYLE.name}" in config
