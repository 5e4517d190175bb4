"""The page made of kept figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import page


def timed(milliseconds: float) -> dict[str, float]:
    return {"median": milliseconds / 1e3}


JIT: dict[str, Any] = {
    "lenet": {
        "systems": {"torch": timed(12), "torch_pinned": timed(10), "jax": timed(25), "ours_jit": timed(6)},
        "peer": "torch_pinned",
        "ratio": 0.6,
        "kernels": [
            {"kind": "contraction", "kernels": 9, "flops": 4e8, "bytes": 2e6, "ms": 4.0, "share": 0.5},
        ],
    },
    "bn_relu": {"systems": {"torch": timed(1500)}, "peer": "torch", "ratio": None, "kernels": []},
}
FIGURES = {
    "jit": JIT,
    "first_call": {"resnet20": {"ours_jit": {"cold": 2.5, "warm": 0.625}}},
    "memory": {"resnet50_training_8": {"MiB": {}, "ratios": {"ours_jit": 0.75}}},
    "onnx": {
        "networks": {
            "resnet50, batch 1": {
                "ours": 12.5,
                "onnxruntime": 10.0,
                "ratio": 1.25,
                "first call": 1.52,
                "kernels": [{"kind": "contraction", "ms": 10.0, "roofline_ms": 8.0}],
            }
        },
        "mean": 1.25,
        "load": 0.1,
    },
    "machine": {"cores": "2"},
}
NETWORKS: dict[str, Any] = {
    "resnet50_training_8": {
        "systems": {"torch": timed(1200), "torch_channels_last": timed(1000), "ours_jit": timed(800)},
        "peer": "torch_channels_last",
        "ratio": 0.8,
        "kernels": [{"kind": "a", "ms": 3.0, "roofline_ms": 2.0}, {"kind": "b", "ms": 5.0, "roofline_ms": 1.0}],
    },
    "max_pool2d": {"systems": {"torch": timed(9)}, "peer": "torch", "ratio": None, "kernels": []},
}


def rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()]
    return {first: rest for first, *rest in cells}


def test_a_family_is_as_fast_as_its_fastest() -> None:
    assert page.by_family(JIT["lenet"]["systems"]) == {"torch eager": 10, "JAX": 25, "ours, jit": 6}


def test_steps_say_what_was_missed_and_what_was_not_measured() -> None:
    found = rows(page.steps(JIT))
    assert found["LeNet-BN training, batch 128"] == ["10", "", "25", "", "", "", "6", "0.6", "0.55", "0.4", "**no**"]
    assert found["BN + ReLU, batch 64"] == ["1500", "", "", "", "", "", "", "not measured", "0.5", "0.35", "**no**"]


def test_networks_and_functions_say_how_far_the_machine_is() -> None:
    found = rows(page.layouts(NETWORKS))
    assert found["ResNet-50 training, batch 8"] == ["1200", "1000", "800", "0.8", "0.85", "38%"]
    assert found["max pool 3, stride 2, 2-d, batch 8"] == ["9", "", "", "not measured", "1"]
    text = page.page({"jit": {**JIT, **NETWORKS}})
    assert "ResNet-50 training" in text.split("## Single functions")[0] and "ResNet-50" not in page.steps(JIT)


def test_kernels_show_rates() -> None:
    found = rows(page.kernels(JIT))
    assert found["LeNet-BN training, batch 128"] == ["contraction", "9", "4.00", "100", "0", "50%"]


def test_onnx_networks_say_where_the_time_goes() -> None:
    found = rows(page.onnx(FIGURES["onnx"]))
    assert found["resnet50, batch 1"] == ["12.5", "10", "1.25", "1.2", "1.5 s", "10", "", "", "80%"]
    assert found["geometric mean"][2:4] == ["1.25", "0.9"]
    assert rows(page.others(FIGURES))["loading ResNet-50, 98 MB"] == ["s", "0.1", "0.6", "", "yes"]


def test_page_holds_every_figure_once_it_was_measured() -> None:
    text = page.page(FIGURES)
    assert "| first call with an empty cache" in text.replace("ResNet-20 training step, ", "")
    others = rows(page.others(FIGURES))
    assert others["ResNet-20 training step, first call with an empty cache"] == ["s", "2.5", "3", "", "yes"]
    assert others["ResNet-20 training step, first call with the object cache"] == ["s", "0.625", "0.5", "", "**no**"]
    assert others["call of a trivial compiled function"][1] == "not measured"
    assert others["ResNet-50 training, batch 8, compiled, peak memory against torch eager"][1] == "0.75"
    assert page.page({})  # a page of nothing but limits


def test_picture_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        page.picture(JIT, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
