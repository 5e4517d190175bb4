"""PyTorch's names: argument names that are accepted too, and error messages for names that do not exist here.

:data:`REMEDIES` says what to use instead of a name, :data:`MODULE_REMEDIES` of one of a module's. For other names a
rule gives the answer: a method or functional that exists here, an in-place form ending in ``_``, a NumPy function, a
similar name.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from ..core.annotations import explain
from .numpy_names import in_graph

F = TypeVar("F", bound=Callable[..., Any])

OTHER_NAMES = (  # PyTorch's or NumPy's name of an argument, and the name that it has here
    ("dim", "axis"),
    ("dims", "axis"),
    ("dims", "axes"),
    ("keepdim", "keepdims"),
    ("correction", "ddof"),
    ("unbiased", "ddof"),
    ("start_dim", "start"),
    ("end_dim", "end"),
    ("min", "low"),
    ("max", "high"),
    ("dim0", "first"),
    ("dim1", "second"),
    ("axis1", "first"),
    ("axis2", "second"),
    ("dim1", "axis1"),
    ("dim2", "axis2"),
    ("shifts", "shift"),
    ("diagonal", "offset"),
    ("interpolation", "method"),
    ("steps", "num"),
)

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
_FUNCTIONALS = "softmax log_softmax prelu hardshrink dropout leaky_relu elu gelu silu softplus relu6"
_SAVED = (
    "use tg.save(model.state_dict(), path) and model.load_state_dict(tg.load(path)); tg.models.load reads what the "
    "train command wrote"
)
_CPU = "everything is on the CPU; leave it out"
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
        ("use x.reshape(*sizes)", "unflatten"),
        ("use x.clip(low, high)", "clamp_min clamp_max"),
        ("use x.detach(), or .value for the array", "data"),
        ("use mask.where(value, x)", "masked_scatter"),
        ("use x[mask]", "masked_select"),
        ("use x[index], or x.take_along_axis(index, axis)", "index_select take take_along_dim index"),
        ("use x[..., start:stop]", "narrow select narrow_copy"),
        ("use x[...] = value", "zero_ fill_ fill copy_ fill_diagonal_"),
        (
            "use nn.init.normal_ or nn.init.uniform_, or x.assign(tg.randn(*x.shape)) within no_grad()",
            "normal_ uniform_ random_ normal",
        ),
        ("use x[index] = values", "index_put index_fill index_copy put"),
        ("use x.scatter_add(index, size)", "index_add scatter scatter_reduce"),
        ("use x.split(places, axis)", "tensor_split split_with_sizes"),
        ("use tg.concatenate(tensors, axis)", "concat row_stack"),
        ("use x.repeat(n, axis)", "repeat_interleave"),
        ("use abs(x)", "absolute"),
        ("use -x", "neg negative"),
        ("use ~x", "logical_not bitwise_not"),
        ("use 1.0 / x", "reciprocal"),
        ("use 1.0 / x.sqrt()", "rsqrt"),
        ("use x.trunc()", "fix"),
        ("use x - x.trunc()", "frac"),
        ("use x + weight * (end - x)", "lerp"),
        ("use x + value * a * b", "addcmul"),
        ("use x + value * a / b", "addcdiv"),
        ("use x * (x == 0).where(1.0, y).log()", "xlogy"),
        ("use (x / (1.0 - x)).log()", "logit"),
        ("use 1.0 - x.erf()", "erfc"),
        ("use x.sort(axis)[..., k - 1]", "kthvalue"),
        ("use tg.einsum", "ger addmm addmv baddbmm addbmm addr bilinear Bilinear chain_matmul"),
        ("use tg.zeros, tg.ones or tg.full with x.shape", "new_zeros new_ones new_full new_empty new empty empty_like"),
        ("use tg.tensor(data, dtype)", "new_tensor as_tensor FloatTensor LongTensor"),
        ("use tg.tensor(array), or tg.from_dlpack(array) to share its memory", "from_numpy"),
        ("print(x) shows what made it, tg.graph(x) all of it", "grad_fn"),
        ("gradients of results are kept by x.retain_grad()", "retains_grad"),
        (_SAVED, "save load"),
        ("use tg.manual_seed", "seed"),
        ("use tg.set_num_threads", "set_num_interop_threads"),
        ("use tg.jit", "compile script"),
        ("use tg.grad, tg.vjp, tg.jvp, tg.hessian or tg.jacobian", "autograd func"),
        ("use tg.no_grad()", "inference_mode set_grad_enabled"),
        ("use tg.Tensor", "is_tensor"),
        ("use tg.functional.one_hot", "one_hot"),
        ("use F.embedding and a sum, mean or maximum over the axis of numbers", "EmbeddingBag embedding_bag"),
        ("use x.windows(kernel, stride, dilation), or F.unfold", "unfold as_strided"),
        ("use Sequential, ModuleList or ModuleDict", "Container"),
        ("use register_buffer", "Buffer UninitializedBuffer"),
        ("use nn.parametrize, nn.parametrizations, and tg.optim for gradients", "utils"),
        ("use nn.CrossEntropyLoss on the scores of all classes", "AdaptiveLogSoftmaxWithLoss"),
        ("use F.linear and F.cross_entropy", "linear_cross_entropy LinearCrossEntropyLoss"),
        ("use nn.Parameter", "UninitializedParameter"),
        *((f"use x.astype({to!r})", name) for name, to in _DTYPES.items()),
        *((f"use the operator {sign}", name) for name, sign in {**ARITHMETIC, **COMPARISONS}.items()),
        *((f"use tg.functional.{name}(x)", name) for name in _FUNCTIONALS.split()),
    )
    for name in names.split()
}

MODULE_REMEDIES: dict[str, str] = {
    name: remedy
    for remedy, names in (
        (_CPU, "cpu cuda ipu mtia xpu to_empty share_memory"),
        *((f"use model.to({_DTYPES[name]!r})", name) for name in ("float", "double", "half")),
        ("use model.to('float16'), or bfloat16 values in files, which load() reads", "bfloat16"),
        ("a dtype is converted by model.to('float64')", "type"),
        ("use tg.jit(model)", "compile"),
        (
            "use x.register_hook of the tensors that a forward hook is given",
            "register_backward_hook register_full_backward_hook register_full_backward_pre_hook",
        ),
        (
            "change the dict that state_dict() returns, or that load_state_dict() is given",
            "register_state_dict_pre_hook register_state_dict_post_hook register_load_state_dict_pre_hook",
        ),
        ("do it after load_state_dict()", "register_load_state_dict_post_hook"),
        ("use register_buffer: a state dict holds tensors", "get_extra_state set_extra_state"),
        ("it is not offered", "T_destination call_super_init dump_patches"),
    )
    for name in names.split()
}

# Other attributes of PyTorch's tensors, for which a rule gives the answer.
_OTHERS = """abs_ acos acosh addcdiv addcmul addr allclose aminmax angle apply_ arccos arccosh arcsin arcsinh
    arctan arctan2 arctanh argsort argwhere as_strided_scatter as_subclass asin asinh atan atan2 atanh bernoulli
    bfloat16 bincount bitwise_left_shift bitwise_right_shift bitwise_xor cauchy_ ccol_indices cdouble ceil cfloat
    chalf cholesky cholesky_inverse cholesky_solve clamp_ clip_ coalesce col_indices conj conj_physical
    const_data_ptr copysign corrcoef cos_ cosh count_nonzero cov cross crow_indices cummax cummin cumprod cumsum_
    data_ptr deg2rad dense_dim dequantize det detach_ diag diag_embed diagflat diagonal diagonal_scatter diff
    digamma dim_order dist dsplit eig element_size erf_ erfc erfinv exp2 exp_ expm1_ exponential_ fix fliplr
    flipud float_power floor_ fmax fmin fmod frac frexp gcd geometric_ geqrf grad_dtype hash_tensor heaviside
    histc histogram hsplit hypot i0 igamma igammac imag index_reduce indices inner int_repr inverse is_coalesced
    is_complex is_conj is_distributed is_floating_point is_inference is_ipu is_maia is_meta is_mkldnn is_mps
    is_mtia is_neg is_nested is_nonzero is_quantized is_same_size is_set_to is_shared is_signed is_sparse
    is_sparse_csr is_vulkan is_xla is_xpu isclose isinf isneginf isposinf isreal istft itemsize kron kthvalue
    layout lcm ldexp lerp lgamma log10 log1p_ log2 log_ log_normal_ logaddexp logaddexp2 logcumsumexp logdet
    logical_xor logit lstsq lu lu_solve map2_ map_ masked_fill_ matrix_exp matrix_power median mode module_load
    msort mtia multinomial mvlgamma name nan_to_num nanmean nanmedian nanquantile nansum nbytes new_empty_strided
    nextafter nonzero nonzero_static orgqr ormqr output_nr pinverse polygamma positive q_per_channel_axis
    q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qr qscheme quantile rad2deg real
    record_stream register_post_accumulate_grad_hook reinforce relu_ renorm resize resize_as resize_as_sparse_
    resolve_conj resolve_neg roll rot90 round row_indices scatter_add_ select_scatter set_ sgn share_memory_
    sigmoid_ sign_ signbit sin_ sinc sinh slice_inverse slice_scatter slogdet smm solve sort sparse_dim
    sparse_mask sparse_resize_ sparse_resize_and_clear_ sqrt_ square_ squeeze_ sspaddmm stft storage
    storage_offset storage_type stride sum_to_size svd swapaxes_ symeig tan tanh_ to_dense to_mkldnn
    to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr
    triangular_solve tril triu trunc unique unique_consecutive unsafe_chunk unsafe_split unsafe_split_with_sizes
    unsqueeze_ untyped_storage values vdot volatile vsplit xlogy"""


class ListedType(type):
    """The metaclass of Tensor: ``dir``, ``help`` and completion omit the names of :class:`PyTorchNames`."""

    def __dir__(cls) -> list[str]:
        return sorted({name for base in cls.__mro__ if base is not PyTorchNames for name in vars(base)})


class Answer:
    """An attribute that does not exist: reading it raises an error that says what to use.

    A descriptor, since a class with ``__getattr__`` would not get the fast attribute access of Python 3.11.
    """

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def __get__(self, tensor: Any, owner: type) -> Any:
        here = [name for name in dir(owner) if name[0] != "_"]
        message = missing("a tensor", self.name, here, here)
        raise AttributeError(message, name=self.name, obj=owner if tensor is None else tensor)


class PyTorchNames(metaclass=ListedType):
    """The attributes of PyTorch's tensors. As the last base of a class it provides those that no other base has."""

    __slots__ = ()

    # Each name and its in-place form, all at once: setting them one by one takes longer, at every import.
    vars().update(
        {form: Answer(form) for name in (*REMEDIES, *_OTHERS.split()) for form in (name, f"{name.rstrip('_')}_")}
    )

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *getattr(self, "__dict__", ())})


def renamed(function: F) -> F:
    """Let a function accept PyTorch's argument names: ``dim`` for ``axis``, ``keepdim`` for ``keepdims``, ...

    If a call fails and an argument is not what its annotation says, that is the error.
    """
    code = inspect.unwrap(function).__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    names = {other: name for other, name in OTHER_NAMES if name in own and other not in own}
    if not names:
        return function

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if not kwargs:
                return function(*args)  # an empty ** would be copied
            for other in [key for key in kwargs if key in names]:
                if names[other] in kwargs:
                    raise TypeError(
                        f"{function.__name__}: {names[other]} and {other} name the same argument; pass one of them."
                    )
                kwargs[names[other]] = kwargs.pop(other)
            return function(*args, **kwargs)
        except Exception as error:
            explain(function, args, kwargs, error)
            raise

    return cast(F, call)


def missing(owner: str, name: str, here: Sequence[str], methods: Sequence[str], functionals: Sequence[str] = ()) -> str:
    """The message for a name that does not exist: its owner, and what to use instead."""
    return f"{owner} has no {name!r}: {_remedy(name, here, methods, functionals)}."


def _remedy(name: str, here: Sequence[str], methods: Sequence[str], functionals: Sequence[str]) -> str:
    if name in REMEDIES:
        return REMEDIES[name]
    base = name.rstrip("_")
    if base != name and base:
        if base in ARITHMETIC:
            return f"use x {ARITHMETIC[base]}= v, within no_grad() for what is learned"
        if base in methods:
            return f"use x = x.{base}(...), or x.assign(x.{base}(...)) within no_grad() to change it in place"
        if base in here:
            return f"use x = {base}(x, ...)"
        rest = _remedy(base, here, methods, functionals)
        return f"use x[...] = v, x += v or x.assign(v) to change it in place; for {base}, {rest}"
    if name in functionals:
        return f"use tg.functional.{name}"
    if name in methods and name not in here:
        return f"use x.{name}, of the tensor"
    if isinstance(getattr(np, name, None), (np.dtype, type)) and name not in ("matrix", "ndarray"):
        return f"dtypes are NumPy's: use np.{name}, or its name as a string"
    for room, prefix in ((np, ""), (np.linalg, "linalg.")):
        if callable(function := getattr(room, name, None)):
            stays = in_graph(function, prefix + getattr(function, "__name__", name))
            call, what = ("(x)", "stays in the graph") if stays else ("(x.numpy())", "has no derivative")
            return f"use np.{prefix}{name}{call}, which {what}"
    if near := difflib.get_close_matches(name, here, 3, 0.75):
        return f"the nearest name is {' or '.join(near)}"
    return _OWN
