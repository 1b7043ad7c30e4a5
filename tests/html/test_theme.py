"""One palette: each text can be read where it stands, and no page has colours of its own."""

import re
from pathlib import Path

import pytest

from slipway.html.theme import PAIRS, PALETTE, SHADES, variables

ROOT = Path(__file__).parents[2]
ROOMS = ("pipeline", "scripts", "sessions", "steps", "workers", "www")
#: What WCAG 2.2 asks of texts of any size at level AA.
AA = 4.5
STYLES = [
    path
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.css"))
    if not {"node_modules", "static"}.intersection(path.parts) and path.name != "palette.css"
]


def luminance(colour):
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_what_wcag_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_every_text_can_be_read_on_its_ground(text, ground, which):
    assert contrast(PALETTE[text][which], PALETTE[ground][which]) >= AA


def test_every_colour_is_one_that_can_be_computed_with():
    values = [value for pair in PALETTE.values() for value in pair]
    assert [value for value in values if not re.fullmatch("#[0-9a-f]{6}", value)] == []


def test_there_are_styles_of_all_pages():
    rooms = {path.relative_to(ROOT).parts[0] for path in STYLES}
    assert rooms == {"pipeline", "scripts", "steps", "www"}


@pytest.mark.parametrize("path", STYLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_style_sheet_has_no_colour_of_its_own(path):
    named = r"(?<![\w-])(?:white|black|red|green|blue|gr[ae]y|orange|yellow|purple)(?![\w-])"
    found = re.findall(
        rf"#[0-9a-fA-F]{{3,8}}\b|\b(?:rgb|hsl|hwb|lab|lch|oklch)a?\(|{named}", path.read_text()
    )
    assert found == []


@pytest.mark.parametrize("path", STYLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_style_sheet_uses_what_there_is(path):
    text = path.read_text()
    own = {"tone", "tone-bg", "share"}
    assert set(re.findall(r"var\(--([\w-]+)", text)) <= PALETTE.keys() | SHADES.keys() | own


def test_no_colour_of_the_palette_is_there_for_nothing():
    used = {name for path in STYLES for name in re.findall(r"var\(--([\w-]+)", path.read_text())}
    assert PALETTE.keys() | SHADES.keys() == used - {"tone", "tone-bg", "share"}


def test_paper_is_light_whatever_people_want():
    css = variables(":root")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)")
    assert "color-scheme: light dark;" in light
    assert f"--text: {PALETTE['text'][0]};" in light
    assert f"--text: {PALETTE['text'][1]};" in dark
    assert css.count("{") == css.count("}")


def test_a_page_inside_a_light_one_can_stay_light():
    css = variables(".x", dark=False)
    assert "dark" not in css
    assert "@media" not in css
