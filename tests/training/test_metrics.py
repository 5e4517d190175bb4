"""Metrics against torchmetrics, over batches, on scores and classes, with absent and ignored classes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.models.torchvision_models import torchvision_models
from tinygrad_cv.training import metrics

AVERAGES = ("micro", "macro", "weighted", "none")
C = 5


def batches(rank, scored, ignored):
    """Three batches; class 3 never occurs, and is rarely predicted."""
    rng = np.random.default_rng([rank, scored])
    for n in (4, 1, 6):
        shape = (n, 3, 2)[: rank + 1]
        target = rng.choice([0, 1, 2, 4] if not ignored else [0, 1, 2, 4, ignored], shape)
        scores = rng.normal(size=(n, C, *shape[1:]))
        yield (scores if scored else scores.argmax(1)), target


def both(name, data, **options):
    torchvision_models()  # which torchmetrics imports
    torch, torchmetrics = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.classification")
    mine, other = (
        getattr(metrics, name)(num_classes=C, **options),
        getattr(torchmetrics, name)(num_classes=C, **options),
    )
    for preds, target in data:
        mine.update(preds, target)
        other.update(torch.as_tensor(preds), torch.as_tensor(target))
    np.testing.assert_allclose(mine.compute(), other.compute().numpy(), rtol=1e-6, atol=1e-7)
    return mine


@pytest.mark.parametrize("rank, scored, ignored", [*itertools.product((0, 2), (True, False), (None, 0, -1))])
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", ["MulticlassAccuracy", "MulticlassJaccardIndex"])
def test_classes_by_average(name, average, rank, scored, ignored):
    both(name, batches(rank, scored, ignored), average=average, ignore_index=ignored)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("top_k", [2, 3])
def test_the_best_few(average, top_k):
    both("MulticlassAccuracy", batches(0, True, None), average=average, top_k=top_k)


@pytest.mark.filterwarnings("ignore:.*NaN values found in confusion matrix")  # what torchmetrics says of absent classes
@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@pytest.mark.parametrize("ignored", [None, 2])
def test_confusion(normalize, ignored):
    both("MulticlassConfusionMatrix", batches(2, True, ignored), normalize=normalize, ignore_index=ignored)


@pytest.mark.any_python
def test_a_mean_by_weight():
    mean = metrics.MeanMetric()
    assert np.isnan(mean.compute())
    mean.update([1.0, 2.0], [1, 3])
    mean.update(5.0)
    assert mean.compute() == (1 + 6 + 5) / 5
    mean.reset()
    assert np.isnan(mean.compute())


@pytest.mark.any_python
def test_a_state_goes_on_and_a_wrong_one_changes_nothing():
    data = list(batches(0, True, None))
    whole, half = metrics.MulticlassAccuracy(C), metrics.MulticlassAccuracy(C)
    for preds, target in data:
        whole.update(preds, target)
    half.update(*data[0])
    rest = metrics.MulticlassAccuracy(C)
    rest.load_state_dict(half.state_dict())
    for preds, target in data[1:]:
        rest.update(preds, target)
    assert rest.compute() == whole.compute()
    with pytest.raises(ValueError, match="Make the metric with the same arguments"):
        rest.load_state_dict(metrics.MulticlassConfusionMatrix(C).state_dict())
    assert rest.compute() == whole.compute()


@pytest.mark.any_python
@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: metrics.MulticlassAccuracy(0), "num_classes is 0"),
        (lambda: metrics.MulticlassAccuracy(), "needs num_classes"),
        (lambda: metrics.MulticlassAccuracy(3, top_k=4), "top_k is 4"),
        (lambda: metrics.MulticlassAccuracy(3, average="mean"), "average='mean'"),
        (lambda: metrics.MulticlassConfusionMatrix(3, normalize="rows"), "normalize='rows'"),
        (lambda: metrics.MulticlassAccuracy(3).update(np.zeros((2, 4)), [0, 1]), "scores of 4 classes"),
        (lambda: metrics.MulticlassAccuracy(3).update(np.zeros((2, 3)), [0, 3]), "target has the class 3"),
        (lambda: metrics.MulticlassAccuracy(3).update([0, -1], [0, 1]), "preds has the class -1"),
        (lambda: metrics.MulticlassAccuracy(3).update(np.zeros((2, 3)), [0, 1, 2]), "target must be whole numbers"),
        (lambda: metrics.MulticlassAccuracy(3).update(np.zeros((2, 3)), [0.0, 1.0]), "target must be whole numbers"),
        (lambda: metrics.MulticlassAccuracy(3, top_k=2).update([0, 1], [0, 1]), "needs scores"),
    ],
)
def test_what_is_wrong_is_said(make, words):
    with pytest.raises(ValueError, match=words):
        make()
