"""Grad-CAM against gradients in closed form, against PyTorch, and on networks that have and have not learned."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import data, models, nn, optim, training
from tinygrad_cv.explain import grad_cam, layers_with_maps

pytestmark = pytest.mark.any_python


class Squares(nn.Module):
    """y_c = Σ_k w_ck (mean of A_k²) for maps A = relu(x), so that ∂y_c / ∂A_kij = 2 w_ck A_kij / (h w)."""

    def __init__(self, weight):
        super().__init__()
        self.maps, self.score = nn.ReLU(), nn.Linear(*weight.shape[::-1], bias=False)
        self.score.load_state_dict({"weight": weight})

    def forward(self, x):
        return self.score(self.maps(x).square().mean((2, 3)))


@pytest.mark.parametrize("target", [1, [2, 0, 1], None], ids=str)
def test_a_model_with_a_known_gradient(target):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 4, 5, 6)).astype(np.float32), rng.normal(size=(3, 4)).astype(np.float32)
    found = grad_cam(Squares(w), x, target, "maps").numpy()
    maps = np.maximum(x, 0).astype(np.float64)
    scores = np.einsum("ck,nk->nc", w, (maps**2).mean((2, 3)))
    classes = scores.argmax(1) if target is None else np.broadcast_to(target, 3)
    expected = np.zeros((3, 5, 6))
    for n, c in enumerate(classes):
        for k in range(4):
            expected[n] += 2 * w[c, k] * maps[n, k].mean() / 30 * maps[n, k]  # the mean of a gradient, times the map
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=2e-5, atol=1e-6)
    assert (found > 0).any() and (target is None or (expected < 0).any())


def test_scores_over_means_of_maps_give_class_activation_maps():
    """Where a linear layer follows the means of maps, α_k is its weight / (h w) (Zhou et al., 2016)."""
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.GlobalAvgPool2d(), nn.Linear(6, 2))
    x = tg.randn(2, 1, 7, 8)
    maps, w = model[0](x).numpy(), model[2].weight.numpy()[1]
    expected = np.maximum((maps * w[:, None, None]).sum(1) / 30, 0)
    np.testing.assert_allclose(grad_cam(model, x, 1).numpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("layer", ["0", "2", "3", "5"])
def test_a_network_of_pytorch_with_the_same_weights(layer):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    rng = np.random.default_rng(0)

    def layers(nn):
        body = (
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        return nn.Sequential(*body, nn.Flatten(), nn.Linear(54, 5))

    theirs, ours = layers(torch.nn).eval(), layers(nn)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    state["1.running_mean"], state["1.running_var"] = rng.normal(size=8) / 4, rng.uniform(0.5, 2, 8)
    theirs.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    ours.load_state_dict(state)
    x, target = rng.normal(size=(3, 3, 18, 18)).astype(np.float32), [4, 0, 2]
    maps = {}
    theirs.get_submodule(layer).register_forward_hook(lambda module, args, output: maps.update(a=output))
    scores = theirs(torch.tensor(x))
    (gradient,) = torch.autograd.grad(scores[range(3), target].sum(), maps["a"])
    expected = torch.relu((gradient.mean((2, 3), keepdim=True) * maps["a"]).sum(1)).detach().numpy()
    found = grad_cam(ours.train(), x, target, layer).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found.max() > 0 and ours.training and all(p.grad is None for p in ours.parameters())


SIDE = 8  # of a quadrant
TEXTURES = [np.indices((SIDE, SIDE))[axis] % 2 for axis in (0, 1)]  # rows, columns: the two classes
OTHERS = [(np.indices((SIDE, SIDE)).sum(0) // 2 + shift) % 2 for shift in (0, 1)]  # diagonals, of the same contrast


def textures(n, rng):
    """Images of which one quadrant shows the class, its place, and the class; the other quadrants show diagonals."""
    images, places, labels = np.empty((n, 1, 2, SIDE, 2, SIDE)), rng.integers(0, 2, (n, 2)), rng.integers(0, 2, n)
    for image, place, label in zip(images, places, labels, strict=True):
        for quadrant in np.ndindex(2, 2):
            pattern = TEXTURES[label] if tuple(place) == quadrant else OTHERS[rng.integers(2)]
            image[0, quadrant[0], :, quadrant[1], :] = pattern
    images += rng.normal(0, 0.2, images.shape)
    return images.reshape(n, 1, 2 * SIDE, 2 * SIDE).astype(np.float32) - 0.5, places, labels


def lit(model):
    """The share of the maps that lies in the quadrants which show the class, of 64 images."""
    images, places, labels = textures(64, np.random.default_rng(1))
    maps = grad_cam(model, images, labels).numpy()
    inside = [map.reshape(2, SIDE, 2, SIDE)[a, :, b].sum() for map, (a, b) in zip(maps, places, strict=True)]
    return sum(inside) / maps.sum()


def test_the_map_of_a_trained_network_lights_what_the_class_depends_on_and_that_of_a_random_one_does_not():
    """The sanity check of J. Adebayo et al., "Sanity Checks for Saliency Maps", 2018: a map must depend on weights."""
    tg.manual_seed(0)
    convolutions = nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()
    model = nn.Sequential(*convolutions, nn.GlobalAvgPool2d(), nn.Linear(8, 2))
    before = lit(model)
    images, _, labels = textures(256, np.random.default_rng(0))
    loader = data.DataLoader(data.TensorDataset(images, labels), 32, shuffle=True)
    accuracy = {"accuracy": training.MulticlassAccuracy(2, average="micro")}
    history = training.fit(
        model, loader, epochs=12, optimizer=optim.Adam(model.parameters(), lr=0.02), metrics=accuracy, jit=False
    )
    assert history.column("accuracy")[-1] > 0.98
    assert lit(model) > 0.7 and before < 0.4  # by chance: a quarter


def test_layers_with_maps_are_those_of_more_than_one_place():
    assert layers_with_maps(nn.Conv2d(1, 2, 3), tg.zeros(1, 1, 8, 8)) == {}  # the model itself is no layer of it
    assert list(layers_with_maps(models.lenet5(), tg.zeros(1, 1, 28, 28)))[-1] == "pool2"
    found = layers_with_maps(models.resnet20(), tg.zeros(2, 3, 32, 32))
    assert list(found)[-1] == "layer3" and found["layer3"] == (64, 8, 8)
    model = models.convnet(1, 8, (4, 4, 4))  # whose last pooling leaves one place
    assert list(layers_with_maps(model, tg.zeros(1, 1, 8, 8)))[-1] == "features.10"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "pol2"}, r"layer='pol2' is no module of the model; there is pool2"),
        ({"layer": "fc1"}, r"layer='fc1' gives an output of shape \(1, 500\), no maps .* the last are .*pool2"),
        ({"layer": nn.ReLU()}, "layer is a ReLU that is no part of the model"),
        ({"target": 10}, "target=10; classes of the model are 0 to 9"),
        ({"target": -1}, "target=-1; classes of the model are 0 to 9"),
        ({"target": [1, 2]}, r"target=\[1, 2\]; it must be a class, or one for each of 1 images"),
        ({"model": nn.Conv2d(1, 2, 3), "layer": ""}, r"the output of the model is of shape .*; it must be scores"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(784, 2))}, "no layer of the Sequential gives maps"),
    ],
    ids=str,
)
def test_errors(options, message):
    arguments = {"model": models.lenet5(), "images": np.zeros((1, 1, 28, 28), np.float32), **options}
    with pytest.raises(ValueError, match=message):
        grad_cam(**arguments)
    assert all(module._hooks == ((), ()) for module in arguments["model"].modules())
