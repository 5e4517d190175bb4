"""Weights of Keras as the state dict of a module: layers matched, kernels transposed, averages under our names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import CheckpointError
from ..files.keras_file import Layer, Weights, read
from .batch_norm import _BatchNorm
from .container import Sequential
from .conv_transpose import ConvolutionTranspose
from .convolution import Convolution
from .embedding import Embedding
from .linear import Linear
from .module import Module
from .normalization import GroupNorm, LayerNorm
from .piecewise import PReLU
from .shape import Flatten
from .state_dict import saved

State = dict[str, np.ndarray]
KEEP_CHANNELS = (
    "activation",
    "adaptive_pooling",
    "batch_norm",
    "dropout",
    "normalization",
    "padding",
    "piecewise",
    "pooling",
)


def from_keras(
    model: Module,
    path: str | PathLike[str],
    names: Mapping[str, str] | None = None,
    channels: Mapping[str, int] | None = None,
) -> State:
    """The weights of a Keras model of the same architecture, for ``model.load_state_dict``.

    Kernels H x W x C x Cout become Cout x C x H x W, those of transposed convolutions, H x W x Cout x C, become
    C x Cout x H x W, those of depthwise ones, H x W x C x M, become C·M x 1 x H x W, and the matrix of a dense layer is
    transposed; a separable convolution is two convolutions here, by channel and 1 x 1. A dense layer after a flattening
    has its inputs in the order H W C in Keras, and C H W here. Moving averages are running averages; the epsilon and
    the variance are Keras' once ``nn.use_convention(model, "keras")`` was called.

    Layers are matched by ``names``, or by their own names if those are the paths of the model, or else in order; each
    must have the kind and the shapes of its counterpart.

    Args:
        model: with the same layers.
        path: of a ``.keras``, ``.weights.h5`` or ``.h5`` file.
        names: Keras' name for the path of each layer with weights.
        channels: C for the path of each linear layer whose input was flattened, where the model is no Sequential that
            shows it.

    Raises:
        ImportError: h5py is not installed.
        CheckpointError: the file cannot be read, or a layer does not fit. The message names it.

    ::

        model = tg.nn.use_convention(tg.nn.Sequential(...), "keras")
        model.load_state_dict(tg.nn.from_keras(model, "model.keras"))
    """
    weights = read(path)
    theirs = Weights([part for layer in weights.layers for part in _parts(layer)], weights.in_order)
    ours = {place: module for place, module in model.named_modules() if any(True for _ in _own(module))}
    pairs = _matched(ours, theirs, dict(names or {}))
    orders = _flattened(model, ours, dict(channels or {}))
    arrays = {
        id(getattr(ours[place], name)): array
        for place, layer in pairs.items()
        for name, array in _converted(place, ours[place], layer, orders.get(place)).items()
    }
    return {  # a layer that is there twice has two names; what Keras does not count stays as it is
        name: arrays[id(tensor)] if id(tensor) in arrays else tensor.numpy().copy() for name, tensor in saved(model)
    }


class Kind(NamedTuple):
    """A kind of layer: Keras' classes of it, and its weight as Keras' first variable gives it."""

    classes: tuple[str, ...]
    weight: Callable[[Any, np.ndarray], np.ndarray]


def _convolution(layer: Convolution, kernel: np.ndarray) -> np.ndarray:
    weight = np.moveaxis(kernel, (-1, -2), (0, 1))  # h w c o -> o c h w
    if layer.groups > 1 and layer.groups == kernel.shape[-2]:
        weight = np.moveaxis(kernel, (-2, -1), (0, 1))  # h w c m -> c m h w
        return weight.reshape(-1, 1, *weight.shape[2:])  # c m h w -> (c m) 1 h w
    return weight


KINDS: dict[type[Module], Kind] = {
    Convolution: Kind(("conv1d", "conv2d", "conv3d", "depthwiseconv1d", "depthwiseconv2d"), _convolution),
    ConvolutionTranspose: Kind(
        ("conv1dtranspose", "conv2dtranspose", "conv3dtranspose"),
        lambda layer, kernel: np.moveaxis(kernel, (-1, -2), (0, 1)),  # h w o c -> c o h w
    ),
    Linear: Kind(("dense",), lambda layer, kernel: kernel.T),  # c o -> o c
    Embedding: Kind(("embedding",), lambda layer, table: table),
    PReLU: Kind(("prelu",), lambda layer, alpha: alpha.reshape(-1)),  # 1 1 c -> c
    _BatchNorm: Kind(("batchnormalization",), lambda layer, gamma: gamma),
    GroupNorm: Kind(("groupnormalization",), lambda layer, gamma: gamma),
    LayerNorm: Kind(("layernormalization",), lambda layer, gamma: np.moveaxis(gamma, -1, 0)),  # h w c -> c h w
}
NORMS = (_BatchNorm, GroupNorm, LayerNorm)


def _own(module: Module) -> Iterator[Any]:
    yield from module.parameters(recurse=False)
    yield from (vars(module)[name] for name in module._buffers if vars(module)[name] is not None)


def _kind(module: Module) -> Kind | None:
    return next((kind for base, kind in KINDS.items() if isinstance(module, base)), None)


def _parts(layer: Layer) -> list[Layer]:
    """A layer, or the two that a separable convolution is."""
    kernels = list(layer.variables.items())
    if not layer.kind.startswith("separableconv") and "pointwise_kernel" not in layer.variables:
        return [layer]
    dims = layer.kind.removeprefix("separable")
    first = layer._replace(name=f"{layer.name}/depthwise", kind=f"depthwise{dims}", variables=dict(kernels[:1]))
    return [first, layer._replace(name=f"{layer.name}/pointwise", kind=dims, variables=dict(kernels[1:]))]


# --- which layer is which ---


def _matched(ours: Mapping[str, Module], theirs: Weights, names: dict[str, str]) -> dict[str, Layer]:
    """The layer of Keras for each path."""
    for place, module in ours.items():
        if _kind(module) is None:
            raise _error(f"{place or 'the model'} is a {type(module).__name__}, which has no counterpart that is known")
    if len(ours) != len(theirs.layers):
        raise _error(
            f"the model has {len(ours)} layers with weights, and the file {len(theirs.layers)}: {_listed(theirs)}"
        )
    # a model that is a class has groups by the names of its attributes
    known = {**{layer.place: layer for layer in theirs.layers}, **{layer.name: layer for layer in theirs.layers}}
    if wrong := [place for place in names if place not in ours]:
        raise _error(f"names has {wrong[0]!r}; the layers with weights are {', '.join(ours)}")
    if lost := [name for name in names.values() if name not in known]:
        raise _error(f"there is no layer {lost[0]!r} in the file; it has {_listed(theirs)}")
    flat = {_flat(name): layer for name, layer in known.items()}
    pairs = {place: known[names[place]] if place in names else flat.get(_flat(place)) for place in ours}
    found = {place: layer for place, layer in pairs.items() if layer is not None}
    if names and (missing := [place for place in ours if place not in found]):
        raise _error(f"names has no {missing[0]!r}, and the file no layer of that name; it has {_listed(theirs)}")
    if len(found) == len(ours):
        if len({layer.place for layer in found.values()}) < len({layer.place for layer in theirs.layers}):
            raise _error("names gives one layer to two paths")
        return found
    return _in_order(ours, theirs)


def _flat(name: str) -> str:
    return name.replace(".", "_").replace("/", "_")


def _in_order(ours: Mapping[str, Module], theirs: Weights) -> dict[str, Layer]:
    """One after the other; where the file does not have the order of the model, one after the other of a class."""
    rest, pairs = list(theirs.layers), {}
    if not theirs.in_order and not all(layer.kind in _classes() for layer in rest):
        raise _error(
            f"the file does not say in which order its layers come, {_listed(theirs)}. Give names, or save .keras"
        )
    for place, module in ours.items():
        found = rest[0] if theirs.in_order else next((layer for layer in rest if _fits(module, layer)), rest[0])
        if found.kind and not _is_kind(module, found):
            raise _error(
                f"{place or 'the model'} is a {type(module).__name__}, and the next layer of the file is "
                f"{found.name}, a {found.kind}. Give names"
            )
        rest.remove(found)
        pairs[place] = found
    return pairs


def _is_kind(module: Module, layer: Layer) -> bool:
    kind = _kind(module)
    by_channel = isinstance(module, Convolution) and module.groups == module.in_channels
    return kind is not None and layer.kind in kind.classes and (by_channel or not layer.kind.startswith("depthwise"))


def _fits(module: Module, layer: Layer) -> bool:
    """Whether the kind is right, and the shape where there is a kernel."""
    if not _is_kind(module, layer) or isinstance(module, NORMS):
        return _is_kind(module, layer)
    kernel = next(iter(layer.variables.values()))
    kind, dims = _kind(module), getattr(module, "dims", None)
    right = dims is None or kernel.ndim == dims + 2
    return right and kind is not None and kind.weight(module, kernel).shape == module.weight.shape


def _classes() -> set[str]:
    return {name for kind in KINDS.values() for name in kind.classes}


def _listed(theirs: Weights) -> str:
    return ", ".join(layer.name for layer in theirs.layers)


# --- dense layers after a flattening ---


def _flattened(model: Module, ours: Mapping[str, Module], channels: dict[str, int]) -> dict[str, int]:
    """The number of channels that were flattened before each linear layer that comes after them."""
    shown = _shown(model) if isinstance(model, Sequential) else {}
    found, before = {}, None
    for place, module in ours.items():
        if isinstance(module, Linear):
            n = module.in_features
            c = channels.get(place, shown.get(place))
            if (
                c is None
                and n != before
                and (before is not None or any(isinstance(m, Flatten) for m in model.modules()))
            ):
                raise _error(
                    f"{place} takes {n} features, and the layer before it gives {before or 'nothing'}. If they were "
                    f"flattened, their order is H W C in Keras and C H W here: give channels={{{place!r}: C}}, and C = "
                    f"{n} if nothing was"
                )
            if c is not None and (c < 1 or n % c):
                raise _error(f"channels of {place} is {c}, which does not divide its {n} features")
            found[place] = c or n
        before = _features(module) or before
    return found


def _shown(model: Sequential) -> dict[str, int]:
    """The same, of a Sequential of Sequentials, where a flattening and what it flattens can be seen."""
    found: dict[str, int] = {}
    last, flat = None, False
    for place, module in _leaves(model, ""):
        if isinstance(module, Linear):
            if flat and last:
                found[place] = last
            flat = False
        flat = flat or isinstance(module, Flatten)
        last = _features(module) or (last if _keeps_channels(module) else None)
    return found


def _keeps_channels(module: Module) -> bool:
    room, _, name = type(module).__module__.rpartition(".")
    return isinstance(module, Flatten) or (room == __name__.rpartition(".")[0] and name in KEEP_CHANNELS)


def _leaves(module: Module, path: str) -> Iterator[tuple[str, Module]]:
    for name, child in module.named_children():
        place = f"{path}.{name}" if path else name
        if isinstance(child, Sequential):
            yield from _leaves(child, place)
        else:
            yield place, child


def _features(module: Module) -> int | None:
    """The channels that come out of a layer with weights."""
    for name in ("out_channels", "out_features", "num_features", "num_channels"):
        if hasattr(module, name):
            return int(getattr(module, name))
    return None


# --- one layer ---


def _converted(place: str, module: Module, layer: Layer, channels: int | None) -> State:
    values = _variables(place, module, layer)
    kind = _kind(module)
    assert kind is not None
    if isinstance(module, NORMS):
        _check_norm(place, module, layer)
    if "weight" in values:
        weight = values["weight"]
        if channels is not None and weight.ndim == 2 and channels != len(weight):
            h_w_c = weight.reshape(-1, channels, weight.shape[1])
            weight = np.swapaxes(h_w_c, 0, 1).reshape(weight.shape)  # (h w) c o -> (c h w) o
        values["weight"] = kind.weight(module, weight)
    if isinstance(module, LayerNorm) and "bias" in values:
        values["bias"] = np.moveaxis(values["bias"], -1, 0)
    for name, array in values.items():
        if (wanted := getattr(module, name).shape) != array.shape:
            raise _error(
                f"{place} needs {name} of shape {wanted}, and {layer.name} gives {array.shape}. If another is meant, "
                "give names"
            )
    return {name: np.ascontiguousarray(array) for name, array in values.items()}


def _variables(place: str, module: Module, layer: Layer) -> State:
    """The variables of a layer by the names here."""
    wanted = [name for name in ("weight", "bias") if getattr(module, name, None) is not None]
    if isinstance(module, _BatchNorm):
        wanted += ["running_mean", "running_var"] if module.running_mean is not None else []
    left = {}
    if isinstance(module, NORMS) and len(layer.variables) < len(wanted):
        for name, setting, theirs in (("weight", "scale", "gamma"), ("bias", "center", "beta")):
            numbered = all(key.isdecimal() for key in layer.variables)
            if name in wanted and not layer.settings.get(setting, numbered or theirs in layer.variables):
                wanted.remove(name)  # what Keras leaves out is as if it was there, with ones and zeros
                left[name] = (np.ones if name == "weight" else np.zeros)(getattr(module, name).shape, np.float32)
    if len(wanted) != len(layer.variables):
        raise _error(
            f"{place} has {', '.join(wanted) or 'no weights'}, and {layer.name} has {len(layer.variables)} variable(s) "
            f"({', '.join(layer.variables)})"
        )
    return {**dict(zip(wanted, layer.variables.values(), strict=True)), **left}


def _check_norm(place: str, module: Any, layer: Layer) -> None:
    if isinstance(module, _BatchNorm) and module.convention not in ("keras", "tensorflow"):
        raise _error(
            f"{place} normalizes by the convention of {module.convention}. Call nn.use_convention(model, 'keras') first"
        )
    epsilon = layer.settings.get("epsilon")
    if epsilon is not None and not np.isclose(epsilon, module.eps, rtol=1e-6):
        raise _error(f"{place} has eps={module.eps}, and {layer.name} epsilon={epsilon}. Make it with that")


def _error(reason: str) -> CheckpointError:
    return CheckpointError(f"from_keras: {reason}.")
