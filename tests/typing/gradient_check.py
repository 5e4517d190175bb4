"""Checking gradients: of functions of tensors, and of hand-written backwards."""

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F

x = tg.tensor(np.linspace(-1.0, 1.0, 12).reshape(1, 1, 3, 4), dtype=np.float64)
w = tg.randn(2, 1, 2, 2, dtype="float64")

report = tg.gradcheck(lambda x, w: F.conv2d(x, w, padding=1), (x, w), order=1, mode="vjp")
reveal_type(report)  # Report
reveal_type(bool(report))  # bool
reveal_type(report.verdict)  # str
reveal_type(report.json())  # str
reveal_type(report.blame)  # Blame | None
for entry in report.inputs:
    reveal_type(entry.analytic)  # ndarray
    reveal_type(entry.taylor)  # Taylor | None


def tanh(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value, and a cache for the backward."""
    y = np.tanh(x)
    return y, y


def tanh_backward(g: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """The gradient."""
    return np.asarray(g * (1 - cache**2))


reveal_type(tg.gradcheck(tanh, x.numpy(), backward=tanh_backward, cache=True).verdict)  # str
reveal_type(tg.gradcheck(np.square, 3.0, backward=lambda g, x: 2 * g * x).witness)  # str
tg.check.assert_gradients(tg.nn.Linear(4, 2), x, order=2, seed=1)

with tg.detect_anomaly():
    y = F.softmax(x, dim=-1)
reveal_type(y)  # Tensor
