"""The font of the formulas: STIX Two Math, as the package ziamath ships it, cut down to the characters in use."""

from __future__ import annotations

import html
import re
import unicodedata
from importlib.util import find_spec
from pathlib import Path

from fontTools import subset

NAME = "math.woff"  # in _static, where the style sheet looks for it
FORMULA = re.compile(r"<math\b.*?</math>", re.S)
ITALIC = "MATHEMATICAL ITALIC SMALL ", "MATHEMATICAL ITALIC CAPITAL "


def write(site: Path) -> None:
    """Write the font into each language's static files."""
    text = "".join(formula for path in site.rglob("*.html") for formula in FORMULA.findall(path.read_text("utf-8")))
    characters = set(html.unescape(re.sub(r"<[^>]*>", "", text)))
    characters |= set("0123456789√")  # a root is an element, and no character of the text
    characters |= {italic for character in characters for italic in italics(character)}
    package = find_spec("ziamath")
    assert package is not None and package.submodule_search_locations, "pip install -e '.[docs]'"
    source = Path(package.submodule_search_locations[0], "fonts", "STIXTwoMath-Regular.ttf")
    options = subset.Options(flavor="woff", layout_features=["*"], notdef_outline=True)
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, characters))
    subsetter.subset(font)
    for folder in site.glob("*/_static"):
        subset.save_font(font, str(folder / NAME), options)


def italics(character: str) -> list[str]:
    """The letters as which a browser draws a letter that stands alone in a formula."""
    if character == "h":
        return ["\N{PLANCK CONSTANT}"]
    letter = unicodedata.name(character, "").split(" ")[-1]
    names = [start + letter for start in ITALIC] if character.isalpha() else []
    return [unicodedata.lookup(name) for name in names if _exists(name)]


def _exists(name: str) -> bool:
    try:
        unicodedata.lookup(name)
    except KeyError:
        return False
    return True
