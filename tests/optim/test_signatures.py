"""Arguments have PyTorch's names, order and defaults, so that code written for it runs."""

from __future__ import annotations

import inspect

from tinygrad_cv import nn, optim

OPTIMIZERS = [
    "SGD",
    "Adam",
    "AdamW",
    "NAdam",
    "RAdam",
    "Adagrad",
    "Adadelta",
    "Adafactor",
    "ASGD",
    "RMSprop",
    "Adamax",
    "Rprop",
    "LBFGS",
    "Muon",
]
SCHEDULES = [name for name in optim.lr_scheduler.__all__ if name != "SWALR"]
CLIPPING = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]
AVERAGING = ["get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "SWALR"]
OURS = {("clip_grad_norm_", "error_if_nonfinite"): True}  # docs/conventions.md


def pairs(torch):
    yield from ((name, getattr(optim, name), getattr(torch.optim, name)) for name in OPTIMIZERS)
    yield from ((name, getattr(optim, name), getattr(torch.optim.lr_scheduler, name)) for name in SCHEDULES)
    yield from ((name, getattr(optim, name), getattr(torch.nn.utils, name)) for name in CLIPPING)
    averaging = torch.optim.swa_utils
    yield from ((name, getattr(optim.swa_utils, name), getattr(averaging, name)) for name in AVERAGING)
    yield from ((name, getattr(nn, name), getattr(averaging, name)) for name in ("AveragedModel", "update_bn"))
    yield "Optimizer.step", optim.SGD.step, torch.optim.SGD.step
    yield "LRScheduler.step", optim.StepLR.step, torch.optim.lr_scheduler.StepLR.step
    yield "ReduceLROnPlateau.step", optim.ReduceLROnPlateau.step, torch.optim.lr_scheduler.ReduceLROnPlateau.step
    yield "zero_grad", optim.SGD.zero_grad, torch.optim.SGD.zero_grad


def arguments(function):
    return [(p.name, p.kind.name, p.default) for p in inspect.signature(function).parameters.values()]


def test_arguments_are_pytorchs(torch):
    for name, ours, theirs in pairs(torch):
        wanted = [(key, kind, OURS.get((name, key), default)) for key, kind, default in arguments(theirs)]
        assert arguments(ours) == wanted, name


def test_every_schedule_of_pytorchs_is_here(torch):
    assert set(torch.optim.lr_scheduler.__all__) <= set(SCHEDULES)


def test_every_name_of_pytorchs_is_here_or_answered(torch):
    for name in torch.optim.__all__:
        try:
            getattr(optim, name)
        except AttributeError as error:
            assert "use " in str(error), name
