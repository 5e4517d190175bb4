"""fit and its kin with one argument spoiled: an error names the function and the parameter, before any training."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint
from tinygrad_cv import nn, optim, training

X = np.random.default_rng(0).normal(size=(8, 1, 4, 4)).astype("float32")
Y = np.arange(8) % 2
SCORES, CLASSES = X.reshape(8, 16)[:, :3], np.arange(8) % 3
SIZES = ("epochs", "steps", "accumulate")  # of which large ones are right, and take long


def batches():
    return [(X[:4], Y[:4]), (X[4:], Y[4:])]


def parts(*names):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    optimizer = optim.SGD(model, lr=0.1)
    every = {
        "model": model,
        "data": batches(),
        "optimizer": optimizer,
        "epochs": 1,
        "jit": False,
        "scheduler": optim.StepLR(optimizer, 1),
        "metrics": {"accuracy": training.MulticlassAccuracy(2)},
        "clip_norm": 1.0,
        "clip_value": 1.0,
        "ema": 0.5,
        "inputs": X,
    }
    return {name: every[name] for name in names}


WHOLE = ("scheduler", "metrics", "clip_norm", "clip_value", "ema")
CALLS = {
    "fit": (training.fit, lambda: parts("model", "data", "optimizer", "epochs", "jit")),
    "fit with all": (training.fit, lambda: parts("model", "data", "optimizer", "epochs", "jit", *WHOLE)),
    "evaluate": (training.evaluate, lambda: parts("model", "data")),
    "predict": (training.predict, lambda: parts("model", "inputs")),
    "find_lr": (training.find_lr, lambda: parts("model", "data", "optimizer")),
    **{
        name: (getattr(training, name), lambda: {"num_classes": 3})
        for name in ("MulticlassAccuracy", "MulticlassConfusionMatrix", "MulticlassJaccardIndex")
    },
}
ELSEWHERE = {  # what takes anything, or has tests of its own
    "fit": ("validation", "after_step", "after_epoch", "monitor", "data", "folder"),
    "evaluate": ("data", "forward"),
    "find_lr": ("data",),
    "predict": ("forward", "inputs"),
}


@pytest.mark.parametrize("name", CALLS)
def test_one_wrong_argument(name):
    function, given = CALLS[name]
    called = name.split()[0]
    function(**given())
    parameters, found = inspect.signature(function).parameters, []
    for key, parameter in parameters.items():
        if key in ELSEWHERE.get(called, ()):
            continue
        for wrong in wrong_values(given().get(key, parameter.default)):
            if key in SIZES and isinstance(wrong, int) and wrong > 100:
                continue
            arguments = {**given(), key: wrong}
            problem = complaint(lambda arguments=arguments: function(**arguments), called, parameters)
            found += [f"{called}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["MulticlassAccuracy", "MulticlassConfusionMatrix", "MulticlassJaccardIndex"])
@pytest.mark.parametrize("key", ["preds", "target"])
def test_wrong_predictions(name, key):
    found = []
    for wrong in wrong_values(SCORES if key == "preds" else CLASSES):
        metric = getattr(training, name)(3)
        given = {"preds": SCORES, "target": CLASSES, key: wrong}
        problem = complaint(lambda metric=metric, given=given: metric.update(**given), name, ("preds", "target"))
        found += [f"update({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)
