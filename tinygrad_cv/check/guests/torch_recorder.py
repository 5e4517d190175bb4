"""What PyTorch computes while a function runs, seen from outside: nothing is patched, and all hooks are removed.

Values are seen where a function of PyTorch's takes or returns them, by the mode that PyTorch has for that, and
gradients by hooks on the nodes that compute them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from ..trails import Step, user_line

Key: TypeAlias = tuple[int, int]


class Seen(NamedTuple):
    """A value that was computed."""

    edge: GradientEdge
    value: torch.Tensor
    step: Step
    constants: tuple[Any, ...] = ()  # tensors and numbers without a gradient that it was computed from


def key(edge: GradientEdge) -> Key:
    """What tells a value of the graph from others, as long as the graph lives."""
    return id(edge.node), edge.output_nr


class Recorder(TorchFunctionMode):
    """Sees all values that have a gradient, in the order of computation.

    Args:
        names: of modules, as far as they are known.
        given: what is known from the start: the inputs.
    """

    def __init__(self, names: Mapping[torch.nn.Module, str], given: Sequence[Seen]):
        super().__init__()
        self.names, self.modules = names, list[str]()
        self.seen: list[Seen] = []
        self.known = {key(s.edge): s for s in given}
        self.places: dict[int, Step] = {}  # of nodes, by their id, with the module and the line of the call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of PyTorch, and look at what it takes and returns."""
        kwargs = kwargs or {}
        read = list(_leaves([args, kwargs]))
        for x in read:
            self.see(x)
        if func is torch.autograd.grad and (kwargs.get("create_graph") or (len(args) > 4 and args[4])):
            with self._hooked(kwargs.get("outputs", args[0] if args else ())):
                return func(*args, **kwargs)
        returned = func(*args, **kwargs)
        constants = tuple(_kept(x) for x in read if not _has_gradient(x))
        for y in _leaves(returned):
            self.see(y, constants)
        return returned

    def see(self, x: Any, constants: tuple[Any, ...] = (), of: Step | None = None) -> None:
        """Keep a value as it is now; only once, and only if it has a gradient."""
        if not _has_gradient(x):
            return
        edge = get_gradient_edge(x)
        if key(edge) in self.known:
            return
        module, source = (
            (of.module, of.source) if of else (self.modules[-1] if self.modules else "", user_line("torch"))
        )
        for node in [edge.node, *self._between(edge.node)]:
            self.places.setdefault(id(node), _step(node, module, source))
        found = Seen(edge, x.detach().clone(), of or self.places[id(edge.node)], constants)
        self.known[key(edge)] = found
        self.seen.append(found)

    def _between(self, node: Any) -> Iterator[Any]:
        """The nodes without a known value that a node's was computed from."""
        waiting = list(node.next_functions)
        visited = set[Any]()
        while waiting:
            before, number = waiting.pop()
            if before is not None and before not in visited and (id(before), number) not in self.known:
                visited.add(before)
                yield before
                waiting += before.next_functions

    @contextmanager
    def _hooked(self, outputs: Any) -> Iterator[None]:
        """Inside, the gradients that nodes compute are seen."""
        with ExitStack() as stack:
            for node in _nodes(outputs):
                stack.callback(node.register_hook(self._look(node)).remove)
            yield

    def _look(self, node: Any) -> Callable[..., None]:
        step = self.places.get(id(node)) or _step(node, "", "")

        def look(gradients: Sequence[Any], _: Sequence[Any]) -> None:
            for g in gradients:
                self.see(g, of=step)

        return look

    @contextmanager
    def following(self) -> Iterator[None]:
        """Inside, it is known which module is being called."""

        def enter(module: torch.nn.Module, _: Any) -> None:
            self.modules.append(self.names.get(module, "") or type(module).__name__)

        def leave(*_: Any) -> None:
            self.modules.pop()

        with ExitStack() as stack:
            stack.callback(register_module_forward_pre_hook(enter).remove)
            stack.callback(register_module_forward_hook(leave, always_call=True).remove)
            yield


def _has_gradient(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.requires_grad and (x.is_floating_point() or x.is_complex())


def _kept(x: Any) -> Any:
    return x.detach().clone() if isinstance(x, torch.Tensor) else x


def _leaves(x: Any) -> Iterator[Any]:
    """The tensors and numbers in tuples, lists and dicts."""
    if isinstance(x, (torch.Tensor, float)):
        yield x
    elif isinstance(x, Mapping):
        for value in x.values():
            yield from _leaves(value)
    elif isinstance(x, (tuple, list)):
        for value in x:
            yield from _leaves(value)


def _nodes(outputs: Any) -> Iterator[Any]:
    """All nodes of a graph but those of leaves."""
    given = outputs if isinstance(outputs, (tuple, list)) and not isinstance(outputs, GradientEdge) else [outputs]
    waiting = [y.node if isinstance(y, GradientEdge) else y.grad_fn for y in given]
    visited = set[Any]()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in visited and node.next_functions:
            visited.add(node)
            yield node
            waiting += [before for before, _ in node.next_functions]


def _step(node: Any, module: str, source: str) -> Step:
    own = getattr(node, "_forward_cls", None)  # of a class with a forward and a backward of its own
    return Step(own.__qualname__, module, _definition(own) or source) if own else Step(node.name(), module, source)


def _definition(function: type) -> str:
    """Where a class is defined."""
    try:
        return f"{inspect.getsourcefile(function)}:{inspect.getsourcelines(function)[1]}"
    except (OSError, TypeError):  # typed into an interpreter
        return ""
