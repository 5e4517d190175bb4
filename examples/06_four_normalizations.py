"""Batch, layer, instance and group normalization: one formula, four sets of axes.

One learns that they differ only in which elements of x: N x C x H x W share a mean and a deviation, which makes three
identities plain, and sees the sharing in a picture: elements of one colour have one mu and one sigma.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import tinygrad_cv as tg
import tinygrad_cv.functional as F

N, C, H, W, G = 3, 6, 4, 4, 2
AXES = {"batch": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3), "group": (2, 3, 4)}


def norm(x, kind, groups=G):
    """The same ``standardize`` for all four."""
    if kind == "group":
        grouped = x.reshape(x.shape[0], groups, -1, H, W)  # n (g c) h w -> n g c h w
        return F.standardize(grouped, AXES[kind]).reshape(x.shape)
    return F.standardize(x, AXES[kind])


def sharing(x, kind):
    """Which elements share a mean, found by trying: nudge an element, and see which outputs move."""
    numbers = np.full(x.shape, -1)
    while (numbers < 0).any():
        nudge = np.zeros(x.shape)
        nudge.flat[(numbers < 0).argmax()] = 1.0
        moved = norm(x + nudge, kind) != norm(x, kind)
        numbers[moved.numpy()] = numbers.max() + 1
    return numbers


def draw(path, shared):
    """A row for each of the N images, with a small picture for each of its C channels."""
    figure = Figure(figsize=(9.5, 6), layout="constrained")
    for axis, (kind, numbers) in zip(figure.subplots(2, 2).flat, shared.items(), strict=True):
        count = numbers.max() + 1
        colours = 0.3 + 0.7 * colormaps["turbo"](np.linspace(0.05, 0.95, count))[np.arange(count) * 7 % count]
        axis.set_title(f"{kind}: {count} means, each of {numbers.size // count} elements")
        for n, c in np.ndindex(N, C):
            left, top = c * (W + 1), n * (H + 1)
            for i, j in np.ndindex(H, W):
                colour = colours[numbers[n, c, i, j], :3]
                axis.add_patch(Rectangle((left + j, top + i), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6))
        axis.set_xticks(np.arange(C) * (W + 1) + W / 2, [f"c = {c}" for c in range(C)])
        axis.set_yticks(np.arange(N) * (H + 1) + H / 2, [f"n = {n}" for n in range(N)])
        axis.set(xlim=(0, C * (W + 1) - 1), ylim=(N * (H + 1) - 1, 0), aspect="equal")
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.suptitle(f"Elements of one colour share μ and σ   (x: {N} x {C} x {H} x {W}, {G} groups)")
    figure.savefig(path, dpi=130)


def main(folder="runs/examples"):
    tg.manual_seed(0)
    x = tg.randn(N, C, H, W, dtype="float64") * 3 + 5
    shared = {kind: sharing(x, kind) for kind in AXES}
    for kind, numbers in shared.items():
        print(f"{kind:9s} over axes {AXES[kind]!s:10s} {numbers.max() + 1:2d} means")
    assert [numbers.max() + 1 for numbers in shared.values()] == [C, N, N * C, N * G]

    one = x[:1]
    for name, left, right in (
        ("GN(G=C) = IN", norm(x, "group", C), norm(x, "instance")),
        ("GN(G=1) = LN over (C, H, W)", norm(x, "group", 1), norm(x, "layer")),
        ("BN(N=1) = IN", norm(one, "batch"), norm(one, "instance")),
    ):
        difference = abs(left - right).max().item()
        print(f"{name:28s} difference {difference:.0e}")
        assert difference < 1e-12

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder / "four_normalizations.png", shared)
    print(f"written: {folder / 'four_normalizations.png'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
