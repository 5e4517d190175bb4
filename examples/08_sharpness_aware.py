"""Sharpness-aware steps: first up, by a little, and then down along the gradient that is found there.

A minimum in a wide valley serves better on new images than one in a narrow gorge (Foret et al., "Sharpness-aware
minimization for efficiently improving generalization", 2021). So a step takes the gradient not where the weights are,
but where the loss is about the highest within a distance ρ of them: ρ along the gradient. That is a few lines before
any optimizer, and as a jitted function it is one graph. Every fifth label is wrong here, and fewer of them are learned.
"""

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import data, nn, optim
from tinygrad_cv import functional as F

RHO = 0.2  # how far a step looks for a higher loss
IMAGES, EPOCHS, BATCH = 1000, 20, 50


def prepared():
    """A few training images, of which every fifth has a wrong label, and test images."""
    train, test = data.fashion_mnist()
    images, test_images = (data.normalize(part.images, mean=0.286, std=0.353) for part in (train, test))
    is_wrong = np.arange(IMAGES) % 5 == 0
    labels = (train.labels[:IMAGES] + is_wrong) % 10
    return (images[:IMAGES], labels, is_wrong), (test_images, test.labels)


def network():
    tg.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),  # 1 x 28 x 28 -> 8 x 14 x 14
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),  # -> 16 x 7 x 7
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(784, 10),
    )


def climb(parameters, rho):
    """Move the weights by ρ along their gradient, and return the moves."""
    with tg.no_grad():
        norm = optim.get_total_norm([p.grad for p in parameters])
        moves = [p.grad * (rho / (norm + 1e-12)) for p in parameters]
        for p, move in zip(parameters, moves, strict=True):
            p.assign(p + move)
    return moves


def descend(parameters, moves):
    with tg.no_grad():
        for p, move in zip(parameters, moves, strict=True):
            p.assign(p - move)


def training_step(model, optimizer, rho):
    """One step as a function of a batch, compiled: both gradients, the climb and the update are one graph."""
    parameters = list(model.parameters())

    def gradient(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        return loss

    @tg.jit
    def step(images, labels):
        loss = gradient(images, labels)
        if rho:
            moves = climb(parameters, rho)
            gradient(images, labels)
            descend(parameters, moves)
        optimizer.step()
        return loss

    return step


def train(rho, images, labels):
    model = network()
    optimizer = optim.SGD(model, lr=0.05, momentum=0.9)
    schedule = optim.CosineAnnealingLR(optimizer, T_max=EPOCHS)
    step = training_step(model, optimizer, rho)
    rng = np.random.default_rng(0)
    for _ in range(EPOCHS):
        order = rng.permutation(len(labels)).reshape(-1, BATCH)
        for batch in order:
            step(images[batch], labels[batch])
        schedule.step()
    return model


def answers(model, images):
    with tg.no_grad():
        return model(tg.tensor(images)).numpy().argmax(1)


def main():
    (images, labels, is_wrong), (test_images, test_labels) = prepared()
    learned, right = {}, {}
    for name, rho in (("plain", 0.0), ("sharpness-aware", RHO)):
        model = train(rho, images, labels)
        learned[name] = (answers(model, images) == labels)[is_wrong].mean()
        right[name] = (answers(model, test_images) == test_labels).mean()
        print(f"{name} steps: {learned[name]:.0%} of the wrong labels learned, {right[name]:.1%} right on new images")
    assert learned["sharpness-aware"] < learned["plain"]
    assert right["sharpness-aware"] > right["plain"] + 0.02


if __name__ == "__main__":
    main()
