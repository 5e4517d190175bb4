"""A model whose weights are averages of another one's, taken during its training."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import explaining
from ..core.context import no_grad
from ..frontend.creation import zeros
from ..optim.swa_utils import get_swa_avg_fn
from .batch_norm import CONVENTIONS, _BatchNorm
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..optim.swa_utils import Average, MultiAverage


class AveragedModel(Module):
    """A copy of a model whose parameters are averages over a training (Izmailov et al., "Averaging weights leads to
    wider optima and better generalization", 2018).

    :meth:`update_parameters` takes another model into the average, after each epoch or, for an exponential moving
    average, after each step; it can be part of a jitted step. The first is copied. Parameters and state are those of
    PyTorch's class: ``module.`` and the names of the model, and ``n_averaged``.

    Args:
        model: the model; it is copied.
        device: PyTorch's; None.
        avg_fn: (average, current, number averaged) -> average, of a parameter; the mean of all by default. See
            ``optim.swa_utils``.
        multi_avg_fn: the same in place, for lists of all parameters.
        use_buffers: average the buffers too; otherwise they are copied. See :func:`update_bn`.

    Raises:
        ValueError: both functions are given, or a device; or a model with other parameters is averaged.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Linear(1, 1, bias=False)
    >>> averaged = tg.nn.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = model.load_state_dict({"weight": [[value]]})
    ...     averaged.update_parameters(model)
    >>> averaged(tg.ones(1, 1)).item()
    3.0
    """

    def __init__(
        self,
        model: Module,
        device: None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ):
        super().__init__()
        if device is not None:
            raise ValueError(f"AveragedModel: device={device!r}; everything is on the CPU. Leave it out.")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: avg_fn and multi_avg_fn are both given; give one of them.")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", zeros((), dtype="int64"))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @explaining
    def update_parameters(self, model: Module) -> None:
        """Take the parameters of a model into the average."""
        parameters = _pairs(dict(self.module.named_parameters()), dict(model.named_parameters()))
        buffers = _pairs(dict(self.module.named_buffers()), dict(model.named_buffers()))
        with no_grad():
            averaged = parameters + buffers if self.use_buffers else parameters
            self._average([a for a, _ in averaged], [b for _, b in averaged])
            for own, other in [] if self.use_buffers else buffers:
                own.assign(other.clone())
            self.n_averaged.assign(self.n_averaged + 1)

    def _average(self, averages: list[Tensor], currents: list[Tensor]) -> None:
        is_first = self.n_averaged == 0  # by arithmetic, so that a trace is the same for every step
        floats = [(a, b) for a, b in zip(averages, currents, strict=True) if a.dtype.kind == "f"]
        counts = [(a, b) for a, b in zip(averages, currents, strict=True) if a.dtype.kind != "f"]
        average = self.avg_fn or get_swa_avg_fn()
        if self.multi_avg_fn is not None and floats:
            self.multi_avg_fn([a for a, _ in floats], [b for _, b in floats], self.n_averaged)
        for a, b in floats:
            mean = a if self.multi_avg_fn is not None else average(a, b, self.n_averaged)
            a.assign(is_first.where(b, mean))
        for a, b in counts:  # in float64, and rounded down
            wide = a.astype(np.float64)
            if self.multi_avg_fn is not None:
                self.multi_avg_fn([wide], [b.astype(np.float64)], self.n_averaged)
            else:
                wide = average(wide, b.astype(np.float64), self.n_averaged)
            a.assign(is_first.where(b, wide.astype(a.dtype)))


def _pairs(averages: dict[str, Any], currents: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
    form = lambda tensors: {name: (x.shape, x.dtype) for name, x in tensors.items()}  # noqa: E731
    own, other = form(averages), form(currents)
    if own != other:
        name = next(name for name in [*own, *other] if own.get(name) != other.get(name))
        raise ValueError(
            f"AveragedModel.update_parameters: {name!r} is {other.get(name, 'not there')} in the model, and "
            f"{own.get(name, 'not there')} in the average. Average models of the same kind."
        )
    return [(averages[name], currents[name].detach()) for name in averages]


@explaining
def update_bn(loader: Iterable[Any], model: Module, device: None = None) -> None:
    """Compute the running averages of batch normalization anew: means over all batches of a loader.

    For a model with averaged weights, whose activations no training has seen. The model's mode is restored.

    Args:
        loader: batches, arrays or tensors, or tuples or lists that begin with one.
        device: PyTorch's; None.

    Raises:
        ValueError: a device is given.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.BatchNorm1d(1)
    >>> tg.nn.update_bn([[tg.tensor([[1.0], [3.0]])], [tg.tensor([[5.0], [7.0]])]], model)
    >>> model.running_mean.tolist(), model.running_var.tolist()
    ([4.0], [2.0])
    """
    if device is not None:
        raise ValueError(f"update_bn: device={device!r}; everything is on the CPU. Leave it out.")
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None]
    if not norms:
        return
    was_training, momenta = model.training, [norm.momentum for norm in norms]
    try:
        with no_grad():
            for norm in norms:
                for buffer, value in (
                    (norm.running_mean, 0.0),
                    (norm.running_var, CONVENTIONS[norm.convention].start),
                    (norm.num_batches_tracked, 0),
                ):
                    if buffer is not None:
                        buffer[...] = value
                norm.momentum = None
            model.train()
            for batch in loader:
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.train(was_training)
