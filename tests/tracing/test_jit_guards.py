"""Never a stale result: whatever a function depends on, after it has changed the function is traced again."""

from __future__ import annotations

import functools
import math
import threading
import types
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, nn, optim
from tinygrad_cv import functional as F
from tinygrad_cv.functional import piecewise
from tinygrad_cv.tracing.checks import Contents
from tinygrad_cv.tracing.guards import Guards

any_python = pytest.mark.any_python
pytestmark = [pytest.mark.usefixtures("on_numpy"), any_python]

SCALE = 2.0
SETTINGS = {"scale": 2.0, "list": [1.0, 2.0]}
ARRAY = np.array([1.0, 2.0], np.float32)
TENSOR = tg.tensor([1.0, 2.0])


def traces(f):
    return f.explain().count("traced because")


def ones():
    return tg.ones(2)


# ---------------------------------------------------------------- arguments


def test_another_shape_dtype_or_requirement_of_a_gradient_is_traced_anew():
    f = tg.jit(lambda x: (x * x).sum())
    for x in (tg.ones(2), tg.ones(3), tg.ones(3, 1), tg.ones(2, dtype="float64"), tg.ones(2, requires_grad=True)):
        for _ in range(2):
            y = f(x)
            assert y.item() == x.size and y.dtype == x.dtype and y.requires_grad == x.requires_grad
    assert traces(f) == 5


@pytest.mark.parametrize(
    "values",
    [
        (1, 2, True, 1.0),
        (0.0, -0.0, math.nan),
        ("sum", "mean"),
        (None, 3),
        ((1, 2), (2, 1), [2, 1]),
        ({"a": 1}, {"a": 2}, {"b": 2}),
        (slice(0, 1), slice(0, 2)),
        (np.float32(1.0), np.float64(1.0), np.float64(2.0)),
        (np.dtype("int32"), np.dtype("int64")),
    ],
)
def test_other_python_arguments_are_traced_anew(values):
    f = tg.jit(lambda x, value: (x * 1.0, value if isinstance(value, (int, float, tuple)) else str(value)))
    for value in (*values, *values):
        returned = f(ones(), value)[1]
        assert repr(returned) == repr(value if isinstance(value, (int, float, tuple)) else str(value))
    assert traces(f) == len(values)


def test_keyword_arguments_and_defaults():
    @tg.jit
    def f(x, scale=2.0, *, shift=0.0):
        return x * scale + shift

    assert f(ones()).tolist() == [2.0, 2.0]
    assert f(ones(), 3.0).tolist() == [3.0, 3.0]
    assert f(ones(), shift=1.0).tolist() == [3.0, 3.0]
    assert f(x=ones(), scale=4.0).tolist() == [4.0, 4.0]
    f.function.__defaults__ = (5.0,)
    assert f(ones()).tolist() == [5.0, 5.0]


def test_structures_of_tensors_and_arrays():
    Pair = types.SimpleNamespace  # not a structure: an object that counts by its identity

    @tg.jit
    def f(batch):
        return batch["x"][0] + batch["x"][1] * batch["scale"]

    a = {"x": (tg.tensor([1.0]), np.array([2.0], np.float32)), "scale": 3.0}
    assert f(a).item() == 7.0
    assert f({"x": (tg.tensor([2.0]), np.array([2.0], np.float32)), "scale": 3.0}).item() == 8.0
    assert traces(f) == 1
    g = tg.jit(lambda pair, x: x * pair.scale)
    pair, other = Pair(scale=2.0), Pair(scale=3.0)
    assert [g(p, tg.ones(1)).item() for p in (pair, other, pair)] == [2.0, 3.0, 2.0]
    pair.scale = 5.0
    assert g(pair, tg.ones(1)).item() == 5.0


def test_one_tensor_twice_is_not_two():
    f = tg.jit(lambda x, y: x - y)
    a, b = tg.tensor([5.0]), tg.tensor([1.0])
    assert [f(a, a).item(), f(a, b).item(), f(b, b).item(), f(b, a).item()] == [0.0, 4.0, 0.0, -4.0]


def test_what_cannot_be_an_argument():
    f = tg.jit(lambda x: 0.0)
    for bad in (iter([1]), {1, 2}):
        with pytest.raises(TypeError, match="an argument is a"):
            f(bad)


def test_models_and_optimizers_as_arguments():
    @tg.jit
    def step(model, opt, x):
        loss = (model(x) ** 2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    tg.manual_seed(0)
    for _ in range(2):
        model = nn.Linear(2, 1)
        opt = optim.SGD(model, lr=0.01)
        before = model.weight.numpy().copy()
        first, second = (step(model, opt, ones()).item() for _ in range(2))
        assert second < first and (model.weight.numpy() != before).all()
    assert traces(step) == 2


# ---------------------------------------------------------------- what a function closes over


def test_globals():
    global SCALE, TENSOR
    f = tg.jit(lambda x: x * SCALE + TENSOR)
    try:
        assert f(ones()).tolist() == [3.0, 4.0]
        SCALE = 3.0
        assert f(ones()).tolist() == [4.0, 5.0]
        TENSOR = tg.tensor([0.0, 0.0])
        assert f(ones()).tolist() == [3.0, 3.0]
        with tg.no_grad():
            TENSOR.assign([1.0, 1.0])
        assert f(ones()).tolist() == [4.0, 4.0]
        TENSOR[0] = 5.0
        assert f(ones()).tolist() == [8.0, 4.0]
        assert traces(f) == 3
    finally:
        SCALE, TENSOR = 2.0, tg.tensor([1.0, 2.0])


def test_cells():
    scale, unset = 2.0, None

    def f(x):
        return x * scale if unset is None else x * unset

    f = tg.jit(f)
    assert f(ones()).tolist() == [2.0, 2.0]
    scale = 3.0
    assert f(ones()).tolist() == [3.0, 3.0]
    unset = 7.0
    assert f(ones()).tolist() == [7.0, 7.0]


def test_containers():
    config = {"scale": 2.0, "more": [1.0, (2.0, 3.0)], "kinds": {1, 2}}

    @tg.jit
    def f(x):
        return x * config["scale"] * config["more"][1][0] + len(config["more"]) + sum(config["kinds"])

    assert f(ones()).tolist() == [9.0, 9.0]
    config["scale"] = 3.0
    assert f(ones()).tolist() == [11.0, 11.0]
    config["more"].append(0.0)
    assert f(ones()).tolist() == [12.0, 12.0]
    config["more"][1] = (1.0,)
    assert f(ones()).tolist() == [9.0, 9.0]
    config["kinds"] ^= {2, 3}
    assert f(ones()).tolist() == [10.0, 10.0]


def helper(x):
    return deeper(x) + SETTINGS["scale"]


def deeper(x, scale=1.0):
    return x * scale * SETTINGS["list"][0]


def test_helper_functions():
    global deeper
    f = tg.jit(lambda x: helper(x))
    old = deeper
    try:
        assert f(ones()).tolist() == [3.0, 3.0]
        SETTINGS["list"][0] = 4.0
        assert f(ones()).tolist() == [6.0, 6.0]
        SETTINGS["scale"] = 0.0
        assert f(ones()).tolist() == [4.0, 4.0]
        deeper = lambda x: -x  # noqa: E731
        assert f(ones()).tolist() == [-1.0, -1.0]
    finally:
        deeper = old
        SETTINGS.update(scale=2.0, list=[1.0, 2.0])


def test_wrapped_partial_and_bound_functions():
    factor = 2.0

    def double(x, add):
        return x * factor + add

    def wrapping(function):
        @functools.wraps(function)
        def call(*args):
            return function(*args)

        return call

    class Holder:
        def __init__(self):
            self.value = 1.0

        def method(self, x):
            return x * self.value

    holder = Holder()
    functions = {
        "wrapped": (tg.jit(wrapping(double)), (0.0,)),
        "partial": (tg.jit(functools.partial(double, add=0.0)), ()),
        "no_grad": (tg.jit(tg.no_grad()(double)), (0.0,)),
        "jitted": (tg.jit(tg.jit(double)), (0.0,)),
    }
    method = tg.jit(holder.method)
    for scale in (2.0, 3.0):
        factor = holder.value = scale
        for name, (f, more) in functions.items():
            assert f(ones(), *more).tolist() == [scale, scale], name
        assert method(ones()).tolist() == [scale, scale]


def test_numpy_arrays_that_are_closed_over_are_compared():
    mask = np.array([1.0, 2.0], np.float32)
    f = tg.jit(lambda x: x * mask + ARRAY / 2)
    assert f(ones()).tolist() == [1.5, 3.0]
    mask[0] = 5.0
    assert f(ones()).tolist() == [5.5, 3.0]
    ARRAY[1] = 4.0
    try:
        assert f(ones()).tolist() == [5.5, 4.0]
        assert "the elements of the array mask have changed" in f.explain()
        assert "16 bytes of NumPy arrays" in f.explain()
    finally:
        ARRAY[1] = 2.0


def test_elements_of_bytes_are_not_compared():
    """Nobody can change them. In a bytearray one can."""
    data = bytes(range(8))
    arrays = np.frombuffer(data, np.uint8), np.frombuffer(data, np.uint16).reshape(2, 2)[:, 1:]
    assert Guards({"a": arrays}).nbytes == 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        arrays[1].base.setflags(write=True)
    assert Guards({"a": np.frombuffer(bytearray(data), np.uint8)}).nbytes == 8
    assert Guards({"a": np.arange(3.0)}).nbytes == 24


def test_modules_of_python():
    config = types.ModuleType("a_config_of_mine")
    config.SCALE, config.UNUSED = 2.0, 0
    f = tg.jit(lambda x: x * config.SCALE)
    assert f(ones()).tolist() == [2.0, 2.0]
    config.SCALE = 3.0
    assert f(ones()).tolist() == [3.0, 3.0]
    config.UNUSED = 1
    f(ones())
    assert traces(f) == 2


# ---------------------------------------------------------------- attributes


class Net(nn.Module):
    factor = 1.0

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
        self.power, self.calls = 1.0, 0
        self.extra = None

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        if self.extra is not None:
            x = self.extra(x)
        return x**self.power * self.factor


def test_attributes_of_modules():
    net = Net().eval()
    f = tg.jit(net)
    changes = [
        lambda: setattr(net, "power", 2.0),
        lambda: setattr(Net, "factor", 3.0),
        lambda: setattr(net, "factor", 4.0),
        lambda: setattr(net, "extra", nn.Linear(2, 3)),
        lambda: net.layers.append(nn.Linear(2, 2)),
        lambda: setattr(net.layers[0], "bias", None),
        lambda: net.layers[1].register_forward_hook(lambda module, args, y: y * 2.0),
        lambda: setattr(net, "forward", lambda x: x * 5.0),
        lambda: setattr(Net, "forward", lambda self, x: x),
        lambda: net.requires_grad_(False),
    ]
    try:
        with tg.no_grad():
            for i, change in enumerate([lambda: None, *changes]):
                change()
                for _ in range(2):
                    np.testing.assert_array_equal(f(ones()).numpy(), net(ones()).numpy(), str(i))
    finally:
        Net.factor = 1.0


def test_counters_that_the_function_does_not_look_at_cost_nothing():
    class Trainer:
        def __init__(self):
            self.model, self.iteration, self.history = nn.Linear(2, 1), 0, []
            self.scale = 1.0

        @tg.jit
        def loss(self, x):
            return self.model(x).sum() * self.scale

        def fit(self):
            for _ in range(3):
                self.history.append(self.loss(ones()).item())
                self.iteration += 1

    trainer = Trainer()
    trainer.fit()
    assert traces(Trainer.loss) == 1
    trainer.scale = 2.0
    trainer.fit()
    assert traces(Trainer.loss) == 2
    assert trainer.history[3] == 2 * trainer.history[0]


@dataclass
class Settings:
    scale: float = 2.0
    nested: dict = field(default_factory=lambda: {"deep": types.SimpleNamespace(shift=1.0)})


class Slotted:
    __slots__ = ("scale",)

    @property
    def double(self):
        return 2 * self.scale


def test_attributes_of_plain_objects():
    settings, slotted = Settings(), Slotted()
    slotted.scale = 1.0

    @tg.jit
    def f(x):
        return x * settings.scale + settings.nested["deep"].shift + slotted.double

    assert f(ones()).tolist() == [5.0, 5.0]
    settings.scale = 3.0
    assert f(ones()).tolist() == [6.0, 6.0]
    settings.nested["deep"].shift = 2.0
    assert f(ones()).tolist() == [7.0, 7.0]
    slotted.scale = 0.0
    assert f(ones()).tolist() == [5.0, 5.0]


def test_attributes_that_are_read_by_their_names():
    class Box:
        pass

    box = Box()
    box.a, box.b = 1.0, 2.0
    f = tg.jit(lambda x: x * sum(getattr(box, name) for name in "ab"))
    assert f(ones()).tolist() == [3.0, 3.0]
    box.b = 5.0
    assert f(ones()).tolist() == [6.0, 6.0]


def test_each_place_is_compared_once_and_decorators_of_this_package_are_not():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    guards = Guards({"": lambda x: F.cross_entropy(model(x), [0])})
    assert model[0].training and guards.checks
    places = [name for check in guards.checks if not isinstance(check, Contents) for name in check.names()]
    assert "Module.forward" in places and "ReLU.forward" in places
    assert len(set(places)) == len(places)
    assert not any("cross_entropy" in check.path for check in guards.checks)


def test_a_function_of_this_package_that_was_replaced_is_looked_into(monkeypatch):
    def relu(x):
        return x * SETTINGS["scale"]

    monkeypatch.setattr(F, "relu", tg.no_grad()(functools.wraps(F.relu)(relu)))
    monkeypatch.setattr(piecewise, "relu", F.relu)
    f = tg.jit(lambda x: F.relu(x))
    assert f(ones()).tolist() == [2.0, 2.0]
    monkeypatch.setitem(SETTINGS, "scale", 3.0)
    assert f(ones()).tolist() == [3.0, 3.0]


def test_a_function_that_changes_what_it_depends_on_is_traced_each_time():
    class Counter:
        def __init__(self):
            self.n = 0

        def next(self):
            self.n += 1
            return self.n

    counter = Counter()
    f = tg.jit(lambda x: x * counter.next())
    message = r"counter.n was 1, now 2, at .*test_jit_guards.py:\d+. Keep it in a tensor"
    with pytest.warns(RuntimeWarning, match=message) as said:
        assert [f(tg.ones(1)).item() for _ in range(3)] == [1.0, 2.0, 3.0]
    assert len(said) == 1
    assert "it changes what it depends on" in f.explain()


def test_an_equal_value_in_another_object_is_no_change():
    value = {"name": "abc def", "big": 10**6, "pair": (1.5, "x")}
    f = tg.jit(lambda x: x * value["big"] * value["pair"][0])
    f(ones())
    value.update(name="".join(["abc", " def"]), big=int("1000000"), pair=(float("1.5"), "x"))
    f(ones())
    assert traces(f) == 1
    value["big"] = 1e6
    f(ones())
    assert traces(f) == 2


# ---------------------------------------------------------------- tensors that are kept


def test_a_tensor_that_requires_grad_or_no_longer_does():
    w = tg.tensor([1.0, 2.0])
    f = tg.jit(lambda x: x * w)
    assert not f(ones()).requires_grad
    w.requires_grad_()
    assert f(ones()).requires_grad
    w.requires_grad_(False)
    assert not f(ones()).requires_grad


def test_recording_or_not():
    w = tg.tensor([1.0], requires_grad=True)
    f = tg.jit(lambda x: x * w if tg.is_grad_enabled() else -x)
    assert f(tg.ones(1)).tolist() == [1.0]
    with tg.no_grad():
        assert f(tg.ones(1)).tolist() == [-1.0]
    assert f(tg.ones(1)).tolist() == [1.0]
    assert traces(f) == 2


def test_a_tensor_that_is_kept_without_a_value_is_an_error_and_is_taken_away():
    log, box = [], types.SimpleNamespace(last=None)
    cell = None

    def append(x):
        log.append(x * 2.0)
        return x

    def attribute(x):
        box.last = x * 2.0
        return x

    def new_attribute(x):
        box.fresh = x * 2.0
        return x

    def variable(x):
        nonlocal cell
        cell = x * 2.0
        return x

    for function in (append, attribute, new_attribute, variable):
        with pytest.raises(TraceError, match="stores a tensor that it computed in"):
            tg.jit(function)(ones())
    assert log == [] and vars(box) == {"last": None} and cell is None


# ---------------------------------------------------------------- keeping traces


def test_traces_that_were_not_used_for_long_are_dropped():
    f = tg.jit(lambda x: x * 2.0, maxsize=2)
    for n in (1, 2, 1, 3, 1, 2):
        f(tg.ones(n))
    assert traces(f) == 4  # 1, 2, 3 (drops 2), 2 again
    assert "2 traces" in repr(f)


def test_a_function_that_is_traced_again_and_again_says_so():
    f = tg.jit(lambda x, i: x * i, maxsize=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(7):
            f(ones(), i)
        with pytest.raises(RuntimeWarning, match=r"traced 8 times.*Pass what changes as a tensor"):
            f(ones(), 7)


def test_wrong_uses_of_jit():
    with pytest.raises(TypeError, match="takes a function"):
        tg.jit(3)
    with pytest.raises(ValueError, match="maxsize=0"):
        tg.jit(maxsize=0)(lambda x: x)

    async def coroutine(x):
        return x

    def generator(x):
        yield x

    for bad in (coroutine, generator):
        with pytest.raises(TypeError, match="cannot be traced"):
            tg.jit(bad)


def test_many_threads():
    tg.manual_seed(0)
    model = nn.Linear(3, 2)
    f = tg.jit(model)
    xs = [tg.tensor(np.random.default_rng(i).normal(size=(1 + i % 3, 3)).astype(np.float32)) for i in range(12)]
    with tg.no_grad():
        expected = [model(x).numpy() for x in xs]
    wrong = []

    def work(i):
        with tg.no_grad():
            for _ in range(50):
                if not np.array_equal(f(xs[i]).numpy(), expected[i]):
                    wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert traces(f) == 3


def test_other_threads_see_arrays_while_a_function_is_traced():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    inside, go_on = threading.Event(), threading.Event()
    seen = []

    def look():
        inside.wait(10)
        seen.append((w.tolist(), w.grad, (w * 2.0).tolist()))
        go_on.set()

    @tg.jit
    def f(x):
        (w * x).sum().backward()
        with tg.no_grad():
            w.assign(w - w.grad)
        inside.set()
        assert go_on.wait(10)
        return w * 1.0

    thread = threading.Thread(target=look)
    thread.start()
    assert f(ones()).tolist() == [0.0, 1.0]
    thread.join()
    assert seen == [([1.0, 2.0], None, [2.0, 4.0])]


def test_functions_behind_a_cache_and_methods_given_later():
    shift = [1.0]

    @functools.cache
    def scale():
        return SETTINGS["scale"]

    class Base:
        def value(self):
            return 1.0

    class Derived(Base):
        pass

    thing = Derived()
    f = tg.jit(lambda x: x * scale() * thing.value() + shift[0])
    assert f(ones()).tolist() == [3.0, 3.0]
    Derived.value = lambda self: 5.0
    assert f(ones()).tolist() == [11.0, 11.0]
    shift[0] = 0.0
    assert f(ones()).tolist() == [10.0, 10.0]
    try:
        SETTINGS["scale"] = 3.0  # the cache has 2.0, as in eager code
        assert f(ones()).tolist() == [10.0, 10.0]
        scale.cache_clear()
        f.function.__globals__["SETTINGS"]["scale"] = 4.0
        assert f(ones()).tolist() == [20.0, 20.0]
    finally:
        SETTINGS["scale"] = 2.0


def test_deeply_nested_containers_and_cycles():
    deep = value = [1.0]
    for _ in range(2000):
        deep = [deep]
    deep.append(deep)
    f = tg.jit(lambda x: x * len(deep) * value[0])
    assert f(ones()).tolist() == [2.0, 2.0]
    value[0] = 3.0
    assert f(ones()).tolist() == [6.0, 6.0]


def test_arrays_of_other_byte_orders_and_kinds():
    f = tg.jit(lambda x: x * 2.0)
    swapped = np.array([1.0, 2.0], np.float32).astype(">f4")
    assert f(swapped).tolist() == [2.0, 4.0]
    names = np.array(["a", "b"])
    g = tg.jit(lambda x: x * len(names))
    assert g(ones()).tolist() == [2.0, 2.0]


DAYS = np.timedelta64(3, "D")


@pytest.mark.parametrize(
    ("array", "change", "read"),
    [
        (np.array(["a", "b"]), "c", lambda array: ord(array[0])),
        (np.array([None, 2]), 3.0, lambda array: array[0] or 0.5),
        (np.array([1j, 2j]), 3j, lambda array: array[0].imag),
        (np.array(["2026-01-01", "2026-01-05"], "M8[D]"), "2026-01-02", lambda array: int(array[1] - array[0] > DAYS)),
    ],
    ids=["text", "objects", "complex", "dates"],
)
def test_an_array_that_no_tensor_can_be_of(array, change, read):
    """As an argument it is refused, whatever the function does with it; closed over, it is looked into."""
    for refused in (lambda array: read(array), lambda array: array * [1], lambda array: None):
        f = tg.jit(refused)
        for given in (array, [array], {"a": (1, array)}):
            with pytest.raises(tg.DTypeError, match=r"jit of .*: dtype .* is not supported"):
                f(given)
    f = tg.jit(lambda x: x * read(array))
    for _ in range(2):
        before = f.function(ones()).tolist()
        assert f(ones()).tolist() == before
        assert traces(f) == 1
    array[0] = change
    assert f(ones()).tolist() == f.function(ones()).tolist() != before


def test_two_models_of_one_class_as_arguments():
    tg.manual_seed(0)
    a, b = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0)), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0))
    f = tg.jit(lambda first, second, x: second(first(x)) * (1.0 if first.training else 2.0))
    for _ in range(2):
        with tg.no_grad():
            np.testing.assert_array_equal(f(a, b, ones()).numpy(), f.function(a, b, ones()).numpy())
            np.testing.assert_array_equal(f(b, a, ones()).numpy(), f.function(b, a, ones()).numpy())
        a.eval()


def test_jit_of_a_jitted_function_and_of_a_method():
    f = tg.jit(tg.jit(lambda x: x * 2.0))
    assert f(ones()).tolist() == [2.0, 2.0] and traces(f) == 1

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(tg.ones(2))
            self.scale = 2.0
            self.forward = tg.jit(self.forward)

        def forward(self, x):
            return x * self.weight * self.scale

    model = Model()
    assert model(ones()).tolist() == [2.0, 2.0]
    model.scale = 3.0
    assert model(ones()).tolist() == [3.0, 3.0]
    model(ones()).sum().backward()
    assert model.weight.grad.tolist() == [3.0, 3.0]
    assert "model.forward" not in model.forward.explain() and "scale was 2.0, now 3.0" in model.forward.explain()


def test_a_result_that_the_holder_of_a_jitted_function_keeps_is_no_reason_to_trace():
    class Trainer:
        def __init__(self):
            self.weight = tg.ones(2)
            self.run = tg.jit(lambda x: x * self.weight)

        def step(self, x):
            self.last = self.run(x)
            return self.last

    trainer = Trainer()
    for _ in range(4):
        assert trainer.step(ones()).tolist() == [1.0, 1.0]
    assert traces(trainer.run) <= 2  # the attribute itself is new once
    trainer.weight = tg.full(2, 3.0)
    assert trainer.step(ones()).tolist() == [3.0, 3.0]


def test_a_cache_that_is_cleared_after_what_it_was_computed_from_has_changed():
    c = [2.0]
    for cache in (functools.cache, functools.lru_cache(4)):
        c[0] = 2.0
        h = cache(lambda: c[0])
        f = tg.jit(lambda x, h=h: x * h())
        assert f(ones()).tolist() == [2.0, 2.0]
        c[0] = 3.0
        assert f(ones()).tolist() == [2.0, 2.0]  # what the cache holds, as eagerly
        h.cache_clear()
        assert f(ones()).tolist() == [3.0, 3.0]


def test_what_a_hook_of_a_tensor_reads():
    c = [2.0]
    w = tg.tensor([1.0, 1.0], requires_grad=True)
    w.register_hook(lambda g: g * c[0])

    @tg.jit
    def gradient(x):
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    for value in (2.0, 2.0, 3.0):
        c[0] = value
        assert gradient(ones()).tolist() == [value, value]
