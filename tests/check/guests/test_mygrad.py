"""gradcheck of functions of MyGrad's tensors."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.__main__ import main
from tinygrad_cv.check.guests.recognition import recognised
from tinygrad_cv.check.trails import first_wrong
from tinygrad_cv.core.errors import GraphError

mygrad = pytest.importorskip("mygrad", reason="MyGrad is not installed: pip install mygrad")
from mygrad.operation_base import Operation  # noqa: E402


class Half(Operation):
    """x², whose gradient forgets the 2."""

    def __call__(self, x):
        self.variables = (x,)
        return x.data**2

    def backward_var(self, grad, index, **_):
        return grad * self.variables[0].data


def half(x):
    return mygrad.execute_op(Half, x)


RIGHT = {
    "a softmax": lambda x: mygrad.nnet.activations.softmax(mygrad.sin(x)),
    "several outputs": lambda x: (mygrad.exp(x) * x, (x * x).sum()),
    "a loop with indexing": lambda x: sum(mygrad.tanh(x[i]) * x[0, i] for i in range(2)),
    "in place": lambda x: _assigned(x * 1.0),
}


def _assigned(x):
    x[0] = mygrad.exp(x[1])
    return x * x


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients(name, x):
    report = tg.gradcheck(RIGHT[name], mygrad.tensor(x))
    assert report and report.function.library == "MyGrad", report
    found = recognised(RIGHT[name], [mygrad.tensor(x)], None)
    assert found.function.trail(found.arrays, 0).steps
    assert first_wrong(found.function, found.arrays, 1, 0) is None


BLAMED = {
    "alone": (half, ("Half", False)),
    "inside": (lambda x: mygrad.tanh(half(mygrad.sin(x)) * x), ("Half", False)),
    "a detour": (lambda x: mygrad.exp(x) * x.data, ("Multiply", True)),
}


@pytest.mark.parametrize("name", BLAMED)
def test_the_first_wrong_operation_is_named(name, x):
    f, expected = BLAMED[name]
    report = tg.gradcheck(f, x)
    assert report.verdict == "wrong" and (report.blame.primitive, report.blame.cut) == expected


def test_command(capsys):
    """Its functions are classes."""
    assert main(["gradcheck", "mygrad:tanh", "--inputs", "2"]) == 0
    assert "gradcheck: correct" in capsys.readouterr().out


def test_kinks_and_what_it_does_not_have(x):
    assert tg.gradcheck(mygrad.nnet.activations.relu, np.array([-1.0, 0.0])).verdict == "not differentiable"
    with pytest.raises(GraphError, match="MyGrad does not differentiate its gradients"):
        tg.gradcheck(mygrad.sin, mygrad.tensor(x), order=2)
    with pytest.raises(GraphError, match="MyGrad gives no forward products"):
        tg.gradcheck(mygrad.sin, mygrad.tensor(x), mode="jvp")
    with pytest.raises(GraphError, match="parameters= with a function of MyGrad"):
        tg.gradcheck(lambda x: x, mygrad.tensor(x), parameters=[x])
