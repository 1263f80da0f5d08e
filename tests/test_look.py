"""The palette is legible in both schemes, and no stylesheet asks another origin."""

import re

import pytest

from theme.catalogue import ROOT

TEMPLATES = ROOT / "theme" / "templates"
SITE = (TEMPLATES / "stylesheets" / "site.css").read_text()
SCHEMES = ("default", "slate")
GROUNDS = ("paper", "sheet", "wash", "blue-wash", "rust-wash", "green-wash")
INKS = ("ink", "ink-soft", "blue", "rust", "green", "purple", "brown", "teal")
# What is written on a tinted ground is ink or the tint's own colour, nothing else.
TINTED = {
    "blue-wash": ("ink", "blue"),
    "rust-wash": ("ink", "blue", "rust"),
    "green-wash": ("ink", "blue", "green"),
}


def palette(scheme: str) -> dict[str, str]:
    """The colours that site.css names for one scheme, as "#rrggbb" by name."""
    block = SITE.split(f'[data-md-color-scheme="{scheme}"] {{')[1].split("}")[0]
    named = re.findall(r"--([\w-]+): #([0-9a-f]{6}|[0-9a-f]{3});", block)
    return {
        name: hexa if len(hexa) == 6 else "".join(2 * digit for digit in hexa)
        for name, hexa in named
    }


def luminance(hexa: str) -> float:
    """The relative luminance of "rrggbb", 0 for black and 1 for white (WCAG 2)."""
    parts = [int(hexa[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_highest_contrast_there_is() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_ink_is_legible_on_every_ground_it_is_used_on(scheme: str) -> None:
    colours = palette(scheme)
    pairs = [(ink, on) for on in GROUNDS for ink in TINTED.get(on, (*INKS, "comment"))]
    faint = {
        f"{ink} on {on}": round(ratio, 2)
        for ink, on in pairs
        if (ratio := contrast(colours[ink], colours[on])) < 4.5
    }
    assert not faint


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_button_and_a_focus_ring_stand_out(scheme: str) -> None:
    colours = palette(scheme)
    assert contrast(colours["paper"], colours["blue"]) >= 4.5
    assert contrast(colours["paper"], colours["ink"]) >= 4.5
    assert contrast(colours["edge-strong"], colours["paper"]) >= 3


def test_both_schemes_name_the_same_colours() -> None:
    assert palette("default").keys() == palette("slate").keys()


def test_templates_and_stylesheets_name_no_other_origin() -> None:
    files = [p for p in TEMPLATES.rglob("*") if p.suffix in (".css", ".html", ".svg")]
    assert files
    named = {
        f"{path.name}: {address}"
        for path in files
        for address in re.findall(
            r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", path.read_text()
        )
        if address != "http://www.w3.org/2000/svg"
    }
    assert not named
