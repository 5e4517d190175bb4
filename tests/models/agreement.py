"""Every network of torchvision's names beside torchvision's: state dict, outputs, gradients, in float64.

python -m tests.models.agreement [NAME ...]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.models.torchvision_models import torchvision_models
from tinygrad_cv import models, nn

SIDES = {"inception_v3": 299}  # its auxiliary classifier needs them; all others take 64
WITHOUT_START = {"init_weights": False}  # torchvision warns otherwise
STARTED = {"googlenet": WITHOUT_START, "inception_v3": WITHOUT_START}


def shared(theirs: Any) -> list[str]:
    """The names of the networks that torchvision has too."""
    return [name for name in models.list() if name in theirs.list_models()]


def still(model: Any) -> None:
    """Nothing is random in training any more."""
    for module in model.modules():
        if type(module).__name__ in ("Dropout", "Dropout2d", "StochasticDepth"):
            module.p = 0.0


def spread(parameters: Any, torch: Any) -> None:
    """Move parameters that start at a constant, so that a wrong place of one shows."""
    with torch.no_grad():
        for p in parameters:
            if p.std() < 1e-3:
                p.add_(0.1 * torch.randn_like(p))


def several(y: Any) -> tuple[Any, ...]:
    return y if isinstance(y, tuple) else (y,)


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, by the largest element."""
    return float(np.abs(found - wanted).max() / max(1e-3, np.abs(wanted).max()))


def differences(ours: nn.Module, theirs: Any, x: np.ndarray, torch: Any) -> tuple[float, float]:
    """The largest relative error of outputs, and of gradients, in evaluation and in training."""
    ours.load_state_dict(theirs.state_dict())
    output = gradient = 0.0
    for training in (False, True):
        ours.train(training), theirs.train(training)
        ours.zero_grad(), theirs.zero_grad()
        found, wanted = several(ours(tg.tensor(x))), several(theirs(torch.tensor(x)))
        assert len(found) == len(wanted)
        rng = np.random.default_rng(1)
        cotangents = [rng.normal(size=y.shape) for y in found]
        output = max(output, *(relative(y.numpy(), z.detach().numpy()) for y, z in zip(found, wanted, strict=True)))
        sum((y * tg.tensor(c)).sum() for y, c in zip(found, cotangents, strict=True)).backward()
        sum((z * torch.tensor(c)).sum() for z, c in zip(wanted, cotangents, strict=True)).backward()
        for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None), name
            if p.grad is not None:
                gradient = max(gradient, relative(p.grad.numpy(), q.grad.numpy()))
    return output, gradient


def compared(name: str, library: Any, torch: Any) -> tuple[float, float]:
    """The differences of a network of seven classes on two random images."""
    torch.manual_seed(0)
    make: Callable[..., Any] = getattr(library, name)
    theirs = make(weights=None, num_classes=7, **STARTED.get(name, {})).double()
    spread(theirs.parameters(), torch)
    ours = models.get(name, num_classes=7).to("float64")
    still(ours), still(theirs)
    side = SIDES.get(name, 64)
    return differences(ours, theirs, np.random.default_rng(0).normal(size=(2, 3, side, side)), torch)


def main() -> int:
    """Compare, print a line for each network, and return the exit code."""
    library = torchvision_models()
    import torch

    worst = 0.0
    for name in sys.argv[1:] or shared(library):
        output, gradient = compared(name, library, torch)
        worst = max(worst, output, gradient)
        print(f"{name:24} outputs differ by {output:.1e}, gradients by {gradient:.1e}", flush=True)
    return worst > 1e-6


if __name__ == "__main__":
    sys.exit(main())
