"""A layer of the user's own."""

import tinygrad_cv as tg
from tinygrad_cv import nn


class Scale(nn.Module):
    """y = x · weight + bias"""

    def __init__(self, features: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(tg.ones(features))
        self.bias = nn.Parameter(tg.zeros(features)) if bias else None

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        y = x * self.weight
        return y if self.bias is None else y + self.bias


scale = Scale(4)
reveal_type(scale.weight)  # Parameter
reveal_type(scale.weight * 2)  # Tensor
reveal_type(scale.train())  # Scale
reveal_type(scale.weight.detach())  # Tensor

model = nn.Sequential(nn.Flatten(), scale, nn.ReLU())
x = tg.randn(2, 2, 2)
reveal_type(x)  # Tensor
reveal_type(x.shape)  # tuple[int, ...]
reveal_type(x[0, ..., None].flatten(1).T @ [[1.0]] if x.size == 0 else x.sum(axis=(0, 1), keepdims=True))  # Tensor
reveal_type(1.0 - x)  # Tensor
reveal_type(x.split(2, axis=1))  # list[Tensor]
reveal_type(x.topk(1))  # tuple[Tensor, Tensor]
reveal_type(x.max(axis=-1).exp().reshape(1, -1).numpy())  # ndarray

with tg.no_grad():
    scale.weight *= 2.0
    scale.weight[0] = 1.0
    scale.weight.assign([1.0, 2.0, 3.0, 4.0])
y = model(x)
