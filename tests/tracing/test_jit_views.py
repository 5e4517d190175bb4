"""Changes in place of tensors that are views, or have views: compiled as in eager code, or an error with a remedy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, nn

pytestmark = pytest.mark.usefixtures("on_numpy")

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4) + 1

# What makes one tensor of another: as a view, as a copy, or as the one or the other.
MOVES = {
    "[0]": lambda y: y[0],
    "[-1]": lambda y: y[-1],
    "[1:]": lambda y: y[1:],
    "[..., ::2]": lambda y: y[..., ::2],
    "[::-1]": lambda y: y[::-1],
    "[..., ::-2]": lambda y: y[..., ::-2],
    "[None]": lambda y: y[None],
    "[...]": lambda y: y[...],
    "iter": lambda y: list(y)[-1],
    "T": lambda y: y.T,
    "swapaxes": lambda y: y.swapaxes(0, -1),
    "moveaxis": lambda y: y.moveaxis(0, -1),
    "flip": lambda y: y.flip(),
    "reshape apart": lambda y: y.reshape(*y.shape[:-1], y.shape[-1] // 2, 2) if y.shape[-1] % 2 == 0 else y[..., None],
    "reshape the same": lambda y: y.reshape(y.shape),
    "reshape to one": lambda y: y.reshape(-1),
    "flatten": lambda y: y.flatten(),
    "expand_dims": lambda y: y.expand_dims(-1),
    "squeeze": lambda y: y[:1].squeeze(0),
    "split": lambda y: y.split([1], -1)[1],
    "expand": lambda y: y.expand(2, *y.shape),
    "windows": lambda y: y.windows((2,), (1,), (1,)),
    "broadcast": lambda y: np.broadcast_to(y, (2, *y.shape)),
    "detach": lambda y: y.detach(),
    "clone": lambda y: y.clone(),
    "pad": lambda y: y.pad([(0, 0)] * (y.ndim - 1) + [(0, 1)]),
    "no pad": lambda y: y.pad([(0, 0)] * y.ndim),
    "gather": lambda y: y[[0, 0]],
    "mask": lambda y: y[np.arange(y.shape[0]) == 0],
    "astype": lambda y: y.astype("float32"),
    "asarray": lambda y: tg.asarray(y),
    "concatenate": lambda y: tg.concatenate([y]),
    "arithmetic": lambda y: y + 0.0,
}
UNCERTAIN = {"reshape to one", "flatten"}


def augmented(v):
    v -= 100.0


def scaled(v):
    v *= v + 1.0


def element(v):
    v[0] = 77.0


def everything(v):
    v[...] = v.flip() + 0.5


def row(v):
    v[0] -= 50.0


def assigned(v):
    v.assign(v * 3.0)


def both(v):
    v -= 1.0
    v.assign(v * 2.0)
    v[0] = 5.0


FORMS = {f.__name__: f for f in (augmented, scaled, element, everything, row, assigned, both)}


# Each once, of those that are alike.
FEW = ("[0]", "[1:]", "[..., ::-2]", "T", "reshape apart", "reshape to one", "expand", "windows", "detach", "gather")


def program(source, move, form, of_view, then="asarray"):
    """The values of a tensor, a view of it and another view, of which one was changed; ``given`` comes from outside."""
    move, then = MOVES[move], MOVES[then]

    def run(given):
        y = given * 2.0 if source == "result" else tg.tensor(X) if source == "made" else given
        with tg.no_grad():
            v, other = then(move(y)), move(y)
            form(v if of_view else y)
            return y * 1.0, v * 1.0, other * 1.0, y[0].sum() + v.sum()

    return run


def outcome(run, given, *closed):
    """What a call gives, and what it leaves of tensors from outside."""
    results = run(given)
    results = results if isinstance(results, tuple) else (results,)
    return [t.numpy().copy() for t in (*results, given, *closed)]


def compared(run, make, uncertain=False):
    """Twice, eager and compiled, on equal tensors."""
    eager, ours, f = make(), make(), tg.jit(run)
    for _ in range(2):
        expected = outcome(run, *eager)
        try:
            found = outcome(f, *ours)
        except TraceError as error:
            assert uncertain, error
            assert "reshape" in str(error) and "clone()" in str(error) and "test_jit_views.py:" in str(error)
            return
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_array_equal(a, b)


def tensor():
    return (tg.tensor(X),)


@pytest.mark.parametrize("move", MOVES)
def test_every_change_of_a_view_and_of_what_has_views(move):
    for form, of_view in itertools.product(FORMS.values(), (True, False)):
        compared(program("result", move, form, of_view), tensor, move in UNCERTAIN)


@pytest.mark.parametrize("source", ["made", "outside"])
@pytest.mark.parametrize("move", MOVES)
def test_of_tensors_that_are_no_results(source, move):
    for form, of_view in itertools.product((augmented, both), (True, False)):
        compared(program(source, move, form, of_view), tensor, move in UNCERTAIN)


@pytest.mark.parametrize("move", FEW)
def test_views_of_views(move):
    for then, form, of_view in itertools.product(FEW, (augmented, everything), (True, False)):
        compared(program("result", move, form, of_view, then), tensor, bool(UNCERTAIN & {move, then}))


@pytest.mark.any_python
def test_the_example():
    @tg.jit
    def f(x):
        y = x * 2.0
        v = y[0]
        v -= 1.0
        v[1] = 9.0
        return y

    np.testing.assert_array_equal(f(tg.tensor([[1.0, 2.0], [3.0, 4.0]])).numpy(), [[1.0, 9.0], [6.0, 8.0]])


@pytest.mark.any_python
@pytest.mark.parametrize("form", [augmented, element, both])
def test_views_from_before_the_call_see_what_the_call_changes(form):
    """... of a parameter, of a buffer and of an argument, which themselves see what a view was given."""
    for of_view in (True, False):

        def run(given, of_view=of_view):
            with tg.no_grad():
                form(given)
                return given.sum()

        def make(of_view=of_view):
            base = nn.Parameter(X)
            view = base.detach()[1]
            return (view, base) if of_view else (base, view, base.detach().T)

        compared(run, make)


@pytest.mark.any_python
def test_two_that_share_memory_from_before_the_call_are_refused():
    base = tg.tensor(X)
    view, apart = base[0], base[1]

    def run(a, b):
        a -= 1.0
        return (a.sum() + b.sum()) * 1.0

    f = tg.jit(run)
    for a, b in ((base, view), (view, base)):
        with pytest.raises(
            TraceError, match=r"changed in place.*test_jit_views.py:\d+.*shares its memory.*\.clone\(\)"
        ):
            f(a, b)
    np.testing.assert_array_equal(base.numpy(), X)
    assert f(view, apart).item() == (X[0] - 1.0).sum() + X[1].sum()
    with pytest.raises(TraceError, match="shares its memory"):
        f(view, view[::-1])
    np.testing.assert_array_equal(base.numpy(), np.stack([X[0] - 1.0, X[1]]))

    def later(a):
        a -= 1.0
        return view * 1.0

    with pytest.raises(TraceError, match="shares its memory"):
        tg.jit(later)(base)


@pytest.mark.any_python
def test_a_view_of_a_callers_array_is_refused():
    def run(x):
        v = x[0]
        v -= 1.0
        return x * 1.0

    with pytest.raises(TraceError, match=r"a change in place of a view inside a jitted function, on an array argument"):
        tg.jit(run)(X)


@pytest.mark.any_python
def test_what_may_not_be_written_into_gets_memory_of_its_own():
    def make():
        base = tg.tensor([1.0])
        return base.expand(3), base

    def run(given):
        given[1] = 5.0
        return given.sum()

    compared(run, make)


@pytest.mark.any_python
def test_gradients_are_those_of_the_values_before_the_change():
    w, x = nn.Parameter(np.float32([1, 2, 3])), tg.tensor([1.0, 1.0, 1.0])

    @tg.jit
    def f(x):
        loss = (w * w * x).sum()
        with tg.no_grad():
            w[0] = 50.0
        return loss

    kept = (w * w).sum()
    f(x).backward()
    assert w.grad.tolist() == [2.0, 4.0, 6.0] and w.tolist() == [50.0, 2.0, 3.0]
    with pytest.raises(tg.GraphError, match="changed in place"):
        kept.backward()


@pytest.mark.any_python
def test_an_array_from_outside_that_may_not_be_written_into_is_left_alone():
    base = tg.tensor([1.0])
    wide = base.expand(3)
    rest = wide[1:]

    @tg.jit
    def f():
        inner = wide[:2]
        wide[1] = 5.0
        return inner * 1.0

    assert f().tolist() == [1.0, 1.0] and wide.tolist() == [1.0, 5.0, 1.0]
    assert base.tolist() == [1.0] and rest.tolist() == [1.0, 1.0]


@pytest.mark.any_python
def test_where_the_function_runs_as_written():
    """Places count from the end, too; one out of range is found by a condition: then the function itself runs, and
    raises.
    """

    def run(given, index):
        y = given * 2.0
        v, row = y[1:], y[0]
        v -= 100.0
        row[...] = 3.0
        given[0] -= 1.0
        return y * y[:, 0, 0].gather(index).sum()

    eager, ours, f = tg.tensor(X), tg.tensor(X), tg.jit(run)
    view = ours[0]
    for index in ([0, 1], [1, 0], [-1, 0]):
        expected, found = run(eager, tg.tensor(index)), f(ours, tg.tensor(index))
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
        np.testing.assert_array_equal(ours.numpy(), eager.numpy())
        np.testing.assert_array_equal(view.numpy(), eager[0].numpy())
    with pytest.raises(IndexError):
        f(ours, tg.tensor([5, 0]))
    np.testing.assert_array_equal(ours.numpy(), eager.numpy())
