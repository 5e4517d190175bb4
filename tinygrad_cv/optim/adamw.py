"""AdamW."""

from __future__ import annotations

from .adam import Adam
from .named import ParametersOrGroups


class AdamW(Adam):
    """:class:`Adam` with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).

    p ← (1 - lr · weight_decay) p - lr · m̂ / (√v̂ + eps): the decay does not enter the moments.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> adamw = tg.optim.AdamW([x], lr=0.5, weight_decay=0.5)
    >>> (x * x).sum().backward(); adamw.step()
    >>> x
    tensor([ 0.25, -1.  ], shape=(2,), dtype=float32, requires_grad=True)
    """

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
