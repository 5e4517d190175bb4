"""Images and masks are moved alike; a batch is its images one by one; a sample is the same whatever the workers."""

from __future__ import annotations

import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tinygrad_cv import data
from tinygrad_cv.data import transforms as T
from tinygrad_cv.data.randomness import batching, current, nth_sample, sample_generator, sampling

pytestmark = pytest.mark.any_python

H, W = 30, 44
MEAN = (0.4, 0.5, 0.6)
MOVES = [
    T.Pad((1, 2, 3, 4), padding_mode="reflect"),
    T.Pad(3, fill={"image": 0, "mask": -1}),
    T.CenterCrop((20, 50)),
    T.RandomCrop(24, padding=6, fill={"image": 0, "mask": -1}),
    T.RandomCrop((40, 50), pad_if_needed=True, padding_mode="symmetric"),
    T.RandomResizedCrop(25, interpolation="nearest"),
    T.Resize((17, 70), "nearest"),
    T.RandomHorizontalFlip(),
    T.RandomVerticalFlip(0.7),
    T.RandomRotation(90, fill={"image": 0, "mask": -1}),
    T.RandomRotation((20, 70), expand=True, fill={"image": 0, "mask": -1}),
    T.RandomAffine(30, (0.2, 0.1), (0.5, 1.5), (-9, 9, -9, 9), fill={"image": 0, "mask": -1}),
]
RECOLORS = [
    T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    T.RandomGrayscale(0.5),
    T.RandomErasing(1.0),
    T.ToDtype(np.float32, scale=True),
]
POLICIES = [
    T.RandAugment(3, 20, fill={"image": 0, "mask": -1}),
    T.TrivialAugmentWide(fill={"image": 0, "mask": -1}),
]
CHAIN = T.Compose(
    [
        T.RandomApply([T.RandomRotation(20)], 0.5),
        T.RandomChoice([T.ColorJitter(0.5), T.RandomGrayscale(1.0)], [1, 3]),
        T.RandomOrder([T.RandomHorizontalFlip(), T.RandomCrop(24, padding=4)]),
        lambda *inputs: inputs[0] if len(inputs) == 1 else inputs,
        T.ToDtype(np.float32, scale=True),
        T.Normalize(MEAN, (0.2, 0.3, 0.4)),
        T.RandomErasing(0.5, value="random"),
    ]
)
EVERY = [*MOVES, *RECOLORS, *POLICIES, CHAIN, *CHAIN.transforms[:3]]


def places():
    """An image whose colors say where its pixels are, and a mask that says the same."""
    y, x = np.mgrid[:H, :W]
    return np.stack([y, x, y * 0 + 200]).astype(np.uint8), y * W + x


@pytest.mark.parametrize("transform", MOVES, ids=repr)
def test_masks_are_moved_with_the_image(transform):
    image, mask = places()
    for i in range(20):
        moved, moved_mask, several, label = transform(
            image, mask, np.stack([mask, mask + 1]), "label", generator=sample_generator(0, 0, i)
        )
        assert label == "label" and moved_mask.dtype == mask.dtype and moved.shape[1:] == moved_mask.shape
        inside = moved[2] == 200
        assert inside.mean() > 0.15
        found = moved[0].astype(int) * W + moved[1]
        np.testing.assert_array_equal(np.where(inside, found, moved_mask), moved_mask)
        assert set(moved_mask[~inside].tolist()) <= {-1, 0}
        np.testing.assert_array_equal(several[0], moved_mask)
        np.testing.assert_array_equal(several[1][inside], moved_mask[inside] + 1)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_policies_move_masks_with_the_image(policy):
    image, mask = places()
    moved_some = recolored_some = 0
    for i in range(200):
        params = policy.make_params(image, sample_generator(0, 0, i))
        moves = [pair for pair in params["operations"] if pair[0] in T.policies.MOVES]
        recolored_some += len(moves) < len(params["operations"])
        moved, moved_mask = (policy.transform(image, {"operations": moves}), policy.transform_mask(mask, params))
        inside = moved[2] == 200
        found = moved[0].astype(int) * W + moved[1]
        np.testing.assert_array_equal(found[inside], moved_mask[inside])
        assert (moved_mask[~inside] == -1).all()
        moved_some += not np.array_equal(mask, moved_mask)
    assert min(moved_some, recolored_some) > 40


SMOOTH = [
    T.RandomResizedCrop(25, interpolation="bicubic"),
    T.Resize((17, 70), "lanczos"),
    T.RandomRotation(90, "bilinear"),
    T.RandomAffine(30, (0.2, 0.1), (0.5, 1.5), 9, "bicubic"),
    T.RandAugment(3, 20, interpolation="bilinear"),
    T.TrivialAugmentWide(interpolation="bilinear"),
]


@pytest.mark.parametrize("transform", SMOOTH, ids=repr)
def test_masks_keep_their_classes_where_images_are_interpolated(transform):
    mask = np.random.default_rng(2).choice(np.array([0, 7, 255], np.uint8), (H, W))
    image, blended = np.stack([mask] * 3), 0
    for i in range(30):
        moved, classes = transform(image, mask, generator=sample_generator(0, 0, i))
        assert set(classes.ravel().tolist()) <= {0, 7, 255}
        blended += bool(set(moved.ravel().tolist()) - {0, 7, 255})
    assert blended > 5


def test_fills_are_values_of_the_image():
    image, mask = places()
    for fill in (300, -1, (0, 0, 256), {"image": 1e9}):
        with pytest.raises(ValueError, match=r"^Pad: pad: fill is .*; uint8 holds 0 to 255\."):
            T.Pad(1, fill)(image)
    with pytest.raises(
        ValueError, match=r'^Pad: fill is .*one number for each channel, which a mask has not.*"mask": 0'
    ):
        T.Pad(1, (1, 2, 3))(image, mask)
    with pytest.raises(ValueError, match="fill has 2 numbers for 3 channels"):
        T.Pad(1, (1, 2))(image)
    padded, classes = T.Pad(1, {"image": (1, 2.9, 3), "mask": -1})(image, mask)
    assert padded[:, 0, 0].tolist() == [1, 2, 3] and classes[0, 0] == -1


@pytest.mark.parametrize("transform", RECOLORS, ids=repr)
def test_what_recolors_leaves_masks(transform):
    image, mask = places()
    before = image.copy()
    changed, kept = transform(image, mask, generator=sample_generator(0, 0, 1))
    assert kept is mask and changed is not image
    np.testing.assert_array_equal(image, before)


def noise(n=12, dtype=np.uint8):
    images = np.random.default_rng(5).integers(0, 256, (n, 3, H, W), np.uint8)
    return images if dtype == np.uint8 else images.astype(dtype) / dtype(255)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("transform", EVERY, ids=lambda t: re.sub(r" at 0x\w+", "", repr(t)))  # alike in all workers
def test_a_batch_is_its_images_one_by_one(transform, dtype):
    images = noise(dtype=dtype)
    if any(isinstance(part, T.RandomRotation) and part.expand for part in (transform,)):
        images = images[:1]
    before = images.copy()
    with batching(3, 1, 2, first=24):
        batch = transform.batch(images)
    one_by_one = []
    for n, image in enumerate(images):
        with sampling(3, 1, 24 + n):
            one_by_one.append(transform(image))
    np.testing.assert_array_equal(batch, np.stack(one_by_one), strict=True)
    np.testing.assert_array_equal(images, before)
    given = [sample_generator(3, 1, 24 + n) for n in range(len(images))]
    np.testing.assert_array_equal(transform.batch(images, given), batch, strict=True)
    with batching(3, 1, 2, first=24):
        one_by_one = []
        for n, image in enumerate(images):
            with nth_sample(n):
                one_by_one.append(transform(image))
    np.testing.assert_array_equal(batch, np.stack(one_by_one), strict=True)


def made(index):
    with sampling(0, 4, index):
        return CHAIN(noise(16)[index])


def test_a_sample_is_the_same_in_any_order_on_any_thread_and_after_pickling():
    expected = [made(i) for i in range(16)]
    assert len({image.tobytes() for image in expected}) == 16
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(made, range(16))), expected)
    np.testing.assert_array_equal([made(i) for i in reversed(range(16))], expected[::-1])
    copied = pickle.loads(pickle.dumps(T.Compose(CHAIN.transforms[:3])))
    for i in range(16):
        with sampling(0, 4, i):
            theirs = copied(noise(16)[i])
        np.testing.assert_array_equal(
            theirs, T.Compose(CHAIN.transforms[:3])(noise(16)[i], generator=sample_generator(0, 4, i))
        )


@pytest.mark.parametrize("transform", [*MOVES, *RECOLORS, *POLICIES, T.MixUp(num_classes=3)], ids=repr)
def test_transforms_are_pickled_for_processes_that_share_nothing(transform):
    image, copied = noise(1, np.float32)[0], pickle.loads(pickle.dumps(transform))
    inputs = (image[None], np.array([1])) if isinstance(transform, T.MixUp) else (image, places()[1])
    for i in range(3):
        made = [each(*inputs, generator=sample_generator(0, 0, i)) for each in (transform, copied)]
        for one, other in zip(*made, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
    assert repr(copied) == repr(transform)


def test_a_function_of_ones_own_draws_from_the_sample():
    drawn = []
    both = T.Compose([T.RandomHorizontalFlip(), lambda image: drawn.append(current().random()) or image])
    both(noise()[0], generator=sample_generator(0, 0, 7))
    expected = sample_generator(0, 0, 7).random(2)[1]
    both.batch(noise(2), [sample_generator(0, 0, 7), sample_generator(0, 0, 8)])
    assert drawn[:2] == [expected, expected] and drawn[2] == sample_generator(0, 0, 8).random(2)[1]


@pytest.mark.parametrize("kind", [T.RandomHorizontalFlip, T.RandomVerticalFlip, T.RandomGrayscale, T.RandomErasing])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_probabilities(kind, p):
    """Within 5 standard deviations of p N."""
    transform, images = kind(p), noise(1)
    changed = sum(
        not np.array_equal(transform(images[0], generator=sample_generator(1, 0, i)), images[0]) for i in range(600)
    )
    assert abs(changed - 600 * p) <= 5 * np.sqrt(600 * p * (1 - p))


def test_containers_choose_as_they_say():
    image = noise(1)[0]
    names = []
    parts = [lambda x, name=name: names.append(name) or x for name in "abc"]
    choice = T.RandomChoice(parts, p=[1, 0, 3])
    for i in range(400):
        choice(image, generator=sample_generator(0, 0, i))
    assert names.count("b") == 0 and abs(names.count("a") - 100) < 5 * np.sqrt(75)
    names.clear()
    for i in range(300):
        T.RandomOrder(parts)(image, generator=sample_generator(0, 0, i))
    orders = ["".join(names[i : i + 3]) for i in range(0, 900, 3)]
    counts = [orders.count(order) for order in ("abc", "acb", "bac", "bca", "cab", "cba")]
    assert sum(counts) == 300 and sum((count - 50) ** 2 / 50 for count in counts) < 22  # chi-square of 5 degrees
    names.clear()
    for i in range(300):
        T.RandomApply(parts, 0.25)(image, generator=sample_generator(0, 0, i))
    assert len(names) % 3 == 0 and abs(len(names) / 3 - 75) < 5 * np.sqrt(300 * 0.25 * 0.75)


def test_every_place_of_a_crop_is_equally_likely():
    """Chi-square of 24 places, one by one and in batches: once in 2,000."""
    image = np.arange(7 * 9, dtype=np.uint8).reshape(1, 7, 9)
    crop = T.RandomCrop((4, 4))
    one_by_one = [crop(image, generator=sample_generator(0, 0, i))[0, 0, 0] for i in range(2400)]
    with batching(0, 0, 0, first=2400):
        batch = crop.batch(np.repeat(image[None], 2400, 0))[:, 0, 0, 0]
    for corners in (one_by_one, batch):
        counts = np.bincount(corners, minlength=63).reshape(7, 9)
        assert counts.sum() == counts[:4, :6].sum() == 2400
        assert ((counts[:4, :6] - 100) ** 2 / 100).sum() < 52


def test_operations_and_signs_of_policies_are_equally_likely():
    """Chi-square of 14 operations: once in 2,000; signs within 5 standard deviations."""
    image, _ = places()
    for policy in (T.RandAugment(1), T.TrivialAugmentWide()):
        drawn = [policy.make_params(image, sample_generator(0, 2, i))["operations"][0] for i in range(1400)]
        counts = np.array([sum(name == operation for name, _ in drawn) for operation in policy.ranges(H, W)])
        assert counts.sum() == 1400 and ((counts - 100) ** 2 / 100).sum() < 37
        signs = [np.sign(m) for name, m in drawn if name in T.policies.EITHER_WAY and m]
        assert abs(sum(signs)) < 5 * np.sqrt(len(signs))
        assert min(m for name, m in drawn if name not in T.policies.EITHER_WAY) >= 0
    bins = [round(abs(m) * 30 / 135) for name, m in drawn if name == "Rotate"]
    assert len(set(bins)) > 20 and max(bins) == 30


@pytest.mark.parametrize("mixture", [T.MixUp(num_classes=3), T.CutMix(num_classes=3)], ids=repr)
def test_labels_are_mixed_as_the_pixels(mixture):
    images = np.repeat(np.arange(4, dtype=np.float32), 2 * 20 * 30).reshape(4, 2, 20, 30)
    labels = np.array([0, 1, 2, 0])
    seen = set()
    for i in range(30):
        mixed, shares = mixture(images, labels, generator=sample_generator(0, 0, i))
        assert shares.dtype == np.float32 and mixed.dtype == np.float32
        np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
        for n in range(4):
            own, before = shares[n, labels[n]], (n - 1) % 4
            if labels[n] == labels[before]:
                assert own == pytest.approx(1)
            else:
                assert mixed[n].mean() == pytest.approx(own * n + (1 - own) * before, abs=1e-3)
        seen.add(round(float(shares[1, 1]), 3))
    assert len(seen) > 20


class Each(data.Dataset):
    """Samples whose images a transform makes one by one."""

    def __init__(self, transform):
        self.transform, self.images = transform, noise(11)

    def __len__(self):
        return 11

    def __getitem__(self, index):
        return self.transform(self.images[index]), index


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_same_images_from_batches_and_from_samples(workers):
    transform = T.Compose(CHAIN.transforms[:3])
    rows = data.TensorDataset(noise(11), np.arange(11))
    options = {"batch_size": 4, "shuffle": True, "seed": 3, "num_workers": workers, "workers": "threads"}
    loaders = (
        data.DataLoader(rows, collate_fn=T.BatchTransform(transform), **options),
        data.DataLoader(Each(transform), **options),
    )
    epochs = [[list(loader) for loader in loaders] for _ in range(2)]
    for together, each in epochs:
        for (images, labels), (expected, numbers) in zip(together, each, strict=True):
            np.testing.assert_array_equal(images, expected, strict=True)
            np.testing.assert_array_equal(labels, numbers)
    first, second = (np.concatenate([images for images, _ in together]) for together, _ in epochs)
    assert len({image.tobytes() for image in (*first, *second)}) > 16


def test_transforms_of_a_batch_do_not_share_their_numbers():
    """The second draws what a Compose would let it draw, and not the first's numbers again."""
    flips = T.RandomHorizontalFlip(), T.RandomHorizontalFlip()
    samples = [(image, 0) for image in noise(40)]
    with batching(0, 0, 0, first=0):
        images, _ = T.BatchTransform(*flips)(samples)
    with batching(0, 0, 0, first=0):
        np.testing.assert_array_equal(images, T.Compose(flips).batch(noise(40)))
    assert 10 < sum(np.array_equal(image, before) for image, (before, _) in zip(images, samples, strict=True)) < 30


def test_batches_are_mixed_after_they_are_transformed():
    mixture = T.BatchTransform(T.ToDtype(np.float32, scale=True), T.MixUp(num_classes=4))
    images, labels, extra = mixture([(image, i % 4, "a") for i, image in enumerate(noise(8))])
    assert images.dtype == np.float32 and labels.shape == (8, 4) and list(extra) == ["a"] * 8
    with pytest.raises(TypeError, match=r"BatchTransform: transforms has <function .*Compose\(\[function\]\)"):
        T.BatchTransform(lambda image: image)
    with pytest.raises(TypeError, match="BatchTransform: samples become a ndarray; they must be tuples"):
        mixture(list(noise(2)))
