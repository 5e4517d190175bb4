"""What works on modules: containers, methods of modules, parametrizations, whole networks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.misuse.public import exempt, public
from tests.misuse.walk import Call
from tests.models.unstarted import unstarted
from tinygrad_cv import nn
from tinygrad_cv.models.mobilenet import Bneck
from tinygrad_cv.models.resnet import BasicBlock

X = np.float32([[1, 2, 3], [4, 5, 6]])
Given = dict[str, Any]


def layer() -> nn.Linear:
    return nn.Linear(3, 2)


def normalized() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()


def parametrized() -> nn.Linear:
    return nn.parametrizations.weight_norm(layer())


def averaged() -> nn.AveragedModel:
    return nn.AveragedModel(layer())


CALLS: dict[str, Callable[[], Given]] = {
    "nn.AveragedModel": lambda: {"model": layer()},
    "nn.fold_batch_norm": lambda: {"model": normalized()},
    "nn.fold_pair": lambda: {"layer": normalized()[0], "norm": normalized()[1]},
    "nn.ModuleDict": lambda: {"modules": {"a": layer()}},
    "nn.ModuleList": lambda: {"modules": [layer(), layer()]},
    "nn.Parameter": lambda: {"data": X},
    "nn.ParameterDict": lambda: {"parameters": {"a": tg.tensor(X)}},
    "nn.ParameterList": lambda: {"values": [tg.tensor(X)]},
    "nn.Sequential": lambda: {"modules": (layer(), nn.ReLU())},
    "nn.summary": lambda: {"model": layer(), "x": X},
    "nn.update_bn": lambda: {"loader": [X.reshape(1, 1, 2, 3)], "model": nn.BatchNorm2d(1)},
    "nn.use_convention": lambda: {"model": normalized(), "convention": "keras"},
    "nn.parametrize.register_parametrization": lambda: {
        "module": layer(),
        "tensor_name": "weight",
        "parametrization": nn.Tanh(),
    },
    "nn.parametrize.is_parametrized": lambda: {"module": layer()},
    "nn.parametrize.remove_parametrizations": lambda: {"module": parametrized(), "tensor_name": "weight"},
    "nn.parametrize.type_before_parametrizations": lambda: {"module": layer()},
    "nn.parametrizations.orthogonal": lambda: {"module": layer()},
    "nn.parametrizations.weight_norm": lambda: {"module": layer()},
    "nn.parametrizations.spectral_norm": lambda: {"module": layer()},
    "nn.parametrizations.weight_standardization": lambda: {"module": layer()},
    "Module.register_buffer": lambda: {"self": layer(), "name": "count", "tensor": X},
    "Module.add_module": lambda: {"self": layer(), "name": "inner", "module": layer()},
    "Module.register_forward_pre_hook": lambda: {"self": layer(), "hook": lambda module, args: None},
    "Module.register_forward_hook": lambda: {"self": layer(), "hook": lambda module, args, y: None},
    "Module.register_module": lambda: {"self": layer(), "name": "inner", "module": layer()},
    "Module.set_submodule": lambda: {"self": normalized(), "target": "0", "module": layer()},
    "Module.register_parameter": lambda: {"self": layer(), "name": "scale", "param": nn.Parameter(X)},
    "Traversal.buffers": lambda: {"self": layer()},
    "Traversal.get_buffer": lambda: {"self": nn.BatchNorm1d(2), "target": "running_mean"},
    "Traversal.get_parameter": lambda: {"self": layer(), "target": "weight"},
    "Traversal.get_submodule": lambda: {"self": normalized(), "target": "0"},
    "Traversal.modules": lambda: {"self": layer()},
    "Traversal.parameters": lambda: {"self": layer()},
    "Traversal.named_modules": lambda: {"self": layer()},
    "Traversal.named_parameters": lambda: {"self": layer()},
    "Traversal.named_buffers": lambda: {"self": layer()},
    "Settable.train": lambda: {"self": layer()},
    "Settable.zero_grad": lambda: {"self": layer()},
    "Settable.requires_grad_": lambda: {"self": layer()},
    "Settable.apply": lambda: {"self": layer(), "fn": lambda module: None},
    "Settable.to": lambda: {"self": layer(), "dtype": "float64"},
    "Module.state_dict": lambda: {"self": layer()},
    "Module.load_state_dict": lambda: {"self": layer(), "state_dict": layer().state_dict()},
    "AveragedModel.update_parameters": lambda: {"self": averaged(), "model": layer()},
    "Embedding.from_pretrained": lambda: {"embeddings": X},
    "_Dictionary.update": lambda: {"self": nn.ModuleDict(), "other": {"a": layer()}},
    "_Dictionary.pop": lambda: {"self": nn.ModuleDict({"a": layer()}), "key": "a"},
    "_Container.append": lambda: {"self": nn.ModuleList(), "module": layer()},
    "_Container.extend": lambda: {"self": nn.ModuleList(), "modules": [layer()]},
    "ParameterDict.get": lambda: {"self": nn.ParameterDict({"a": X}), "key": "a"},
    "ParameterDict.setdefault": lambda: {"self": nn.ParameterDict(), "key": "a", "default": X},
    "ParameterDict.fromkeys": lambda: {"self": nn.ParameterDict(), "keys": ["a", "b"]},
    "ParameterList.append": lambda: {"self": nn.ParameterList(), "value": tg.tensor(X)},
    "ParameterList.extend": lambda: {"self": nn.ParameterList(), "values": [tg.tensor(X)]},
    "models.get": lambda: {"name": "lenet5", "arguments": {"num_classes": 7}},
    "models.list": lambda: {"task": "classification"},
}
NETWORKS: dict[str, Given] = {  # the arguments that a network needs
    "ConvNeXt": {"widths": (4, 8, 12, 16), "counts": (1, 1, 1, 1), "num_classes": 3},
    "MNASNet": {"alpha": 0.5},
    "MobileNetV3": {"rows": (Bneck(3, 16, 16, True, False, 2),), "last": 64},
    "ResNet": {"block": BasicBlock, "layers": (1, 1, 1, 1)},
    "ShuffleNetV2": {"widths": (24, 48, 96)},
    "SmallResNet": {"blocks": 1},
    "SqueezeNet": {"first": (8, 3), "poolings": (0, 2), "num_classes": 10, "dropout": 0.5},
    "VGG": {"depth": 11},
}


# methods whose messages have the class instead of the method
BY_CLASS = tuple(
    f"Module.{name}" for name in ("register_buffer", "register_parameter", "add_module", "register_module")
)
BY_CLASS += ("_Dictionary.update", "_Dictionary.pop", "_Container.append", "_Container.extend")
BY_CLASS += ("ParameterDict.setdefault", "ParameterDict.fromkeys", "ParameterList.extend")
WORDS = {  # what messages name besides parameters
    **dict.fromkeys(
        ("nn.Sequential", "nn.ModuleDict", "nn.ModuleList"), ("Module", "name", "pair", "pairs", "modules")
    ),
    "nn.ParameterDict": ("name", "pair", "pairs"),
    **dict.fromkeys(BY_CLASS, ("Module", "name", "pair", "pairs", "has", "modules", "tensors", "tensor")),
    "nn.Parameter": ("dtype",),
    "nn.ParameterList": ("tensors",),
    "nn.summary": ("input",),
    "nn.fold_pair": ("convolution",),
    "Module.load_state_dict": ("load_state_dict",),
    "Embedding.from_pretrained": ("num_embeddings", "embedding_dim", "dtype"),
    "models.get": ("network",),
    "nn.parametrize.register_parametrization": ("parameter",),
    "nn.parametrize.remove_parametrizations": ("parametrized",),
    **dict.fromkeys(("nn.parametrizations.orthogonal", "nn.parametrizations.spectral_norm"), ("parameter",)),
}


def calls() -> Iterator[tuple[str, Call]]:
    for name, given in CALLS.items():
        kept = ("arguments",) if name == "models.get" else ()  # the network checks them
        called = type(given()["self"]).__name__ if name in BY_CLASS else name.rpartition(".")[2]
        yield name, Call(public()[name], given, called, WORDS.get(name, ()), kept)
    for name, make in public().items():
        room, _, short = name.rpartition(".")
        if room == "models" and short not in ("get", "list", "load") and not exempt(name):
            yield name, Call(undrawn(make), partial(dict, NETWORKS.get(short, {})), short)


def undrawn(make: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with weights that stay zero: they take neither time nor memory."""

    @wraps(make)
    def function(*args: Any, **kwargs: Any) -> Any:
        with unstarted():
            return make(*args, **kwargs)

    function.__signature__ = inspect.signature(make)
    return function
