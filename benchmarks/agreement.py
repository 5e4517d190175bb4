"""What is compared before anything is timed: what every system computes against PyTorch in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.live import LiveWorker
from benchmarks.workloads import Arrays

NEGLIGIBLE = 1e-5  # an array whose norm is so much smaller than the largest has no digits of its own
STEPS = 4  # the loss of the fourth step is the loss after three updates


@dataclass(frozen=True)
class Tolerance:
    """Largest relative errors; an array's error is the norm of the difference by the norm of the reference.

    A loss's error is relative to the loss of the first step: few images are soon learned by heart, and what is left of
    the loss then is rounding.
    """

    loss: float
    sharp: float  # of the output, or of the last layer's gradients
    gradient: float


# In float64 everything is sharp. In float32 a gradient that has passed a ReLU or a max pooling is not: an input within
# rounding of a tie sends its whole cotangent elsewhere. For this reason PyTorch's two layouts differ by 2e-2 on
# ResNet-20, yet by 1e-6 on the last layer, whose gradient passes none.
TOLERANCES = {
    "float64": Tolerance(loss=1e-10, sharp=1e-10, gradient=1e-10),
    "float32": Tolerance(loss=1e-4, sharp=1e-4, gradient=5e-2),
}
# A deep network can carry rounding farther, above all to the losses after an update. How far shows in what PyTorch
# itself is off by in float32, which may be this much; others may be off by MARGIN times as much as it is.
ROUNDED = Tolerance(loss=5e-2, sharp=1e-2, gradient=2e-1)
MARGIN = 4.0


@dataclass(frozen=True)
class Results:
    """Losses of the first steps, where the task has one, and what else the first computed."""

    losses: Sequence[float]
    arrays: Arrays


def results(worker: LiveWorker, dtype: str, folder: Path) -> Results:
    """Have a worker do the first steps from its initial parameters."""
    path = folder / f"{worker.system}_{dtype}.npz"
    losses = worker.ask("check", dtype=dtype, steps=STEPS, save=str(path))["losses"]
    with np.load(path) as stored:
        return Results(losses, dict(stored))


def disagreements(
    found: Results, reference: Results, tolerance: Tolerance, rounded: Results | None = None
) -> list[str]:
    """What is farther from the reference than the tolerance, and by how much; empty where all agree.

    Args:
        rounded: what the reference computes in the dtype of what was found; it widens the tolerance by `MARGIN` times
            its own errors.
    """
    own = array_errors(rounded.arrays, reference.arrays) if rounded else {}
    losses = loss_errors(rounded.losses, reference.losses) if rounded else [0.0] * len(reference.losses)
    messages = []
    for step, error in enumerate(loss_errors(found.losses, reference.losses)):
        if not error <= max(tolerance.loss, MARGIN * losses[step]):  # so that NaN is caught
            loss, expected = found.losses[step], reference.losses[step]
            messages.append(f"loss of step {step + 1} is {loss:.8g} against {expected:.8g}: off by {error:.1e}")
    sharp = _sharp(reference.arrays)
    for name, error in array_errors(found.arrays, reference.arrays).items():
        limit = tolerance.sharp if name in sharp else tolerance.gradient
        if not error <= max(limit, MARGIN * own.get(name, 0.0)):
            messages.append(f"{name} is off by {error:.1e}")
    return messages


def loss_errors(found: Sequence[float], reference: Sequence[float]) -> list[float]:
    """The error of each loss by the reference's loss of the first step."""
    return [abs(a - b) / abs(reference[0]) for a, b in zip(found, reference, strict=True)]


def array_errors(found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The relative error of each array by name, infinite where one is missing or has another shape.

    An array that is 0 but for rounding, such as the gradient to a bias that the next batch normalization takes away,
    has no digits of its own: its error is relative to `NEGLIGIBLE` times the largest norm.
    """
    errors = {}
    least = NEGLIGIBLE * max((float(np.linalg.norm(array)) for array in reference.values()), default=0.0)
    for name, expected in reference.items():
        value = found.get(name)
        if value is None or value.shape != expected.shape:
            errors[name] = float("inf")
        else:
            norm = max(float(np.linalg.norm(expected)), least)
            errors[name] = float(np.linalg.norm(value - expected)) / norm if norm else float(np.any(value))
    return errors


def _sharp(arrays: Mapping[str, np.ndarray]) -> set[str]:
    """The output; where there is none, the gradients of the last layer."""
    layer = list(arrays)[-1].rsplit(".", 1)[0]
    return {"output"} & arrays.keys() or {name for name in arrays if name.rsplit(".", 1)[0] == layer}
