"""What a convolution layer has learned, as pictures: its filters, and what they find in an image.

One learns that a filter is a small image of the pattern it looks for, and that a feature map says where the pattern is:
each of its pixels is the dot product of the filter with the patch of the image around it.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import data, nn, optim

K, FILTERS = 7, 12


def trained(images, labels):
    """One convolution and one fully connected layer: few enough that the filters have to do the work."""
    conv, bn = nn.Conv2d(1, FILTERS, K, padding=K // 2, bias=False), nn.BatchNorm2d(FILTERS)
    with tg.no_grad():
        conv.weight.assign(conv.weight * 0.1)  # small at first: what is large in the end was learned
    model = nn.Sequential(conv, bn, nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(FILTERS * 49, 10))
    optimizer = optim.Adam(model, lr=3e-3)
    loader = data.DataLoader(data.TensorDataset(images, labels), batch_size=50, shuffle=True)
    for _ in range(2):
        for batch, target in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(tg.tensor(batch)), target).backward()
            optimizer.step()
    return model.eval()


def draw(path, image, filters, maps):
    """The image; and each filter with its feature map below."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    grid = figure.add_gridspec(4, 9)
    axis = figure.add_subplot(grid[:, :3])
    axis.imshow(image, cmap="gray")
    axis.set_title("image", fontsize=10)
    for o in range(FILTERS):
        row, column = divmod(o, 6)
        above, below = (figure.add_subplot(grid[2 * row + k, 3 + column]) for k in range(2))
        largest = abs(filters[o]).max()
        above.imshow(filters[o], cmap="RdBu_r", vmin=-largest, vmax=largest)
        above.set_title(f"filter {o}", fontsize=10)
        below.imshow(maps[o], cmap="magma")
    for axis in figure.axes:
        axis.axis("off")
    figure.suptitle("Filters (red adds, blue subtracts), and below each where in the image its pattern is (bright)")
    figure.savefig(path, dpi=130)


def main(folder="runs/examples"):
    tg.manual_seed(0)
    train, test = data.fashion_mnist()
    images, test_images = (data.normalize(part.images, std=0.353) for part in (train, test))
    model = trained(images[:3000], train.labels[:3000])
    with tg.no_grad():
        right = (model(tg.tensor(test_images)).numpy().argmax(axis=1) == test.labels).mean()
        x = tg.tensor(test_images[3:4])  # an ankle boot
        convolved = model[0](x)
        maps = model[:3](x).numpy()[0]  # normalized, and through the ReLU
    print(f"test accuracy {100 * right:.1f} %")
    assert right > 0.7

    image, filters = test_images[3, 0], model[0].weight.numpy()[:, 0]
    i, j, o = 24, 12, 9  # the lower edge of the sole
    patch = image[i - K // 2 : i + K // 2 + 1, j - K // 2 : j + K // 2 + 1]
    by_hand = (filters[o] * patch).sum()
    print(f"filter {o} at row {i}, column {j}: {convolved[0, o, i, j].item():.5f}, as a dot product {by_hand:.5f}")
    assert abs(convolved[0, o, i, j].item() - by_hand) < 1e-4

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder / "filters_and_features.png", image, filters, maps)
    print(f"written: {folder / 'filters_and_features.png'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
