"""What panels compute in JavaScript is what the library computes here."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from docs.panels import digits as drawn
from docs.panels import maps, training
from docs.panels.batch_norm import EPS
from tests.deploy.node import run
from tinygrad_cv.compiler.runtime import target
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.data import fashion_mnist

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def script(out, text, given=None):
    """What a script finds as ``result``. It may import the page's modules from ``page``, and read ``given``."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (apt install nodejs)")
    head = f"const page = {json.dumps(out.as_uri())}, given = {json.dumps(given)};\n"
    tail = "\nprocess.stdout.write(JSON.stringify(result, (key, x) => (ArrayBuffer.isView(x) ? [...x] : x)));"
    command = [node, "--input-type=module", "-e", head + text + tail]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


RUN = """
import { readFile } from 'node:fs/promises';
globalThis.fetch = async (url) => new Response(await readFile(url));
const { batch, images } = await import(`${page}/lib/data.mjs`);
const { Run } = await import(`${page}/lib/run.mjs`);
const begin = async () => {
  const names = ['train', 'test'].map((kind) => `${page}/built/${kind}_${given}.mjs`);
  const functions = await Promise.all(names.map(async (name) => (await import(name)).load()));
  const [data, unseen] = await Promise.all(['clothing_train', 'clothing_test'].map(images));
  return new Run(given, ...functions, data, batch(unseen, [...unseen.labels.keys()]));
};
const run = await begin();
"""


def images_of(data, count):
    """The images that the page embeds: the first of each class, in turn."""
    chosen = [np.flatnonzero(data.labels == label)[i] for i in range(count // 10) for label in range(10)]
    return data.images[chosen], data.labels[chosen].astype(np.int32)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_run_of_the_page_has_the_losses_of_the_library(norm, out, monkeypatch):
    """Beside code for vectors as short, which sums in the same order: else a maximum among equals may be another."""
    found = script(
        out,
        RUN
        + """
        run.rate = 0.003;
        for (let i = 0; i < 20; i++) run.step();
        const again = await begin();
        const order = Array.from({ length: 20 }, () => again.next());
        const { losses, tests, accuracy, epochs, rate, smoothed, filters } = run;
        const result = { losses, tests, accuracy, epochs, rate, smoothed, filters, order };
        """,
        norm,
    )
    order = np.array(found["order"])
    assert sorted(order.ravel()) == list(range(1000)), "an epoch has every image once"
    if named("x86-64").runs_here:
        monkeypatch.setattr(target, "host", lambda: named("x86-64"))
    model, data = training.network(norm).train(), fashion_mnist()
    step = training.training_step(model)
    images, labels = images_of(data.train, 1000)
    right = [step(images[batch], labels[batch]) for batch in order]
    np.testing.assert_allclose(found["losses"], [x["loss"].item() for x in right], **CLOSE)
    np.testing.assert_allclose(found["filters"], model.conv1.weight.numpy().ravel(), **CLOSE)
    assert found["accuracy"] == sum(x["correct"].item() for x in right) / 1000
    assert found["smoothed"][-1] == [19, pytest.approx(np.mean(found["losses"][-5:]))]
    assert (found["epochs"], found["rate"]) == (1.0, 0.003)
    images, labels = images_of(data.test, 200)
    known = training.measure(model.eval())(images, labels)["correct"].item() / len(labels)
    assert [at for at, _ in found["tests"]] == [0, 10, 20]
    assert found["tests"][-1][1] == known > 2 * found["tests"][0][1]


def test_all_maps(out):
    image = fashion_mnist().test.images[3:4]
    weights = out / "built" / "lenet_clothing.safetensors"
    _, found = run(
        out / "built" / "maps.mjs", [["restore", np.fromfile(weights, np.uint8)], ["step", {"image": image}]]
    )
    model = maps.lenet(10)
    model.load_state_dict(tg.load(weights))
    x = maps.prepared(tg.tensor(image))
    for name, layer in model.named_children():
        x = layer(x)
        if name in found:
            np.testing.assert_allclose(found[name], x.numpy().ravel(), err_msg=name, **CLOSE)
    np.testing.assert_allclose(found["probabilities"], F.softmax(x, 1).numpy().ravel(), **CLOSE)
    assert list(found) == ["conv1", "pool1", "conv2", "pool2", "probabilities"]


SETTINGS = [
    {"size": size, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    for size, kernel, stride, padding, dilation in [
        (12, 3, 1, 1, 1),
        (16, 5, 4, 6, 3),
        (16, 4, 1, 5, 3),
        (16, 1, 2, 0, 1),
        (9, 2, 2, 1, 1),
        (5, 5, 1, 0, 1),
        (7, 3, 3, 2, 2),
    ]
]


def test_one_convolution_serves_all_settings(out):
    """The map and the gradient, beside a convolution that has this setting."""
    rng = np.random.default_rng(1)
    given, right = [], []
    for setting in SETTINGS:
        size, kernel, padding = setting["size"], setting["kernel"], setting["padding"]
        options = {name: setting[name] for name in ("stride", "dilation")}
        image = np.pad(rng.standard_normal((size, size)).astype(np.float32), padding)
        weights = rng.standard_normal((kernel, kernel)).astype(np.float32)
        x = tg.tensor(image[None, None], requires_grad=True)
        y = F.conv2d(x, tg.tensor(weights[None, None]), **options)
        upstream = rng.standard_normal(y.shape).astype(np.float32)
        y.backward(tg.tensor(upstream))
        right.append([y.shape[-1], y.numpy().ravel(), x.grad.numpy().ravel()])
        inner = image[padding : padding + size, padding : padding + size]
        given.append([setting, *(a.ravel().tolist() for a in (inner, weights, upstream))])
    found = script(
        out,
        """
        const { backward, forward, outputSize } = await import(`${page}/lib/convolution.mjs`);
        const compiled = await (await import(`${page}/built/convolution.mjs`)).load();
        const step = (inputs) => compiled.step(inputs);
        const result = given.map(([setting, ...arrays]) => {
          const [image, weights, upstream] = arrays.map((array) => Float32Array.from(array));
          const map = forward(step, image, setting.size, weights, setting);
          return [outputSize(setting.size, setting), map, backward(step, setting.size, weights, setting, upstream)];
        });
        """,
        given,
    )
    for setting, ours, theirs in zip(SETTINGS, found, right, strict=True):
        assert ours[0] == theirs[0], setting
        np.testing.assert_allclose(ours[1], theirs[1], err_msg=str(setting), **CLOSE)
        np.testing.assert_allclose(ours[2], theirs[2], err_msg=str(setting), **CLOSE)


def test_a_kernel_that_does_not_fit_has_no_output_and_fields_grow_by_strides(out):
    found = script(
        out,
        """
        const { outputSize, receptiveField, sizes } = await import(`${page}/lib/convolution.mjs`);
        const three = { kernel: 3, stride: 2, padding: 0, dilation: 1 };
        const result = [outputSize(2, three), sizes(16, 3, three), sizes(4, 3, three), receptiveField(3, three)];
        """,
    )
    assert found == [0, [16, 7, 3, 1], [4, 1, 0], 1 + 2 * (1 + 2 + 4)]


def test_pooling(out):
    image = np.random.default_rng(2).standard_normal((1, 1, 28, 28)).astype(np.float32)
    (found,) = run(out / "built" / "pooling.mjs", [["step", {"image": image}]])
    for size in (2, 4):
        blocks = image.reshape(28 // size, size, 28 // size, size)  # (h i) (w j)
        np.testing.assert_array_equal(found[f"max{size}"], blocks.max((1, 3)).ravel())
        np.testing.assert_allclose(found[f"average{size}"], blocks.mean((1, 3)).ravel(), **CLOSE)


def batch():
    rng = np.random.default_rng(3)
    return rng.standard_normal(8), rng.standard_normal(8), 1.5, 0.25


def by_hand(x, upstream, gamma):
    """The three paths, as textbooks have them."""
    s = np.sqrt(x.var() + EPS)
    normalized, g = (x - x.mean()) / s, gamma * upstream
    return g / s, -normalized * (g * normalized).mean() / s, np.full(8, -g.mean() / s)


def test_the_paths_of_batch_normalization(out):
    x, upstream, gamma, beta = batch()
    inputs = {"x": x, "upstream": upstream, "gamma": np.array([gamma]), "beta": np.array([beta])}
    (found,) = run(out / "built" / "batch_norm.mjs", [["step", inputs]])
    right = by_hand(x, upstream, gamma)
    for name, path in zip(("direct", "through_variance", "through_mean"), right, strict=True):
        np.testing.assert_allclose(found[name], path, rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(found["gradient"], sum(right), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["differences"], sum(right), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose([found["mean"], found["variance"]], [x.mean(), x.var()], rtol=1e-12)
    y = gamma * (x - x.mean()) / np.sqrt(x.var() + EPS) + beta
    np.testing.assert_allclose(found["y"], y, rtol=1e-12)


WRONG = {  # what is chosen for each path, and the factors by which the paths are there
    ("direct", "variance", "mean"): (1, 1, 1),
    ("direct", None, "mean"): (1, 0, 1),
    ("direct", "variance", None): (1, 1, 0),
    ("direct_without_gamma", "variance_sign", "mean_sum"): (1 / 1.5, -1, 8),
    ("direct", "variance_sum", "mean_sign"): (1, 8, -1),
    (None, None, None): (0, 0, 0),
}


def test_a_backward_is_told_which_path_it_lacks(out):
    x, upstream, gamma, _ = batch()
    given = [x.tolist(), upstream.tolist(), gamma, list(map(list, WRONG)), sum(by_hand(x, upstream, gamma)).tolist()]
    found = script(
        out,
        """
        const { difference, factors } = await import(`${page}/lib/blame.mjs`);
        const [x, upstream, gamma, choices, right] = given;
        const terms = (await (await import(`${page}/built/terms.mjs`)).load()).step({ x, upstream, gamma });
        const paths = ['direct', 'variance', 'mean'].map((name) => terms[name]);
        const result = choices.map((chosen) => {
          const sum = x.map((_, i) => chosen.reduce((all, name) => all + (name ? terms[name][i] : 0), 0));
          return [factors(sum, paths), difference(sum, right).relative];
        });
        """,
        given,
    )
    for (factors, relative), right in zip(found, WRONG.values(), strict=True):
        np.testing.assert_allclose(factors, right, atol=1e-9)
        assert (relative < 1e-12) == (right == (1, 1, 1))


def test_a_drawing_has_the_ink_of_the_digits(out):
    rng = np.random.RandomState(0)
    strokes = [drawn.written(digit, rng) for digit in range(10)] + [[np.array([[3.0, 4.0]])]]
    found = script(
        out,
        """
        const { fitted, ink } = await import(`${page}/lib/ink.mjs`);
        const result = given.map((strokes) => ink(fitted(strokes)));
        """,
        [[stroke.tolist() for stroke in one] for one in strokes],
    )
    for ours, one in zip(found, strokes, strict=True):
        np.testing.assert_allclose(ours, drawn.ink(drawn.fitted(one)).ravel(), atol=1)


def test_images_are_unpacked(out):
    found = script(
        out,
        """
        import { readFile } from 'node:fs/promises';
        globalThis.fetch = async (url) => new Response(await readFile(url));
        const { batch, images, shuffled } = await import(`${page}/lib/data.mjs`);
        const set = await images('clothing_train');
        const { labels, images: pixels } = batch(set, [0, 999]);
        const order = shuffled(set.count, 1);
        const result = [set.count, labels, pixels, new Set(order).size, order.slice(0, 3).join()];
        """,
    )
    train = fashion_mnist().train
    first, last = np.flatnonzero(train.labels == 0)[0], np.flatnonzero(train.labels == 9)[99]
    assert found[:2] == [1000, [0, 9]]
    np.testing.assert_array_equal(found[2], train.images[[first, last]].ravel())
    assert found[3] == 1000 and found[4] != "0,1,2"


def test_training_on_drawings_learns_them(out):
    pixels, labels = drawn.digits(10, seed=5)
    chosen = [np.flatnonzero(labels == digit) for digit in (3, 5, 8)]
    rng = np.random.default_rng(0)
    calls = []
    for _ in range(60):
        numbers = np.arange(16) % 3
        images = np.stack([pixels[rng.choice(chosen[label][:5])] for label in numbers])
        calls.append(["step", {"images": images, "labels": numbers}])
    losses = run(out / "built" / "drawings_train.mjs", calls)
    assert np.mean(losses[-10:]) < 0.2 < 1.0 < losses[0]
