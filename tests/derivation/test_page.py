"""docs/derivation.md is what its command writes, and its code runs with nothing but NumPy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import make_derivation as generator
import numpy as np

DOCS = Path(__file__).parents[2] / "docs"


def test_page_is_up_to_date(capsys):
    assert generator.main(["--check"]) == 0, "run: python docs/make_derivation.py"
    assert capsys.readouterr().out == "derivation.md is up to date.\n"
    assert (DOCS / "images" / "derivation.svg").exists()


def test_the_difference_on_the_page_is_rounding():
    rows = re.findall(r"^\| .* and textbook \| (.*) \|$", (DOCS / "derivation.md").read_text("utf-8"), re.M)
    assert len(rows) == 2
    for row in rows:
        dx, dgamma, dbeta = map(float, row.split(" | "))
        assert dx < 4 and dgamma < 64 and dbeta < 8


def test_an_old_page_is_noticed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(generator, "PAGE", tmp_path / "derivation.md")
    assert generator.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert generator.main(["--bogus"]) == 2


def test_the_code_on_the_page_runs_alone_and_agrees_with_the_closed_form(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "derivation.md").read_text("utf-8"), re.S)
    (block,) = [block for block in blocks if "def backward(" in block]
    rng = np.random.default_rng(5)
    x, gamma, beta, dy = rng.normal(2.0, 3.0, (8, 3, 4, 4)), *rng.normal(size=(2, 3)), rng.normal(size=(8, 3, 4, 4))
    np.savez(tmp_path / "in.npz", x=x, gamma=gamma, beta=beta, dy=dy)
    script = (
        f"{block}\nimport sys\nassert not any(name.startswith('tinygrad') for name in sys.modules)\n"
        "given = np.load('in.npz')\narrays = [given[name] for name in ('x', 'gamma', 'beta')]\n"
        "np.savez('out.npz', forward(*arrays), *backward(given['dy'], *arrays))\n"
    )
    (tmp_path / "alone.py").write_text(script, "utf-8")
    subprocess.run([sys.executable, "-I", "alone.py"], cwd=tmp_path, check=True, timeout=60)
    found = np.load(tmp_path / "out.npz")
    m, axes = 8 * 4 * 4, (0, 2, 3)
    inv = 1 / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    xhat = (x - x.mean(axes, keepdims=True)) * inv
    scale, shift = gamma.reshape(1, 3, 1, 1), beta.reshape(1, 3, 1, 1)
    sums = dy.sum(axes, keepdims=True), (dy * xhat).sum(axes, keepdims=True)
    dx = scale * inv / m * (m * dy - sums[0] - xhat * sums[1])
    expected = scale * xhat + shift, dx, sums[1].reshape(3), sums[0].reshape(3)
    for name, right in zip(found.files, expected, strict=True):
        np.testing.assert_allclose(found[name], right, rtol=1e-12, atol=1e-13)
