"""``python -m tinygrad_cv export``: a run's network as files, which compute what it computes."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
from tests.commands.test_predict import described
from tests.deploy.node import run as in_node
from tinygrad_cv import models
from tinygrad_cv.__main__ import main


def test_a_trained_network_answers_in_javascript(tmp_path, capsys):
    folder = described(tmp_path / "run")
    assert main(["export", str(folder), str(tmp_path / "net"), "--batch", "2"]) == 0
    printed = capsys.readouterr().out
    assert "net.wasm" in printed and "images: 2 x 3 x 16 x 16, prepared as the run says: " in printed
    images = np.random.default_rng(1).standard_normal((2, 3, 16, 16), dtype=np.float32)
    (found,) = in_node(tmp_path / "net", [["step", {"images": images}]])
    scores = models.load(folder).eval()(tg.tensor(images)).numpy()
    np.testing.assert_allclose(found["scores"], scores.ravel(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "given", [["nowhere", "net"], ["run", "net", "--threads", "100"], ["run", "net", "--target", "z80"]]
)
def test_wrong_usage(tmp_path, monkeypatch, capsys, given):
    monkeypatch.chdir(tmp_path)
    described(tmp_path / "run")
    try:
        assert main(["export", *given]) == 2
    except SystemExit as error:
        assert error.code == 2
    assert capsys.readouterr().err
    assert not list(tmp_path.glob("net*"))
