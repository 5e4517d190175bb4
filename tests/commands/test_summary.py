"""The commands that list: what they print is what the functions return."""

import pytest

from tinygrad_cv import models, nn
from tinygrad_cv.__main__ import main

pytestmark = pytest.mark.any_python


def test_the_summary_of_a_network_at_its_own_size_and_at_another(capsys):
    assert main(["summary", "--model", "lenet5"]) == 0
    assert capsys.readouterr().out == f"{nn.summary(models.lenet5(), (1, 28, 28))}\n"
    assert main(["summary", "--model", "unet", "--input", "3", "64", "96"]) == 0
    assert "64 x 96" in capsys.readouterr().out


def test_every_network_has_a_line(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == models.list()
    assert main(["models", "--task", "generation"]) == 0
    assert capsys.readouterr().out.startswith("dcgan_generator  generation")
