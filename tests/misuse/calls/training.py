"""Initialization, optimizers, schedules, clipping, averages of weights."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.misuse.public import exempt, public
from tests.misuse.walk import Call
from tinygrad_cv import nn, optim

ANY = ("",)  # whatever the message says
X = np.float32([[1, 2, 3], [4, 5, 6]])

# what each schedule needs besides an optimizer
SCHEDULES = {
    "ChainedScheduler": lambda o: {"schedulers": [optim.StepLR(o, 2)]},
    "ConstantLR": lambda o: {},
    "CosineAnnealingLR": lambda o: {"T_max": 5},
    "CosineAnnealingWarmRestarts": lambda o: {"T_0": 2},
    "CyclicLR": lambda o: {"base_lr": 0.1, "max_lr": 0.2},
    "ExponentialLR": lambda o: {"gamma": 0.9},
    "LambdaLR": lambda o: {"lr_lambda": lambda t: 0.5},
    "LinearLR": lambda o: {},
    "MultiplicativeLR": lambda o: {"lr_lambda": lambda t: 0.5},
    "MultiStepLR": lambda o: {"milestones": [1, 3]},
    "OneCycleLR": lambda o: {"max_lr": 0.2, "total_steps": 9},
    "PolynomialLR": lambda o: {},
    "ReduceLROnPlateau": lambda o: {},
    "SequentialLR": lambda o: {"schedulers": [optim.StepLR(o, 2), optim.StepLR(o, 3)], "milestones": [4]},
    "StepLR": lambda o: {"step_size": 2},
    "SWALR": lambda o: {"swa_lr": 0.1},
}


def weights() -> list[nn.Parameter]:
    """Parameters with gradients."""
    parameters = [nn.Parameter(X), nn.Parameter(X[0])]
    for p in parameters:
        p.grad = tg.ones(*p.shape)
    return parameters


def sgd() -> optim.Optimizer:
    optimizer = optim.SGD(weights(), lr=0.1, momentum=0.9)
    optimizer.step()
    return optimizer


def quadratic() -> dict[str, Any]:
    """LBFGS with a closure."""
    (w,) = parameters = weights()[:1]

    def closure() -> tg.Tensor:
        loss = (w * w).sum()
        loss.backward()
        return loss

    return {"self": optim.LBFGS(parameters), "closure": closure}


def plateau() -> dict[str, Any]:
    return {"self": optim.ReduceLROnPlateau(sgd()), "metrics": 0.5}


OTHERS = {
    "optim.adaptive_clip_grad_": lambda: {"parameters": weights()},
    "optim.clip_grad_norm_": lambda: {"parameters": weights(), "max_norm": 1.0},
    "optim.clip_grad_value_": lambda: {"parameters": weights(), "clip_value": 0.5},
    "optim.clip_grads_with_norm_": lambda: {"parameters": weights(), "max_norm": 1.0, "total_norm": tg.tensor(2.0)},
    "optim.get_total_norm": lambda: {"tensors": [p.grad for p in weights()]},
    "optim.from_torch": lambda: {"optimizer": sgd(), "state_dict": optim.to_torch(sgd())},
    "optim.to_torch": lambda: {"optimizer": sgd()},
    "optim.swa_utils.get_ema_avg_fn": dict,
    "optim.swa_utils.get_ema_multi_avg_fn": dict,
    "Optimizer.add_param_group": lambda: {"self": sgd(), "param_group": {"params": [nn.Parameter(X)]}},
    "Optimizer.zero_grad": lambda: {"self": sgd()},
    "Optimizer.step": lambda: {"self": sgd(), "closure": lambda: 1.0},
    "Optimizer.load_state_dict": lambda: {"self": sgd(), "state_dict": sgd().state_dict()},
    **{
        f"HookedOptimizer.register_{moment}_hook": lambda: {"self": sgd(), "hook": lambda *given: None}
        for moment in ("step_pre", "step_post", "state_dict_pre", "state_dict_post")
    },
    **{
        f"HookedOptimizer.register_load_state_dict_{moment}_hook": lambda: {"self": sgd(), "hook": lambda *given: None}
        for moment in ("pre", "post")
    },
    "LRScheduler.step": lambda: {"self": optim.StepLR(sgd(), 2)},
    "LRScheduler.load_state_dict": lambda: {
        "self": optim.StepLR(sgd(), 2),
        "state_dict": optim.StepLR(sgd(), 2).state_dict(),
    },
    "LBFGS.step": quadratic,
    "ReduceLROnPlateau.step": plateau,
}


def calls() -> Iterator[tuple[str, Call]]:
    for name, value in public().items():
        room, _, short = name.rpartition(".")
        if room == "nn.init":
            yield name, Call(value, partial(_initialized, value), short, kept=("tensor", "weight", "bias"))
        elif short in SCHEDULES:
            yield name, Call(value, partial(_scheduled, short), short)
        elif inspect.isclass(value) and issubclass(value, optim.Optimizer) and not exempt(name):
            yield name, Call(value, _optimized, short, ("parameter", "parameters"))
        elif name in OTHERS:
            yield name, Call(value, OTHERS[name], short, ("parameter", "parameters", "load_state_dict"))


def _initialized(function: Any) -> dict[str, Any]:
    needed = [key for key, p in inspect.signature(function).parameters.items() if p.default is p.empty]
    weight = VOLUME if function is nn.init.dirac_ else X
    return {key: nn.Parameter(weight) if key in ("tensor", "weight") else NEEDED.get(key, 0.5) for key in needed}


NEEDED = {"nonlinearity": "relu"}
VOLUME = np.ones((2, 3, 3), np.float32)


def _optimized() -> dict[str, Any]:
    return {"params": [nn.Parameter(tg.tensor(X))]}


def _scheduled(name: str) -> dict[str, Any]:
    optimizer = optim.SGD([nn.Parameter(tg.tensor(X))], lr=0.1, momentum=0.9)
    return {"optimizer": optimizer, **SCHEDULES[name](optimizer)}
