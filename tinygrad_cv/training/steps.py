"""What is compiled in a training: the step of an optimizer, its accumulation over batches, and the forward pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import compiler, tracing
from ..core.context import no_grad
from ..distributed import get_world_size
from ..frontend.creation import asarray
from ..nn import AveragedModel, Module
from ..nn.parallel import DistributedDataParallel
from ..optim import Optimizer
from ..optim.clip import clip_grad_norm_, clip_grad_value_
from .ranks import bare

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Loss = Callable[..., Any]  # (outputs, targets) -> the mean over the batch
Part = Callable[..., Any]


class Steps:
    """The functions that a training calls for each batch, compiled where that is wanted.

    Gradients are None between two updates: they take no memory, and every step has one and the same trace.

    Args:
        accumulate: batches whose gradients make one update: their mean, each batch by its number of samples. So
            batches of N are one of N * accumulate, except for what depends on the batch: batch normalization takes mean
            and variance over N, and its running averages move once a batch.
        clip_norm, clip_value: limits of the gradient's norm and elements.
        average: an average of the model, which follows each update.
        jit: compile.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Loss,
        accumulate: int = 1,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        average: AveragedModel | None = None,
        jit: bool = True,
    ):
        self.model, self.optimizer, self.loss, self.average = model, optimizer, loss, average
        self.accumulate, self.clip_norm, self.clip_value = accumulate, clip_norm, clip_value
        compiled: Callable[[Part], Part] = tracing.jit if jit and compiler.available() else lambda function: function
        self._step, self._add_up = compiled(self._update), compiled(self._accumulated)
        self._finish, self._flush = compiled(self._finished), compiled(self._flushed)
        self._batches, self._samples = 0, 0  # since the last update
        optimizer.zero_grad()

    @property
    def pending(self) -> bool:
        """Batches are accumulated whose update has not come yet."""
        return self._batches > 0

    def __call__(self, inputs: Any, targets: Any) -> tuple[Tensor, Tensor]:
        """Train on a batch: (its mean loss, its outputs), both from before the update."""
        if self.accumulate == 1:
            return self._step(inputs, targets)
        self._batches, self._samples = self._batches + 1, self._samples + len(targets)
        if self._batches < self.accumulate:
            with self._alone():
                return self._add_up(inputs, targets)
        return self._finish(inputs, targets, self._share())

    def flush(self) -> None:
        """Update with the batches that are accumulated, if there are any."""
        if self.pending:
            self._flush(self._share())

    def _alone(self) -> AbstractContextManager[None]:
        """Within the block ranks add up their gradients each for itself."""
        return self.model.no_sync() if isinstance(self.model, DistributedDataParallel) else nullcontext()

    def _share(self) -> np.float64:
        """What each sample counts in an update; from here on the next one is accumulated."""
        share = np.float64(1 / self._samples)
        self._batches, self._samples = 0, 0
        return share

    def _update(self, inputs: Any, targets: Any) -> tuple[Tensor, Tensor]:
        outputs = self.model(inputs)
        loss = self.loss(outputs, targets)
        loss.backward()
        self._apply()
        return loss.detach(), outputs.detach()

    def _accumulated(self, inputs: Any, targets: Any) -> tuple[Tensor, Tensor]:
        outputs = self.model(inputs)
        loss = self.loss(outputs, targets)
        (loss * len(targets)).backward()
        return loss.detach(), outputs.detach()

    def _finished(self, inputs: Any, targets: Any, share: Any) -> tuple[Tensor, Tensor]:
        result = self._accumulated(inputs, targets)
        self._apply_share(share)
        return result

    def _flushed(self, share: Any) -> None:
        if isinstance(self.model, DistributedDataParallel) and (ranks := get_world_size()) > 1:
            with no_grad():  # no backward pass comes that would average them
                for parameter in self.model.parameters():
                    if parameter.grad is not None:
                        parameter.grad = parameter.grad.all_reduce() / ranks
        self._apply_share(share)

    def _apply_share(self, share: Any) -> None:
        with no_grad():
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad = parameter.grad * asarray(share, dtype=parameter.dtype)
        self._apply()

    def _apply(self) -> None:
        if self.clip_value is not None:
            clip_grad_value_(self.model.parameters(), self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update_parameters(bare(self.model))
