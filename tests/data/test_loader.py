"""DataLoader: counts, order, repetition."""

import numpy as np
import pytest

from tinygrad_cv.data import DataLoader

pytestmark = pytest.mark.quick


def labelled(count):
    images = np.arange(count * 4, dtype=np.uint8).reshape(count, 1, 2, 2)
    return images, np.arange(count)


def order(loader):
    return [int(label) for _, labels in loader for label in labels]


@pytest.mark.parametrize(
    "count, batch_size, drop_last, sizes",
    [
        (10, 4, False, [4, 4, 2]),
        (10, 4, True, [4, 4]),
        (8, 4, False, [4, 4]),
        (8, 4, True, [4, 4]),
        (3, 4, False, [3]),
        (3, 4, True, []),
        (0, 4, False, []),
        (2, 1, True, [1, 1]),
    ],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_sizes(count, batch_size, drop_last, sizes, shuffle):
    loader = DataLoader(*labelled(count), batch_size, shuffle, drop_last)
    assert [len(labels) for _, labels in loader] == sizes and len(loader) == len(sizes)


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_image_once_with_its_label(shuffle):
    images, labels = labelled(11)
    seen = []
    for batch, batch_labels in DataLoader(images, labels, 4, shuffle):
        assert batch.dtype == images.dtype and batch.shape[1:] == (1, 2, 2)
        np.testing.assert_array_equal(batch, images[batch_labels])
        seen.extend(batch_labels)
    assert sorted(seen) == list(range(11)) and (seen != sorted(seen)) == shuffle


def test_order_follows_from_seed_and_epoch():
    loader, same, other = (DataLoader(*labelled(50), 8, shuffle=True, seed=seed) for seed in (3, 3, 4))
    epochs = [order(loader) for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert [order(same) for _ in range(3)] == epochs
    assert order(other) != epochs[0]
    resumed = DataLoader(*labelled(50), 8, shuffle=True, seed=3)
    resumed.epoch = 2
    assert order(resumed) == epochs[2] and resumed.epoch == 3


def test_an_epoch_left_early_is_an_epoch():
    loader, whole = (DataLoader(*labelled(50), 8, shuffle=True) for _ in range(2))
    next(iter(loader))
    order(whole)
    assert order(loader) == order(whole)


def test_batches_are_copies():
    images, labels = labelled(4)
    for batch, _ in DataLoader(images, labels, 2):
        batch[:] = 99
    np.testing.assert_array_equal(images, labelled(4)[0])


def test_transform_repeats_and_is_new_each_epoch():
    def noise(images, rng):
        return images + rng.random(images.shape)

    one, two = (DataLoader(*labelled(6), 4, seed=1, transform=noise) for _ in range(2))
    first, again = (np.concatenate([images for images, _ in loader]) for loader in (one, two))
    second = np.concatenate([images for images, _ in one])
    np.testing.assert_array_equal(first, again)
    assert (first != second).all() and len(np.unique(first % 1)) == first.size


def test_takes_lists():
    assert [(images.tolist(), labels.tolist()) for images, labels in DataLoader([5, 6], [0, 1])] == [([5, 6], [0, 1])]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 0}, "batch_size is 0; .* at least 1"),
        ({"batch_size": 2.5}, r"batch_size is 2\.5; .*whole number"),
        ({"seed": -1}, "seed is -1; .* at least 0"),
        ({"labels": np.arange(4)}, r"\(5, 1, 2, 2\) and labels \(4,\).*one label for each image"),
        ({"labels": 3}, r"labels \(\);"),
    ],
)
def test_bad_arguments(change, message):
    images, labels = labelled(5)
    with pytest.raises(ValueError, match=message):
        DataLoader(**{"images": images, "labels": labels, **change})


def test_transform_must_keep_the_number_of_images():
    loader = DataLoader(*labelled(5), 5, transform=lambda images, rng: images[:3])
    with pytest.raises(ValueError, match="made 3 images of 5"):
        next(iter(loader))
