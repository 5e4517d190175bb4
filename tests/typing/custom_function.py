"""A function with a backward of the user's own, and derivatives as functions."""

import tinygrad_cv as tg


class Clamp(tg.CustomFunction):
    """The gradient ignores the clamping."""

    @staticmethod
    def forward(ctx: tg.FunctionContext, x: tg.Tensor, low: float) -> tg.Tensor:
        ctx.save_for_backward(x)
        return x.clip(low)

    @staticmethod
    def backward(ctx: tg.FunctionContext, g: tg.Tensor) -> tg.Tensor:
        (x,) = ctx.saved_tensors
        reveal_type(x)  # Tensor
        return g


x = tg.tensor([-1.0, 0.5, 2.0], requires_grad=True)
y = Clamp.apply(x, 0.0)
reveal_type(y)  # Tensor


def f(x: tg.Tensor, w: tg.Tensor) -> tg.Tensor:
    """A scalar function."""
    return (x * w).square().sum()


w = tg.ones(3, requires_grad=True)
reveal_type(tg.grad(f(x, w), x))  # Tensor
reveal_type(tg.grad(f(x, w), [x, w]))  # tuple[Tensor, ...]
reveal_type(tg.grad(f(x, w), [x, w], allow_unused=True))  # tuple[Tensor | None, ...]
reveal_type(tg.vjp(lambda x: x * x, x, [1.0, 1.0, 1.0]))  # tuple[Tensor, Tensor]
reveal_type(tg.hvp(f, (x, w), (tg.ones(3), tg.ones(3))))  # tuple[Tensor, tuple[Tensor, ...]]
reveal_type(tg.jacobian(lambda x: x * x, x))  # Tensor
reveal_type(tg.hessian(f, (x, w)))  # tuple[tuple[Tensor, ...], ...]
reveal_type(tg.checkpoint(f, x, w))  # Tensor

handle = x.register_hook(lambda g: g * 2)
reveal_type(handle)  # RemovableHandle
handle.remove()
