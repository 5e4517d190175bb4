"""The experiment of the lecture, small: what is trained, what is written, and that normalization is the difference."""

import re

import numpy as np
import pytest

from tinygrad_cv.__main__ import main
from tinygrad_cv.training import experiment


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(experiment, "STAGES", ((4, 2), (4, 1)))
    monkeypatch.setattr(experiment, "RATES", (0.01, 0.1))


def test_the_command_writes_a_table_and_a_picture(small, tmp_path, capsys):
    assert main(["experiment", "batchnorm", "--images", "640", "--no-jit", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    text = (tmp_path / "batchnorm.md").read_text()
    assert text in printed and (tmp_path / "batchnorm.png").read_bytes().startswith(b"\x89PNG")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|") and "---" not in line]
    names = "normalization none batch normalization batch layer instance group"
    assert [row[0] for row in rows] == names.split()
    figures = [float(cell) for row in rows if row[0] != "normalization" for cell in row[1:]]
    assert len(figures) == 4 + 12 and all(0 <= figure <= 100 for figure in figures)
    assert len(re.findall(r"^(?:none|batch|layer|instance|group) +lr ", printed, re.M)) == 4 + 11


def test_each_training_sees_as_many_images_and_begins_with_the_same_weights(small, monkeypatch):
    begun = []
    original = experiment.plain_network

    def noted(norm):
        model = original(norm)
        begun.append([layer.weight.numpy().copy() for layer in model if hasattr(layer, "kernel_size")])
        return model

    monkeypatch.setattr(experiment, "plain_network", noted)
    trainings = experiment.batch_norm_experiment(images=64, jit=False)
    assert all(len(training.losses) * training.batch == 64 for training in trainings)
    assert all(np.array_equal(a, b) for weights in begun[3:] for a, b in zip(weights, begun[2], strict=True))
