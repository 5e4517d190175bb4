"""A classifier from images on disk to predictions, by the functions of data and training."""

import numpy as np

from tinygrad_cv import nn, optim
from tinygrad_cv.data import DataLoader, TensorDataset, fashion_mnist, normalize, preparation
from tinygrad_cv.data import transforms as T
from tinygrad_cv.data.randomness import current
from tinygrad_cv.training import MulticlassAccuracy, evaluate, fit, predict

sets = fashion_mnist()
reveal_type(sets.train)  # LabelledImages
reveal_type(sets.train.images)  # ndarray
images, labels = sets.train.images[:8], sets.train.labels[:8]
reveal_type(labels)  # ndarray
reveal_type(sets.train.classes)  # tuple[str, ...]
reveal_type(normalize(images, mean=0.286, std=0.353))  # ndarray

prepare = preparation(images)
reveal_type(prepare.mean)  # float | Sequence[float]
reveal_type(prepare(images))  # ndarray


def darker(image: np.ndarray) -> np.ndarray:
    """An augmentation of one's own."""
    return image * np.float32(current().random())


transform = T.BatchTransform(T.Compose([T.RandomCrop(28, padding=1), darker]))
loader = DataLoader(TensorDataset(prepare(images), labels), 4, collate_fn=transform)
for batch, targets in loader:
    reveal_type(batch)  # Any
    reveal_type(targets)  # Any

model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
optimizer = optim.SGD(model, lr=0.1)
accuracy = MulticlassAccuracy(10)
history = fit(model, loader, epochs=1, optimizer=optimizer, metrics={"accuracy": accuracy}, jit=False)
reveal_type(history.column("loss"))  # list[float]
reveal_type(history.best("loss"))  # int | None
reveal_type(evaluate(model, loader)["loss"])  # float | ndarray
reveal_type(predict(model, prepare(images)))  # ndarray
