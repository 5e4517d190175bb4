"""docs/functions.md is what its generator writes."""

import doctest
import inspect
import re
import subprocess
import sys

import make_functions as generator
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.models.catalog import MODELS

pytestmark = pytest.mark.any_python
PAGE = generator.page()


def rows(heading):
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [re.match(r"\| \*\*`(\w+)", line)[1] for line in section.splitlines() if line.startswith("| **")]


def test_page_is_up_to_date(capsys):
    assert generator.main(["--check"]) == 0, "run: python docs/make_functions.py"
    assert capsys.readouterr().out == "functions.md is up to date.\n"


def test_page_lists_every_function_layer_optimizer_and_model_once():
    named = re.findall(r"^\| \*\*`(\w+)", PAGE, re.M)
    layers = {name for name in nn.__all__ if inspect.isclass(getattr(nn, name))} - {"Module"}
    layers = {name for name in layers if issubclass(getattr(nn, name), nn.Module)}
    for name in F.__all__:
        assert named.count(name) == 1, name
    assert sorted(rows("Models")) == sorted(MODELS)
    assert set(rows("Schedules")) == set(optim.lr_scheduler.__all__)
    assert {"SGD", "Adam", "LBFGS", "Lion"} <= set(rows("Optimizers"))
    placed = [layer.__name__ for found in generator.layers_of_functions().values() for layer in found]
    assert sorted([*placed, *rows("Layers without a function of their own")]) == sorted(layers)


def test_layers_stand_beside_their_functions():
    beside = {name: [x.__name__ for x in found] for name, found in generator.layers_of_functions().items()}
    assert beside["max_pool2d"] == ["MaxPool2d"] and beside["cross_entropy"] == ["CrossEntropyLoss"]
    assert set(beside["linear"]) == {"LazyLinear", "Linear"} and beside["standardize"] == []


def test_every_function_has_a_formula_and_an_example():
    for name in F.__all__:
        function = getattr(F, name)
        assert doctest.DocTestParser().get_examples(function.__doc__), name
        assert len(generator._formula(function)) > 5, name


def test_an_example_is_one_line():
    def one(x):
        """Twice x.

        >>> import tinygrad_cv as tg
        >>> y = one(3)
        >>> y
        6
        """
        return 2 * x

    assert generator._example(one) == "`y = one(3); y` → `6`"
    assert generator._signature(tg.functional.relu) == "relu(input, inplace=False)"


def test_the_page_needs_no_torch():
    program = "import sys; sys.path.insert(0, 'docs'); import make_functions; make_functions.page()"
    program += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=generator.PAGE.parents[1])
