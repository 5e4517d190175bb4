"""The gallery's command: with --check it compares, and writes nothing."""

import importlib.util
import shutil
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot is not installed")


@pytest.fixture
def gallery(monkeypatch, tmp_path):
    """The command, at work in a copy; with two of its pictures, of which none is compiled."""
    shutil.copytree(DOCS / "images", tmp_path / "images")
    shutil.copy(DOCS / "gallery.md", tmp_path)
    spec = importlib.util.spec_from_file_location("make_gallery", DOCS / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DOCS", tmp_path)
    monkeypatch.setattr(module, "IMAGES", tmp_path / "images")
    return module


def contents(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@needs_dot
def test_check_compares_pictures_and_page_and_writes_nothing(gallery, tmp_path, monkeypatch, capsys):
    text = gallery.text()
    monkeypatch.setattr(gallery, "text", lambda: text)
    monkeypatch.setattr(gallery, "PICTURES", [p for p in gallery.PICTURES if p.name in ("dead_units", "difference")])
    before = contents(tmp_path)
    assert gallery.main(["--check"]) == 0 and "up to date" in capsys.readouterr().out
    assert contents(tmp_path) == before
    picture = tmp_path / "images" / "dead_units.svg"
    picture.write_text(picture.read_text(encoding="utf-8").replace("linear", "liner"), encoding="utf-8")
    (tmp_path / "images" / "difference.svg").unlink()
    (tmp_path / "gallery.md").write_text("another page", encoding="utf-8")
    before = contents(tmp_path)
    assert gallery.main(["--check"]) == 1
    assert "out of date: dead_units.svg, difference.svg, gallery.md" in capsys.readouterr().out
    assert contents(tmp_path) == before
    assert gallery.main([]) == 0 and gallery.main(["--check"]) == 0


def test_another_argument_is_explained(gallery, capsys):
    assert gallery.main(["--chek"]) == 2 and "--check" in capsys.readouterr().out
