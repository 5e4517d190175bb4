"""A compiled training step."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn, optim

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
optimizer = optim.Adam(model.parameters(), lr=1e-3)


@tg.jit
def step(x: tg.Tensor, target: tg.Tensor, scale: float = 1.0) -> tg.Tensor:
    """One update; the loss."""
    loss = F.cross_entropy(model(x), target) * scale
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


loss = step(tg.randn(5, 4), tg.randint(0, 3, 5))
reveal_type(loss)  # Tensor
reveal_type(loss.item())  # Any
predict = tg.jit(lambda x: model(x))

with tg.no_grad():
    predicted = predict(tg.randn(5, 4))


@tg.jit(maxsize=4)
def normalized(x: tg.Tensor) -> tuple[tg.Tensor, tg.Tensor]:
    """Two results."""
    return x - x.mean(), x.std()


reveal_type(normalized(tg.ones(3)))  # tuple[Tensor, Tensor]
