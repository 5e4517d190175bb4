"""What is said of the panels holds for the files."""

import re

from docs.panels.build import PAGE
from docs.panels.check import PANELS


def test_every_panel_is_listed_wherever_panels_are():
    assert sorted(path.stem for path in (PAGE / "panels").glob("*.mjs")) == sorted(PANELS)
    opened = re.search(r"const PANELS = \[(.*?)\]", (PAGE / "panels.mjs").read_text("utf-8"), re.S)[1]
    assert tuple(re.findall(r"'(\w+)'", opened)) == PANELS
    assert tuple(re.findall(r'data-panel="(\w+)"', (PAGE / "index.html").read_text("utf-8"))) == PANELS
    rows = re.findall(r"^\| `(\w+)` \|", (PAGE.parent / "README.md").read_text("utf-8"), re.M)
    assert tuple(rows) == PANELS


def test_every_word_is_there_in_both_languages():
    for path in [*(PAGE / "panels").glob("*.mjs"), PAGE / "panels.mjs"]:
        table = re.search(r"const say = words\(\{(.*?)\n\}\);", path.read_text("utf-8"), re.S)[1]
        entries = re.findall(r"^  (\w+): \[(.*?)\],?$", table, re.M | re.S)
        said = set(re.findall(r"\bsay\.(\w+)", path.read_text("utf-8")))
        assert said <= {name for name, _ in entries}, path.name
        for name, pair in entries:
            texts = re.findall(r"'((?:[^'\\]|\\.)*)'", pair)
            assert len(texts) == 2 and all(texts), f"{path.name}: {name}"


def test_nothing_is_loaded_from_elsewhere():
    for path in PAGE.rglob("*.*"):
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|['\"(]//", text), path.name
