"""The public names: what each room offers, and the methods of it; and those that are not walked, and why."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from types import ModuleType
from typing import Any

import tinygrad_cv as tg
from tests.signatures import names
from tinygrad_cv import check, data, distributed, explain, functional, models, nn, optim, viz

ROOMS: dict[str, ModuleType] = {  # how names in it begin -> the room
    "tg": tg,
    "functional": functional,
    "nn": nn,
    "nn.init": nn.init,
    "nn.parallel": nn.parallel,
    "nn.parametrize": nn.parametrize,
    "nn.parametrizations": nn.parametrizations,
    "optim": optim,
    "optim.swa_utils": optim.swa_utils,
    "models": models,
    "data": data,
    "distributed": distributed,
    "check": check,
    "explain": explain,
    "viz": viz,
}
ELSEWHERE = {  # rooms whose tests have tables of wrong arguments of their own
    "tg.training": "tests/training",
    "tg.onnx": "tests/onnx",
    "data.transforms": "tests/data/transforms",
}

EXEMPT = {  # patterns of names -> why no argument of theirs is spoiled
    "data.*Sampler data.Subset data.*Dataset data.DataLoader data.LabelledImages": "tables of tests/data",
    "*.set_epoch DataLoader.load_state_dict data.default_*": "tables of tests/data",
    "data.*Folder data.ImageReader data.HDF5Images DatasetFolder.*": "tables of tests/data/readers",
    "data.ImageTable data.*Segmentation": "tables of tests/data/readers",
    "data.load_[acps]* data.locate data.read_stl10": "tables of tests/data/readers",
    "Preparation.*": "tests/commands/test_predict.py",
    "data.random_split data.WorkerInfo": "tables of tests/data, or made by the library",
    "nn.from_keras": "tests/nn/test_keras_weights.py",
    "*.forward": "walked through for each layer, which is called",
    "check.InputReport check.Report check.Blame viz.*View nn.LoadResult nn.Summary": "made by the library, as a result",
    "models.*Outputs viz.TrainingRecord nn.parametrize.ParametrizationList": "made by the library, as a result",
    "ParametrizationList.*": "called by the library",
    "distributed.ReduceOp": "an enumeration",
    "CustomFunction.* FunctionContext.* nn.Module *.make_parameters": "for those who write functions and layers",
    "Checked.*": "for those who check functions of other libraries",
    "optim.Optimizer [A-Z]*.keeps [A-Z]*.form Optimizer.cohorts [A-Z]*.update": "for those who write optimizers",
    "[A-Z]*.check [A-Z]*.check_* *.checked [A-Z]*.to_torch [A-Z]*.from_torch": "for those who write optimizers",
    "models.vgg1[369]* models.vgg11_bn models.resnet[35]* models.resnet101": "like the smallest of their family",
    "models.wide_resnet* models.resnext* models.FCN32s": "like the smallest of their family",
    "LBFGS.add_param_group": "it takes no second group at all",
    "optim.LRScheduler *.rate *.share *.advance *.wrong *.take": "for those who write schedules",
    "LRScheduler.apply _Cycle.apply": "for those who write schedules",
}


@cache
def public() -> dict[str, Any]:
    """Every public name that takes an argument, and what it stands for: nn.Linear, or Module.to of all layers."""
    found: dict[str, Any] = {}
    for prefix, room in ROOMS.items():
        for name in names(room):
            value = getattr(room, name)
            if not any(value is other for other in found.values()):
                found[f"{prefix}.{name}"] = value
    for kind in [value for value in found.values() if inspect.isclass(value)]:
        found.update(_methods(kind))
    return {name: value for name, value in found.items() if _takes(value)}


def _methods(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods of a class of the package, under the name of the class that defines them."""
    for base in kind.__mro__:
        if base.__module__.startswith(tg.__name__):
            for name in vars(base):
                value = getattr(kind, name, None)
                if name[0] != "_" and inspect.isroutine(value):
                    yield f"{_definer(kind, name).__name__}.{name}", value


def _definer(kind: type, name: str) -> type:
    return next(base for base in kind.__mro__ if name in vars(base))


def _takes(value: Any) -> bool:
    """Whether users call it with an argument."""
    if inspect.isclass(value) and issubclass(value, Exception):
        return False
    if inspect.isclass(value) and issubclass(value, nn.Module):
        return True
    return any(name != "self" for name in inspect.signature(value).parameters)


def exempt(name: str) -> bool:
    """Whether there is a reason not to walk a name."""
    return any(fnmatchcase(name, pattern) for patterns in EXEMPT for pattern in patterns.split())
