"""docs/primitives.md is what its generator writes."""

import make_primitives as generator
import pytest

from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.quick


def test_page_is_up_to_date(capsys):
    assert generator.main(["--check"]) == 0, "run: python docs/make_primitives.py"
    assert capsys.readouterr().out == "primitives.md is up to date.\n"


def test_page_lists_every_primitive_once():
    rows = [line.split("|")[1].strip() for line in generator.page().splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(f"`{name}`" for name in PRIMITIVES)


def test_page_shows_each_vjp_of_its_own_input():
    page = generator.page()
    assert "| a: `g`<br>b: `-g` |" in page  # sub
    assert "c: none<br>a: `c.where(g, 0.0)`<br>b: `c.where(0.0, g)` | c: nothing<br>a: c<br>b: c |" in page  # where


def test_an_old_page_is_noticed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(generator, "PAGE", tmp_path / "primitives.md")
    assert generator.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert generator.main([]) == 0 and generator.main(["--check"]) == 0
    generator.PAGE.write_text(generator.page().replace("neg", "pos"), encoding="utf-8")
    assert generator.main(["--check"]) == 1
    assert generator.main(["--bogus"]) == 2
