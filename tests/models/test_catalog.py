"""The list of networks, and networks by name."""

from __future__ import annotations

import pytest

from tinygrad_cv import models
from tinygrad_cv.models.catalog import MODELS, TASKS

pytestmark = pytest.mark.any_python


def test_every_network_is_a_function_of_its_name():
    assert models.list() == sorted(MODELS)
    for name, entry in MODELS.items():
        assert getattr(models, name) is entry.make and name in models.__all__ and name == name.lower()


def test_tasks():
    assert sorted(name for task in TASKS for name in models.list(task)) == models.list()
    with pytest.raises(ValueError, match=r"task='detection'; it must be one of 'classification'"):
        models.list("detection")


def test_a_name_that_does_not_exist_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"no network 'resnet-18'. Did you mean resnet18 "):
        models.get("resnet-18")
    with pytest.raises(ValueError, match=r"models.list\(\) names all"):
        models.get("")
