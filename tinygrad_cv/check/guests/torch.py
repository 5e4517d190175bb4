"""Functions, autograd functions and modules of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.autograd.graph import get_gradient_edge

from ...core.errors import DTypeError, GraphError
from ..checked import Arrays, Checked, vector
from ..memory_layouts import LAYOUTS
from ..subject import Parameters, Subject, failure, float64, named, numbered, plain
from ..trails import Recorded, Step, Trail
from .torch_recorder import Recorder, Seen
from .torch_trail import recorded


def subject(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """A function of PyTorch's tensors; of a module the parameters that require a gradient are checked, too."""
    held, names, notes = named(parameters, f), numbered(len(given)), list[str]()
    held = {name: tensor for name, tensor in held.items() if tensor.requires_grad or parameters is not None}
    arrays = float64(list(map(_array, given)), names, notes)
    arrays += float64(list(map(_array, held.values())), list(held), [])
    tensors = [x for x in [*given, *held.values()] if isinstance(x, torch.Tensor)]
    lent: dict[int, torch.Tensor] = {}
    if isinstance(f, torch.nn.Module) and parameters is None:
        called = _functional(f, list(held))
    else:
        called, lent = _fresh(f, len(given)), dict(enumerate(held.values(), len(given)))
    device = tensors[0].device if tensors else torch.device("cpu")
    names_of = {m: name for name, m in f.named_modules()} if isinstance(f, torch.nn.Module) else {}
    function = TorchFunction(called, lent, device, names=names_of)
    if any(x.dtype == torch.float32 for x in tensors) and (problem := failure(function, arrays)):
        single = TorchFunction(called, lent, device, torch.float32, names_of)
        if not failure(single, arrays):
            function, notes = single, [f"checked in float32, to few digits, since f fails in float64: {problem}"]
    return Subject(function, arrays, [*names, *held], notes)


class TorchFunction(Checked):
    """A function of PyTorch's tensors. Each call draws the same random numbers.

    Args:
        f: takes tensors, and returns one, or tuples, lists and dicts of them.
        lent: parameters that f closes over, by their place among the inputs: they hold other values during a call.
        device, dtype: of the tensors.
        names: of modules, for messages.
    """

    library = "PyTorch"
    layouts = {  # noqa: RUF012
        "strided": LAYOUTS["strided"],
        "expanded": lambda g: torch.from_numpy(g.ravel()[:1].copy()).reshape((1,) * g.ndim).expand(g.shape),
    }

    def __init__(
        self,
        f: Callable[..., Any],
        lent: Mapping[int, torch.Tensor],
        device: torch.device,
        dtype: torch.dtype = torch.float64,
        names: Mapping[torch.nn.Module, str] | None = None,
    ):
        self.f, self.lent, self.device, self.dtype, self.names = f, lent, device, dtype, names or {}
        self.passed_over = set[str]()

    @property
    def notes(self) -> list[str]:
        """What f returns besides floats."""
        return [f"outputs of {', '.join(sorted(self.passed_over))} have no derivative"] if self.passed_over else []

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The outputs."""
        with self._leaves(inputs) as leaves:
            return [_array(y) for y in self.outputs(leaves)]

    def vjp(self, inputs: Arrays, cotangents: Sequence[Any]) -> list[np.ndarray | None]:
        """The gradients, from autograd."""
        with self._leaves(inputs) as leaves:
            parts = (torch.as_tensor(c, device=self.device) for c in cotangents)
            found = _pull(self.outputs(leaves), leaves, parts, create_graph=False)
            return [None if g is None else _array(g) for g in found]

    def jvp(self, inputs: Arrays, direction: Arrays) -> np.ndarray:
        """J u, by forward mode."""
        if self.lent:
            raise GraphError(
                "gradcheck: mode='jvp' with parameters=: PyTorch has no forward products by what f closes over. Pass "
                "the module itself, or let f take its parameters as inputs."
            )
        forward = torch.autograd.forward_ad
        with self._leaves(inputs) as leaves, forward.dual_level():
            duals = [forward.make_dual(x, self._tensor(u)) for x, u in zip(leaves, direction, strict=True)]
            pairs = [forward.unpack_dual(y) for y in self.outputs(duals)]
            return vector([_array(torch.zeros_like(y) if t is None else t) for y, t in pairs])

    def derivative(self) -> TorchFunction:
        """The function of (*inputs, v) whose outputs are the gradients of vᵀ f by the inputs."""

        def gradient(*tensors: torch.Tensor) -> list[torch.Tensor]:
            *leaves, v = tensors
            outputs = self.outputs(leaves)
            parts = v.split([y.numel() for y in outputs])
            shaped = (part.reshape(y.shape) for part, y in zip(parts, outputs, strict=True))
            found = _pull(outputs, leaves, shaped, create_graph=True)
            return [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]

        return TorchFunction(gradient, self.lent, self.device, self.dtype, self.names)

    def trail(self, inputs: Arrays, seed: int) -> Trail:
        """The autograd nodes, with what each computes by itself."""
        return Trail(self._recorded, inputs, seed)

    @contextmanager
    def _recorded(self, inputs: Arrays) -> Iterator[list[Recorded]]:
        with self._leaves(inputs) as leaves:
            given = [Seen(get_gradient_edge(x), x.detach().clone(), Step("input")) for x in leaves]
            recorder = Recorder(self.names, given)
            with recorder.following(), recorder:
                outputs = self.outputs(leaves)
            for y in outputs:
                recorder.see(y)
            yield recorded(given, recorder.seen)

    def outputs(self, leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The tensors of floats that f returns; of complex ones real and imaginary parts."""
        found = list(_tensors(self.f(*leaves)))
        self.passed_over.update(str(y.dtype) for y in found if not y.is_floating_point() and not y.is_complex())
        floats = [torch.view_as_real(y) if y.is_complex() else y for y in found]
        floats = [y for y in floats if y.is_floating_point()]
        if found and not floats:
            raise DTypeError(f"gradcheck: f returned {found[0].dtype}; only floats have derivatives: use .double().")
        return floats

    @contextmanager
    def _leaves(self, inputs: Arrays) -> Iterator[list[torch.Tensor]]:
        """The inputs as tensors that require a gradient, in the environment of each call; all is restored."""
        own = {i: (p, p.data, p.requires_grad) for i, p in self.lent.items()}
        random, threads = torch.get_rng_state(), torch.get_num_threads()
        try:
            torch.set_num_threads(1)  # for arrays as small as these a second thread mostly waits
            with torch.inference_mode(False), torch.enable_grad():
                tensors = [self._tensor(x) for x in inputs]
                for i, (p, _, _) in own.items():
                    p.data = tensors[i]
                    tensors[i] = p
                yield [x.requires_grad_() for x in tensors]
        finally:
            torch.set_num_threads(threads)
            torch.set_rng_state(random)
            for p, data, requires_grad in own.values():
                p.data = data
                p.requires_grad_(requires_grad)

    def _tensor(self, x: np.ndarray) -> torch.Tensor:
        return torch.tensor(x, dtype=self.dtype, device=self.device)


def _pull(
    outputs: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], parts: Iterable[torch.Tensor], create_graph: bool
) -> Sequence[torch.Tensor | None]:
    """The gradients, for a cotangent of each output; None for a leaf that f does not depend on."""
    pairs = [(y, part.to(y.dtype)) for y, part in zip(outputs, parts, strict=True) if y.requires_grad]
    if not pairs:
        return [None] * len(leaves)
    ys, cotangents = zip(*pairs, strict=True)
    found: Sequence[torch.Tensor | None] = torch.autograd.grad(
        ys, leaves, cotangents, create_graph=create_graph, allow_unused=True
    )
    return found


def _functional(module: torch.nn.Module, names: Sequence[str]) -> Callable[..., Any]:
    """The module as a function of its inputs and of the parameters with these names; its buffers stay as they are."""

    def f(*xs: torch.Tensor) -> Any:
        count = len(xs) - len(names)
        wide = {name: p.to(xs[0].dtype) for name, p in module.named_parameters() if p.is_floating_point()}
        buffers = {
            name: b.to(xs[0].dtype, copy=True) if b.is_floating_point() else b.clone()
            for name, b in module.named_buffers()
        }
        held = {**wide, **buffers, **dict(zip(names, xs[count:], strict=True))}
        return torch.func.functional_call(module, held, tuple(x.clone() for x in xs[:count]))

    return f


def _fresh(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The function of copies of its inputs, so that it may change them in place, as it may not change leaves."""
    return lambda *xs: f(*[x.clone() for x in xs[:count]])


def _tensors(returned: Any) -> Iterator[torch.Tensor]:
    """The tensors that a function returned, in tuples, lists and dicts."""
    if isinstance(returned, torch.Tensor):
        yield returned
    elif isinstance(returned, Mapping):
        for value in returned.values():
            yield from _tensors(value)
    elif isinstance(returned, (tuple, list)):
        for value in returned:
            yield from _tensors(value)
    elif returned is not None:
        raise GraphError(
            f"gradcheck: f returned {type(returned).__name__}; it must return tensors of PyTorch, alone or in tuples, "
            "lists and dicts."
        )


def _array(x: Any) -> np.ndarray:
    """The values, without the graph."""
    if not isinstance(x, torch.Tensor):
        return plain([x], ["an input"])[0]
    dense = x.detach().to_dense() if x.layout != torch.strided else x.detach()
    wide = dense.float() if dense.dtype == torch.bfloat16 else dense
    found: np.ndarray = wide.numpy(force=True)
    return found
