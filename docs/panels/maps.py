"""Every layer of a trained LeNet as it sees one image, and the two networks: one for digits, one for clothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import Tensor, nn, optim
from tinygrad_cv.data import fashion_mnist

from .digits import digits
from .exports import Export
from .networks import lenet, prepared

BATCH, EPOCHS = 50, 12
WEIGHT_DECAY = 0.02  # so much that filters are smooth enough to be read
SHOWN = "conv1", "pool1", "conv2", "pool2"


def exports() -> list[Export]:
    model = _network()

    @tg.jit
    def maps(image: Tensor) -> dict[str, Tensor]:
        with tg.no_grad():
            x, found = prepared(image), {}
            for name, layer in model.named_children():
                x = layer(x)
                if name in SHOWN:
                    found[name] = x
            return {**found, "probabilities": F.softmax(x, 1)}

    return [Export("maps", maps, (np.zeros((1, 1, 28, 28), np.uint8),))]


def trained(images: np.ndarray, labels: np.ndarray, epochs: int = EPOCHS) -> nn.Sequential:
    """A network after some epochs of SGD on these images, each moved by up to two pixels at random."""
    model = _network()
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=WEIGHT_DECAY)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, max(epochs, 1))

    @tg.jit
    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = F.cross_entropy(model(prepared(x)), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    rng = np.random.RandomState(0)
    for _ in range(epochs):
        for chosen in np.split(rng.permutation(len(images) // BATCH * BATCH), len(images) // BATCH):
            step(np.roll(images[chosen], rng.randint(-2, 3, 2), (2, 3)), labels[chosen])
        schedule.step()
    return model


def write_weights(folder: Path, epochs: int = EPOCHS, each: int = 300) -> None:
    """The weights of both networks, as the page reads them. each: so many of every digit to train on."""
    clothing = fashion_mnist().train
    sets = {"digits": digits(each, seed=0), "clothing": (clothing.images, clothing.labels)}
    for name, (images, labels) in sets.items():
        model = trained(images, labels.astype(np.int32), epochs)
        tg.save(model.state_dict(), folder / f"lenet_{name}.safetensors")


def _network() -> nn.Sequential:
    tg.manual_seed(0)
    return lenet(10)
