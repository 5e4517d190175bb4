"""Arrays in batches, and what tensors are made of."""

from collections.abc import Sequence

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv.data import DataLoader, TensorDataset

images = np.zeros((10, 1, 4, 4), np.float32)
labels = np.arange(10)
samples = TensorDataset(images, labels)
loader = DataLoader(samples, batch_size=4, shuffle=True)
reveal_type(loader.epoch)  # int
reveal_type(samples[0][0])  # ndarray
reveal_type(len(loader))  # int

for batch, targets in loader:
    x, target = tg.asarray(batch), tg.asarray(targets)
    reveal_type(x)  # Tensor
    reveal_type(x.numpy())  # ndarray


def batched(rows: Sequence[Sequence[float]]) -> tg.Tensor:
    """Rows as a tensor."""
    return tg.tensor(list(rows), dtype=np.float32)


reveal_type(batched([[1, 2.5], [3, 4]]))  # Tensor
reveal_type(tg.stack([tg.zeros(2), tg.ones(2)]))  # Tensor
reveal_type(tg.concatenate([tg.zeros(2), np.ones(2, np.float32)], axis=0))  # Tensor
reveal_type(tg.where(x > 0, x, 0.0))  # Tensor
reveal_type(x[target[:2] % 2])  # Tensor
reveal_type(tg.zeros(2, 3).tolist())  # Any
reveal_type(tg.full((2, 3), 1.5))  # Tensor
for row in tg.eye(2):
    reveal_type(row)  # Tensor
