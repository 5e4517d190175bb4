"""What users of PyTorch type first: other names for arguments, and what to use where a name is not here.

:data:`REMEDIES` is the one table. A remedy says what to write instead; names that need none of their own are answered
by rule: what is a method or a functional here, what ends with ``_``, what NumPy computes, what has a near name.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

OTHER_NAMES = {
    "dim": "axis",
    "dims": "axis",
    "keepdim": "keepdims",
    "correction": "ddof",
    "unbiased": "ddof",
    "start_dim": "start",
    "end_dim": "end",
    "min": "low",
    "max": "high",
    "dim0": "first",
    "dim1": "second",
    "axis1": "first",
    "axis2": "second",
}

ARITHMETIC = {
    **dict.fromkeys(("add",), "+"),
    **dict.fromkeys(("sub", "subtract"), "-"),
    **dict.fromkeys(("mul", "multiply"), "*"),
    **dict.fromkeys(("div", "divide", "true_divide"), "/"),
    **dict.fromkeys(("bitwise_and", "logical_and"), "&"),
    **dict.fromkeys(("bitwise_or", "logical_or"), "|"),
    **dict.fromkeys(("mm", "bmm", "mv"), "@"),
    "pow": "**",
    "floor_divide": "//",
    "remainder": "%",
}
COMPARISONS = {
    **dict.fromkeys(("eq", "equal"), "=="),
    **dict.fromkeys(("ne", "not_equal"), "!="),
    **dict.fromkeys(("lt", "less"), "<"),
    **dict.fromkeys(("le", "less_equal"), "<="),
    **dict.fromkeys(("gt", "greater"), ">"),
    **dict.fromkeys(("ge", "greater_equal"), ">="),
}
_DTYPES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "byte": "uint8",
    "char": "int8",
    "bool": "bool",
}
_FUNCTIONALS = "softmax log_softmax dropout leaky_relu elu gelu silu softplus relu6"
_CPU = "everything is on the CPU; leave it out"
_LINE = "images are two-dimensional here: add an axis, x.expand_dims(2), and use the form that ends with 2d"
_PAD = "use x.pad(((0, 0), (0, 0), (top, bottom), (left, right)), value)"
_OWN = "it is not offered; compose it from methods of the tensor, and its gradient follows"

REMEDIES: dict[str, str] = {
    name: remedy
    for remedy, names in (
        (_CPU, "cuda cpu device get_device is_cuda is_cpu pin_memory is_pinned xpu mps ipu hpu"),
        ("a dtype is converted by x.astype('float64'); " + _CPU, "to type type_as"),
        ("arrays are laid out as each operation likes; leave it out", "contiguous is_contiguous"),
        ("use x.size", "numel nelement"),
        ("use x.ndim", "dim ndimension"),
        ("use x.T", "t H adjoint"),
        ("use x.mT", "mH"),
        ("use x.swapaxes(a, b)", "swapdims transpose_"),
        ("use x.moveaxis(source, destination)", "movedim"),
        ("use x.reshape(other.shape)", "view_as reshape_as"),
        ("use x.expand(other.shape)", "expand_as"),
        ("use x.reshape(*sizes)", "unflatten Unflatten"),
        ("use x.clip(low, high)", "clamp clamp_min clamp_max hardtanh Hardtanh"),
        ("use x.detach(), or .value for the array", "data"),
        ("use mask.where(value, x)", "masked_fill masked_scatter"),
        ("use x[mask]", "masked_select"),
        ("use x[index], or x.take_along_axis(index, axis)", "index_select take take_along_dim index"),
        ("use x[..., start:stop]", "narrow select narrow_copy"),
        ("use x[...] = value", "zero_ fill_ fill copy_ fill_diagonal_"),
        ("use x.assign(tg.randn(*x.shape)), tg.rand, or nn.init within no_grad()", "normal_ uniform_ random_ normal"),
        ("use x[index] = values", "index_put index_fill index_copy put"),
        ("use x.scatter_add(index, size)", "index_add scatter scatter_reduce"),
        ("use x.split(places, axis)", "chunk tensor_split unbind hsplit vsplit dsplit split_with_sizes"),
        ("use tg.concatenate(tensors, axis)", "cat concat hstack vstack row_stack column_stack"),
        (
            "use x.repeat(n, axis)",
            "repeat_interleave interpolate Upsample UpsamplingNearest2d",
        ),
        ("use tg.concatenate([x] * n, axis)", "tile"),
        ("use abs(x)", "absolute"),
        ("use -x", "neg negative"),
        ("use ~x", "logical_not bitwise_not"),
        ("use 1.0 / x", "reciprocal"),
        ("use 1.0 / x.sqrt()", "rsqrt"),
        ("use x.exp() - 1.0", "expm1"),
        ("use (1.0 + x).log()", "log1p"),
        ("use tg.einsum", "outer inner ger vdot addmm addmv baddbmm addbmm bilinear Bilinear tensordot"),
        ("use tg.zeros, tg.ones or tg.full with x.shape", "new_zeros new_ones new_full new_empty new empty empty_like"),
        ("use tg.tensor(data, dtype)", "new_tensor as_tensor FloatTensor LongTensor"),
        ("use tg.tensor(array), or tg.from_dlpack(array) to share its memory", "from_numpy"),
        ("print(x) shows what made it, tg.graph(x) all of it", "grad_fn"),
        ("gradients of results are kept by x.retain_grad()", "retains_grad"),
        ("use model.state_dict() with safetensors or np.savez, and model.load_state_dict()", "save load"),
        ("use tg.manual_seed", "seed"),
        ("use tg.set_num_threads", "set_num_interop_threads"),
        ("use tg.jit", "compile script trace"),
        ("use tg.grad, tg.vjp, tg.jvp, tg.hessian or tg.jacobian", "autograd func"),
        ("use tg.no_grad()", "inference_mode set_grad_enabled"),
        ("use tg.Tensor", "is_tensor"),
        ("use tg.eye(classes)[labels]", "one_hot"),
        ("use weight[index]", "embedding Embedding EmbeddingBag embedding_bag"),
        (_PAD, "pad ZeroPad2d ConstantPad2d"),
        (_PAD + "; other borders are put together by tg.concatenate", "ReflectionPad2d ReplicationPad2d CircularPad2d"),
        ("use x.windows(kernel, stride, dilation)", "unfold Unfold as_strided"),
        ("use x.fold(stride, dilation, size)", "Fold"),
        ("use binary_cross_entropy_with_logits on scores", "binary_cross_entropy BCELoss"),
        ("use -F.softplus(-x)", "logsigmoid LogSigmoid"),
        ("use F.softmax(-x, dim)", "softmin Softmin"),
        ("use F.softmax(x, 1)", "Softmax2d"),
        ("use x * F.softplus(x).tanh()", "mish Mish"),
        ("use x / (1.0 + abs(x))", "softsign Softsign"),
        ("use x - x.tanh()", "tanhshrink Tanhshrink"),
        ("use (x > 0).where(x, weight * x)", "prelu PReLU"),
        ("use x * (x + 3.0).clip(0, 6) / 6.0", "hardswish Hardswish"),
        ("use (x + 3.0).clip(0, 6) / 6.0", "hardsigmoid Hardsigmoid"),
        ("use (x > threshold).where(x, value)", "threshold Threshold"),
        ("use x * (x.square().mean(-1, keepdims=True) + eps) ** -0.5 * weight", "rms_norm RMSNorm"),
        ("use ModuleList, or attributes", "ModuleDict ParameterList ParameterDict Container"),
        ("use register_buffer", "Buffer UninitializedBuffer"),
        (
            "use F.normalize(x, axes) for zero mean; x / x.norm(axis, keepdims=True) for unit length",
            "cosine_similarity",
        ),
        ("use (a - b).square() and where()", "smooth_l1_loss huber_loss SmoothL1Loss HuberLoss"),
        ("use nn.Parameter", "UninitializedParameter"),
        *((f"use x.astype({to!r})", name) for name, to in _DTYPES.items()),
        *((f"use the operator {sign}", name) for name, sign in {**ARITHMETIC, **COMPARISONS}.items()),
        *((f"use tg.functional.{name}(x)", name) for name in _FUNCTIONALS.split()),
    )
    for name in names.split()
}


def renamed(function: F) -> F:
    """Let a function take PyTorch's names for its arguments: ``dim`` for ``axis``, ``keepdim`` for ``keepdims``, ..."""
    code = inspect.unwrap(function).__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    names = {other: name for other, name in OTHER_NAMES.items() if name in own and other not in own}
    if not names:
        return function

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for other in [key for key in kwargs if key in names]:
                if names[other] in kwargs:
                    raise TypeError(
                        f"{function.__name__}: {names[other]} and {other} are one argument; give one of them."
                    )
                kwargs[names[other]] = kwargs.pop(other)
        return function(*args, **kwargs)

    return cast(F, call)


def missing(owner: str, name: str, here: Iterable[str], methods: Any, functionals: Iterable[str] = ()) -> str:
    """The message for a name that is not there: whose it would be, and what to use."""
    return f"{owner} has no {name!r}: {_remedy(name, list(here), methods, functionals)}."


def _remedy(name: str, here: list[str], methods: Any, functionals: Iterable[str]) -> str:
    if name in REMEDIES:
        return REMEDIES[name]
    base = name.rstrip("_")
    if base != name and base:
        if base in ARITHMETIC:
            return f"use x {ARITHMETIC[base]}= v, within no_grad() for what is learned"
        if hasattr(methods, base):
            return f"use x = x.{base}(...), or x.assign(x.{base}(...)) within no_grad() to change it in place"
        if base in here:
            return f"use x = {base}(x, ...)"
        rest = _remedy(base, here, methods, functionals)
        return f"use x[...] = v, x += v or x.assign(v) to change it in place; for {base}, {rest}"
    if name in functionals:
        return f"use tg.functional.{name}"
    if hasattr(methods, name) and name not in here:
        return f"use x.{name}, of the tensor"
    if isinstance(getattr(np, name, None), (np.dtype, type)) and name not in ("matrix", "ndarray"):
        return f"dtypes are NumPy's: use np.{name}, or its name as a string"
    if name.lower().endswith("1d"):
        return _LINE
    if callable(getattr(np, name, None)) or callable(getattr(np.linalg, name, None)):
        room = "np" if hasattr(np, name) else "np.linalg"
        return f"use {room}.{name}(x.numpy()), which has no derivative"
    if near := difflib.get_close_matches(name, here, 3, 0.75):
        return f"the nearest name is {' or '.join(near)}"
    return _OWN
