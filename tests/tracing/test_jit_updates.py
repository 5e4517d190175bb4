"""State that a compiled step writes over: nobody who holds a value from before sees it change."""

from __future__ import annotations

import threading
import weakref

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.core import memory
from tinygrad_cv.core.ownership import COUNTS

pytest.importorskip("llvmlite")

N = 200  # 160,000 bytes: large enough to be written over
STEPS = 4
RNG = np.random.default_rng(0)
XS = [RNG.integers(-3, 4, (8, N)).astype(np.float32) for _ in range(2 * STEPS)]
XS_SQUARE = RNG.integers(-3, 4, (3, N, N)).astype(np.float32)
any_python = pytest.mark.any_python


class Training:
    """A parameter whose gradients are small integers, so that every sum is exact; and a running sum of its inputs."""

    def __init__(self, jit, zero=True):
        self.model = nn.Linear(N, N, bias=False)
        self.w = self.model.weight
        with tg.no_grad():
            self.w.assign(np.arange(N * N, dtype=np.float32).reshape(N, N) % 64)
        self.seen = tg.zeros(N, N)
        self.sgd = optim.SGD(self.model, lr=0.25, momentum=0.5)

        def step(x):
            loss = self.model(x).sum()
            if zero:
                self.sgd.zero_grad()
            loss.backward()
            self.sgd.step()
            self.seen.assign(self.seen + x[:1])
            return loss

        self.step = tg.jit(step) if jit else step

    @property
    def state(self):
        return {"w": self.w, "momentum": self.sgd.state["weight"]["momentum_buffer"], "seen": self.seen}

    @property
    def places(self):
        return [t.value.ctypes.data for t in (*self.state.values(), self.w.grad)]

    def values(self):
        return {name: t.numpy().copy() for name, t in {**self.state, "grad": self.w.grad}.items()}


def trained(steps, zero=True):
    """A compiled training after some steps, and the eager one beside it."""
    both = Training(True, zero), Training(False, zero)
    for x in XS[:steps]:
        assert both[0].step(tg.tensor(x)).item() == both[1].step(tg.tensor(x)).item()
    return both


def assert_same(one, other):
    for name, value in other.values().items():
        np.testing.assert_array_equal(one.values()[name], value, name)


@any_python
@pytest.mark.skipif(not COUNTS, reason="without counts of references each call gets new memory")
@pytest.mark.parametrize("zero", [True, False], ids=["gradients are new", "gradients add up"])
def test_a_step_writes_over_what_it_replaces(zero):
    compiled, eager = trained(1, zero)
    places = compiled.places
    for x in XS[1:STEPS]:
        compiled.step(tg.tensor(x)), eager.step(tg.tensor(x))
        assert compiled.places == places
    assert_same(compiled, eager)


def sharing(tensor):
    other = tg.zeros(N, N)
    other.assign(tensor)
    return other


HOLDERS = {
    "numpy()": lambda t: t.numpy(),
    "a part of it": lambda t: t.numpy()[3:5],
    "a view of a view": lambda t: t.numpy().T[1:].reshape(N - 1, 2, -1),
    "value": lambda t: t.value,
    "memory": lambda t: memoryview(t.numpy()),
    "detach()": lambda t: t.detach(),
    "a row": lambda t: t.detach()[7],
    "a reshape": lambda t: t.detach().reshape(-1),
    "a copy by assignment": sharing,
    "DLPack": lambda t: np.from_dlpack(t.detach()),
}


@any_python
@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("of", ["w", "momentum", "seen", "grad"])
def test_what_somebody_holds_stays_as_it_was(name, of):
    compiled, eager = trained(2)
    held = HOLDERS[name](compiled.w.grad if of == "grad" else compiled.state[of])
    before = np.array(held.numpy() if isinstance(held, tg.Tensor) else held)
    for x in XS[2:STEPS]:
        compiled.step(tg.tensor(x)), eager.step(tg.tensor(x))
    np.testing.assert_array_equal(held.numpy() if isinstance(held, tg.Tensor) else np.asarray(held), before)
    assert_same(compiled, eager)


@any_python
def test_a_gradient_that_somebody_holds_stays_as_it_was():
    compiled, eager = trained(2)
    held, before = compiled.w.grad, compiled.w.grad.numpy().copy()
    compiled.step(tg.tensor(XS[2])), eager.step(tg.tensor(XS[2]))
    assert compiled.w.grad is not held
    np.testing.assert_array_equal(held.numpy(), before)
    assert_same(compiled, eager)


@any_python
def test_state_dicts_and_averages_stay_as_they_were():
    compiled, eager = trained(2)
    averaged = nn.AveragedModel(compiled.model) if hasattr(nn, "AveragedModel") else optim.AveragedModel(compiled.model)
    averaged.update_parameters(compiled.model)
    model, sgd = compiled.model.state_dict(), compiled.sgd.state_dict()
    average = {name: np.array(p.numpy()) for name, p in averaged.named_parameters()}
    w, momentum = (compiled.values()[name] for name in ("w", "momentum"))
    compiled.step(tg.tensor(XS[2])), eager.step(tg.tensor(XS[2]))
    np.testing.assert_array_equal(np.asarray(model["weight"]), w)
    np.testing.assert_array_equal(sgd["state"]["weight"]["momentum_buffer"], momentum)
    for name, p in averaged.named_parameters():
        np.testing.assert_array_equal(p.numpy(), average[name])
    compiled.model.load_state_dict(model), eager.model.load_state_dict(model)
    compiled.step(tg.tensor(XS[3])), eager.step(tg.tensor(XS[3]))
    np.testing.assert_array_equal(np.asarray(model["weight"]), w)
    assert_same(compiled, eager)


@any_python
def test_a_graph_recorded_before_a_step_has_the_values_from_before():
    compiled, _ = trained(2)
    w = compiled.values()["w"]
    loss = compiled.w.square().sum()
    compiled.step(tg.tensor(XS[2]))
    (gradient,) = tg.grad(loss, [compiled.w])
    np.testing.assert_array_equal(gradient.numpy(), 2 * w)


@any_python
def test_a_result_is_differentiated_with_the_values_from_before_its_call():
    scale = tg.ones(N, N)

    @tg.jit
    def step(x):
        y = (x * scale).sum()
        scale.assign(scale * 2.0)
        return y

    x = tg.ones(N, N, requires_grad=True)
    results = [step(x) for _ in range(3)]
    for i, y in enumerate(results):
        (gradient,) = tg.grad(y, [x])
        assert (gradient.numpy() == 2.0**i).all()


@any_python
def test_arrays_of_somebody_else_are_not_written_over():
    compiled, eager = trained(2)
    whole = np.zeros((N + 2, N), np.float32)
    lent = np.ones((N, N), np.float32)
    frozen = np.full((N, N), 2.0, np.float32)
    frozen.flags.writeable = False
    for training in (compiled, eager):
        training.w.value = whole[1:-1]
        training.seen.value = tg.from_dlpack(lent).value
        training.sgd.state["weight"]["momentum_buffer"].value = frozen.view()
    for x in XS[2:STEPS]:
        compiled.step(tg.tensor(x)), eager.step(tg.tensor(x))
    assert not whole.any()
    assert (lent == 1).all()
    assert (frozen == 2).all()
    assert_same(compiled, eager)


@any_python
def test_read_only_and_exported_arrays_are_left_though_nobody_holds_them():
    compiled, _ = trained(2)
    frozen = np.zeros((N, N), np.float32)
    frozen.flags.writeable = False
    compiled.seen.value = frozen
    np.from_dlpack(compiled.w.detach())
    left = [weakref.ref(array) for array in (frozen, compiled.w.value)]
    del frozen
    assert memory.is_borrowed(compiled.w.value)
    compiled.step(tg.tensor(XS[2]))
    assert [array() for array in left] == [None, None]
    assert not memory.is_borrowed(compiled.w.value)  # or checksums would be computed from now on


@any_python
def test_a_gradient_in_another_order_of_elements():
    compiled, eager = trained(2)
    compiled.w.grad.value = np.asfortranarray(compiled.w.grad.numpy())
    compiled.step(tg.tensor(XS[2])), eager.step(tg.tensor(XS[2]))
    assert_same(compiled, eager)


@any_python
def test_two_tensors_with_one_array():
    compiled, eager = trained(2)
    for training in (compiled, eager):
        training.seen.assign(training.w)
    for x in XS[2:STEPS]:
        compiled.step(tg.tensor(x)), eager.step(tg.tensor(x))
    assert_same(compiled, eager)


@any_python
def test_values_changed_between_steps_are_read():
    compiled, eager = trained(2)
    for training in (compiled, eager):
        with tg.no_grad():
            training.w[3:5] = 7.0
        training.seen.assign(training.seen * 2.0)
    compiled.step(tg.tensor(XS[2])), eager.step(tg.tensor(XS[2]))
    assert_same(compiled, eager)


PAIRS = {
    "swapped": lambda a, b: (b * 2.0, a * 3.0),
    "one after the other": lambda a, b: (b + 1.0, a + b),
    "transposed": lambda a, b: (a.T * 2.0, b + 1.0),
    "shifted": lambda a, b: (tg.cat([a[1:], a[:1]], 0), b + 1.0),
    "reversed": lambda a, b: (a.flip(0) + a, b.flip(1)),
    "both the same": lambda a, b: (a + b, a + b),
    "the other": lambda a, b: (b.clone(), a.clone()),
    "a maximum of itself": lambda a, b: (a - a.max(0, keepdims=True), b - a.max()),
    "a product": lambda a, b: (a @ (b * 0.0 + 1.0), b + a),
    "nothing of it": lambda a, b: (b * 0.0 + 1.0, b),
}


@any_python
@pytest.mark.parametrize("name", PAIRS)
def test_what_an_update_reads_is_what_was_there_before(name):
    a, b = (tg.tensor(RNG.integers(-3, 4, (N, N)).astype(np.float32)) for _ in range(2))
    right = a.clone(), b.clone()

    @tg.jit
    def step():
        new = PAIRS[name](a, b)
        a.assign(new[0])
        b.assign(new[1])

    for _ in range(3):
        step()
        right = PAIRS[name](*right)
        np.testing.assert_array_equal(a.numpy(), right[0].numpy())
        np.testing.assert_array_equal(b.numpy(), right[1].numpy())
        right = right[0].clone(), right[1].clone()


@any_python
def test_a_gradient_that_is_computed_with_a_result_stays_as_it_was():
    x = tg.tensor(RNG.normal(size=(N, N)).astype(np.float32), requires_grad=True)

    def step(g):
        x.grad = None
        y = F.silu(x)
        y.backward(g)
        return y.detach()

    compiled, held = tg.jit(step), []
    for scale in range(1, 5):
        g = tg.full((N, N), float(scale))
        held.append((compiled(g), x.grad.numpy(), x.grad.numpy().copy()))
    for scale, (y, grad, before) in enumerate(held, 1):
        np.testing.assert_array_equal(grad, before)
        right = step(tg.full((N, N), float(scale)))
        np.testing.assert_allclose(y.numpy(), right.numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(grad, x.grad.numpy(), rtol=1e-5, atol=1e-6)


BINARY = (lambda a, b: a + b, lambda a, b: a - 2.0 * b, lambda a, b: a.maximum(b), lambda a, b: (a * b).clip(-9, 9))
MOVED = (lambda t: t, lambda t: t, lambda t: t.T, lambda t: t.flip(0), lambda t: tg.cat([t[7:], t[:7]], 0))


class Drawn:
    """A step that assigns to three tensors, returns two and deposits a gradient; each may be made of any before it."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        values = np.random.default_rng(seed + 1).integers(-3, 4, (4, N, N)).astype(np.float32)
        self.state, self.leaf = [tg.tensor(v) for v in values[:3]], tg.tensor(values[3], requires_grad=True)
        self.order = list(self.rng.permutation(6))
        self.drawn = [[int(self.rng.integers(n)) for n in (5 + i, 5 + i, 4, 5, 5)] for i in range(6)]

    def step(self, x):
        values = [*(t.clone() for t in self.state), x, self.leaf.detach()]
        for one, two, binary, left, right in self.drawn:
            values.append(BINARY[binary](MOVED[left](values[one]), MOVED[right](values[two])))
        made = [values[5 + i].clip(-99, 99) for i in self.order]
        for tensor, value in zip(self.state, made[:3], strict=True):
            tensor.assign(value)
        self.leaf.grad = None
        (self.leaf * made[3]).sum().backward()
        return made[4], made[5]


@pytest.mark.parametrize("seed", range(16))
def test_what_is_stored_when_and_with_what_makes_no_difference(seed):
    compiled, eager = Drawn(seed), Drawn(seed)
    step = tg.jit(compiled.step)
    for i in range(3):
        x = tg.tensor(XS_SQUARE[i])
        for found, right in zip(step(x), eager.step(x), strict=True):
            np.testing.assert_array_equal(found.numpy(), right.numpy())
        for found, right in zip([*compiled.state, compiled.leaf.grad], [*eager.state, eager.leaf.grad], strict=True):
            np.testing.assert_array_equal(found.numpy(), right.numpy())


@any_python
def test_results_are_not_written_over():
    w = tg.zeros(N, N)

    @tg.jit
    def step(x):
        w.assign(w + x)
        return w, w * 2.0

    x = tg.ones(N, N)
    results = [step(x) for _ in range(4)]
    for i, (one, two) in enumerate(results, 1):
        assert (one.numpy() == i).all()
        assert (two.numpy() == 2 * i).all()
    assert (w.numpy() == 4).all()


@any_python
def test_an_error_leaves_everything_as_it_was():
    model = nn.Linear(N, N)
    sgd = optim.SGD(model, lr=0.1, momentum=0.9)

    @tg.jit
    def step(x, labels):
        loss = F.cross_entropy(model(x), labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss

    x, labels = tg.tensor(XS[0]), np.arange(8)
    for _ in range(2):
        step(x, labels)
    tensors = [model.weight, sgd.state["weight"]["momentum_buffer"], model.weight.grad]
    values = [t.numpy().copy() for t in tensors]
    with pytest.raises(IndexError):
        step(x, labels + N)
    assert model.weight.grad is tensors[2]
    for t, value in zip(tensors, values, strict=True):
        np.testing.assert_array_equal(t.numpy(), value)
    step(x, labels)
    assert (model.weight.numpy() != values[0]).any()


class Falling:
    """A step after which each element of a large parameter is 1 less."""

    def __init__(self):
        self.w = tg.zeros(4 * N, 4 * N, requires_grad=True)
        sgd = optim.SGD([self.w], lr=1.0)

        @tg.jit
        def step():
            sgd.zero_grad()
            self.w.sum().backward()
            sgd.step()

        self.step = step


def test_another_thread_sees_whole_values_and_what_it_holds_stays():
    falling = Falling()
    falling.step()
    done, wrong, steps = threading.Event(), [], 60

    def look():
        while not done.is_set():
            view = falling.w.numpy()
            first = view.copy()
            if (first != first[0, 0]).any() or (view != first).any():
                wrong.append(first)
                return

    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(steps):
        falling.step()
    done.set()
    watcher.join()
    assert not wrong
    assert (falling.w.numpy() == -1.0 - steps).all()


def test_two_threads_that_take_the_same_steps():
    falling = Falling()
    falling.step()
    callers = [threading.Thread(target=lambda: [falling.step() for _ in range(30)]) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    found = falling.w.numpy()
    assert (found == found[0, 0]).all()
    assert -61 <= found[0, 0] <= -31  # both may begin with the same values
    falling.step()
    assert (falling.w.numpy() == found[0, 0] - 1).all()
