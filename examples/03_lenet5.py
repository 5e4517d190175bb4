"""LeNet-5 on Fashion-MNIST: [Conv, ReLU, Pool] x 2, flatten, FC, ReLU, FC.

One learns how the activations grow and shrink on their way (the volume is not preserved, whatever the slide says), and
how few lines a training loop takes: scores, loss, backward, step.
"""

import sys

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import data, models, nn, optim

IMAGES, EPOCHS = 640, 3


def accuracy(model, images, labels):
    """The share of right answers, with no graph recorded."""
    with tg.no_grad():
        scores = model.eval()(tg.tensor(images))
    return (scores.numpy().argmax(axis=1) == labels).mean()


def main(folder="runs/examples"):
    tg.manual_seed(0)
    model = models.lenet5()
    summary = nn.summary(model, (1, 28, 28))
    print(summary, "\n")
    layers = ("input", "conv1", "pool1", "conv2", "pool2", "fc1", "fc2")
    volumes = [row.activations for row in summary.rows if row.path in layers]
    print("activations:", " -> ".join(map(str, volumes)), "\n")
    assert volumes == [784, 15680, 3920, 9800, 2450, 500, 10]

    train, test = data.fashion_mnist()
    images, test_images = (data.normalize(part.images, mean=0.286, std=0.353) for part in (train, test))
    samples = data.TensorDataset(images[:IMAGES], train.labels[:IMAGES])
    loader = data.DataLoader(samples, batch_size=32, shuffle=True)
    optimizer = optim.Adam(model, lr=1e-3)
    history = []
    for epoch in range(EPOCHS):
        losses = []
        model.train()
        for batch, labels in loader:
            loss = F.cross_entropy(model(tg.tensor(batch)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
        right = accuracy(model, test_images[:500], test.labels[:500])
        print(f"epoch {epoch + 1}   mean loss {history[-1]:.3f}   test accuracy {100 * right:.1f} %")
    assert history[-1] < history[0] / 2 and right > 0.65


if __name__ == "__main__":
    main(*sys.argv[1:])
