"""The short form of the campaign over PyTorch's samples: no false alarm, and a wrong function is told."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="PyTorch's samples need it: pip install expecttest")

import torch

from tests.check.guests import campaign

from .test_torch import Half

SHORT = ["nn.functional.batch_norm", "nn.functional.upsample_bilinear", "softmax", "amax", "index_add"]


@pytest.mark.filterwarnings("ignore")  # of PyTorch's own tests, from which the samples are
def test_no_false_alarm(capsys):
    assert campaign.main(["--only", *SHORT, "--samples", "1", "--trail"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("5 functions, ") and "{'correct': " in last


@pytest.mark.filterwarnings("ignore")
def test_what_is_wrong_is_told(capsys, monkeypatch):
    assert campaign.main(["--only", "nn.functional.hardsigmoid", "--samples", "1"]) == 0
    assert "as known: wrong" not in capsys.readouterr().out
    monkeypatch.setattr(campaign, "KNOWN", {})
    assert campaign.main(["--only", "nn.functional.hardsigmoid", "--samples", "1"]) == 1
    assert "wrong: gradcheck: wrong" in capsys.readouterr().out
    assert campaign.verdict(Half.apply, [torch.ones(2, dtype=torch.float64)], 1, True).startswith("wrong: ")


def test_sixty_functions_at_least():
    assert len(set(campaign.FUNCTIONS)) == len(campaign.FUNCTIONS) >= 60
