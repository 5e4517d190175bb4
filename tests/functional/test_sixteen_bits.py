"""Sixteen-bit floats: every composed function against float64, as if it were rounded once; derivatives too.

The bound is half a unit in the last place of float16, and what float32 may err by inside.
"""

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.generator import ELEMENTARY
from tests.functional.agreement import compare as calls
from tests.functional.agreement import table
from tests.functional.agreement.row import SameDraws
from tests.functional.oracles import distinct
from tests.primitives.collective import TWICE
from tests.proof.composites import rows
from tinygrad_cv import nn

RNG = np.random.default_rng(8)
LABELS = np.array([2, 0, 1])


def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
    return RNG.standard_normal(shape) * scale


def positive(*shape: int) -> np.ndarray:
    return RNG.uniform(0.1, 0.9, shape)


IMAGE, LARGE = distinct(RNG, 2, 2, 4, 4), normal(2, 2, 32, 32, scale=300.0)  # the squares of LARGE have no float16

# name of the functional (and what is special), the function, its arrays
FUNCTIONALS = [
    ("relu6", F.relu6, [normal(9, scale=6)]),
    ("softplus", F.softplus, [normal(9, scale=4)]),
    ("sigmoid", F.sigmoid, [normal(9, scale=4)]),
    ("tanh", F.tanh, [normal(9, scale=2)]),
    ("silu", F.silu, [normal(9, scale=4)]),
    ("softmax", F.softmax, [normal(2, 3000)]),
    ("log_softmax", F.log_softmax, [normal(2, 3000)]),
    ("softmin", F.softmin, [normal(2, 3000)]),
    ("gumbel_softmax", lambda x: F.gumbel_softmax(x, generator=SameDraws())[:, :4], [normal(2, 9)]),
    ("conv2d", lambda x, w, b: F.conv2d(x, w, b, 2, 1), [normal(2, 16, 9, 9, scale=9), normal(3, 16, 3, 3), normal(3)]),
    (
        "conv_transpose2d",
        lambda x, w, b: F.conv_transpose2d(x, w, b, 1),
        [normal(2, 9, 5, 5), normal(9, 2, 3, 3), normal(2)],
    ),
    ("linear", F.linear, [normal(4, 900), normal(3, 900), normal(3)]),
    ("max_pool2d", lambda x: F.max_pool2d(x, 3, 1, 1), [IMAGE]),
    ("avg_pool2d", lambda x: F.avg_pool2d(x, 8, 3), [LARGE * 60]),  # a window's sum is beyond float16
    ("avg_pool2d uneven", lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), [IMAGE]),
    ("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 5)), [LARGE]),
    ("global_avg_pool2d", F.global_avg_pool2d, [LARGE + 400]),
    (
        "standardize",
        lambda x, w, b: F.standardize(x, 1, 1e-5, w, b),
        [normal(2, 900, scale=99), normal(900), normal(900)],
    ),
    (
        "batch_norm",
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        [LARGE, normal(2), normal(2)],
    ),
    (
        "batch_norm at test time",
        F.batch_norm,
        [IMAGE * 90, normal(2, scale=90), positive(2) * 9000, normal(2), normal(2)],
    ),
    ("layer_norm", lambda x, w, b: F.layer_norm(x, (2, 32, 32), w, b), [LARGE, normal(2, 32, 32), normal(2, 32, 32)]),
    ("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), [LARGE, normal(2), normal(2)]),
    ("group_norm", lambda x, w, b: F.group_norm(x, 1, w, b), [LARGE, normal(2), normal(2)]),
    ("dropout", lambda x: F.dropout(x, 0.3, generator=tg.Generator(3)), [normal(40)]),
    ("dropout2d", lambda x: F.dropout2d(x, 0.3, generator=tg.Generator(3)), [normal(2, 9, 1, 2)]),
    (
        "cross_entropy",
        lambda x, w: F.cross_entropy(x, LABELS, w, ignore_index=1, label_smoothing=0.1),
        [normal(3, 900), positive(900)],
    ),
    ("cross_entropy of probabilities", F.cross_entropy, [normal(2, 3), positive(2, 3)]),
    ("nll_loss", lambda x, w: F.nll_loss(x, LABELS, w), [normal(3, 4), positive(4)]),
    ("mse_loss", F.mse_loss, [normal(900, scale=100), normal(900, scale=100)]),
    ("l1_loss", F.l1_loss, [normal(900, scale=300), normal(900, scale=300)]),
    (
        "binary_cross_entropy_with_logits",
        lambda x, t, w, p: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=p),
        [normal(3, 900, scale=4), positive(3, 900), positive(900), positive(900)],
    ),
]
named = {name.split()[0] for name, _, _ in FUNCTIONALS}
FUNCTIONALS += [  # of the others, as the proof has them
    (f"{row.name} {row.variant}".rstrip(), row.function, list(row.arrays)) for row in rows() if row.name not in named
]
named = {name.split()[0] for name, _, _ in FUNCTIONALS}
INTEGERS = table.without_derivative()
FUNCTIONALS += [  # and of those that the proof has not, the first call that is compared with PyTorch
    (row.name, calls.with_leaves(row), calls.leaves_of(row))
    for row in {row.name: row for row in reversed(table.rows()) if row.name not in named | INTEGERS}.values()
]
METHODS = [
    ("sum", lambda x: x.sum((0, 2, 3)), [LARGE]),
    ("mean", lambda x: x.mean(), [np.full((28, 28), 100.0)]),
    ("var", lambda x: x.var(1), [normal(2, 900, scale=200)]),
    ("std", lambda x: x.std(1), [normal(2, 900, scale=9000)]),
    ("max", lambda x: x.max(1), [np.round(normal(2, 5000))]),  # more ties than float16 can count
    ("min", lambda x: x.min(1), [normal(2, 9)]),
    ("prod", lambda x: x.prod(), [np.array([3e4, 30.0, 1e-4, 5e-2])]),
    ("norm", lambda x: x.norm(), [np.array([300.0, 400.0])]),
    ("logsumexp", lambda x: x.logsumexp(1), [normal(2, 900)]),
    ("cumsum", lambda x: x.cumsum(0), [positive(3000)]),
    ("matmul", lambda x, y: x @ y, [normal(3, 900), normal(900, 2)]),
    ("einsum", lambda x, y, z: tg.einsum("ij,jk,k->i", x, y, z), [normal(3, 90, scale=30), normal(90, 90), normal(90)]),
    ("gather", lambda x: x[np.zeros(3000, int)], [normal(2)]),
    ("expand", lambda x: x.expand((5000, 3)), [normal(3)]),
    ("windows", lambda x: x.windows((3, 3), (1, 1), (1, 1)), [normal(1, 1, 9, 9)]),
    ("div", lambda x, y: x / y, [np.array([1e-6, 3.0, 6e4]), np.array([2e-6, 7.0, 0.9])]),
    ("rdiv", lambda x: 3 / x, [normal(9)]),
    ("pow", lambda x, y: x**y, [positive(9) * 9, normal(9)]),
    ("cube", lambda x: x**3, [normal(9)]),
    ("mod", lambda x, y: x % y, [positive(9) * 9, positive(9)]),
    ("square", lambda x: x.square(), [np.array([1e-3, 100.0])]),
    *((name, lambda x, name=name: getattr(x, name)(), [positive(9) * 4]) for name in ("sqrt", *ELEMENTARY, "sigmoid")),
    ("mul of a row", lambda x, y: x * y, [normal(900, 3), normal(3)]),
    ("mul of a column", lambda x, y: y * x, [normal(3, 900), normal(3, 1)]),
    ("times", lambda x, y: x.times(y), [normal(900, 3), normal(3)]),
    ("add", lambda x, y: x + y, [normal(900, 3), normal(3)]),
    ("sub", lambda x, y: y - x, [normal(900, 3), normal(3)]),
    ("maximum", lambda x, y: x.maximum(y), [normal(900, 3), normal(3)]),
    ("minimum", lambda x, y: x.minimum(y), [normal(900, 3), normal(3)]),
    ("where", lambda x, y: (x > 0).where(x, y), [normal(900, 3), normal(3)]),
    ("clip", lambda x: x.clip(-0.3, 0.4), [normal(9)]),
    ("abs", abs, [normal(9)]),
    ("relu", lambda x: x.relu(), [normal(9)]),
    ("rpow", lambda x: 3.0**x, [normal(9)]),
    ("rmod", lambda x: 3.0 % x, [positive(9)]),
    ("contract", lambda x, y: x.contract(y, "nk,ko->no"), [normal(3, 900), normal(900, 2)]),
    ("dot", lambda x, y: x.dot(y), [normal(3, 900), normal(900, 2)]),
    ("fold", lambda x: x.fold((1, 1), (1, 1), (11, 11)), [normal(1, 1, 9, 9, 3, 3)]),
    ("scatter_add", lambda x: x.scatter_add(tg.tensor(np.zeros(3000, int)), 2), [positive(3000)]),
    ("all_reduce", lambda x: x.all_reduce(TWICE), [normal(9)]),
    ("take_along_axis", lambda x: x.take_along_axis(np.zeros((3000, 2), int), 0), [normal(3, 2)]),
    ("repeat", lambda x: x.repeat(3000, 0), [normal(2)]),
    ("broadcast_to", lambda x: x.broadcast_to((3000, 2)), [normal(2)]),
    ("sum_to", lambda x: x.sum_to((2,)), [normal(3000, 2)]),
    ("sort", lambda x: x.sort(1), [normal(2, 9)]),
    ("median", lambda x: x.median(1), [normal(3, 8, scale=100)]),
    ("quantile", lambda x: x.quantile([0.1, 0.77], 1), [normal(3, 8, scale=100)]),
    ("cumprod", lambda x: x.cumprod(1), [positive(2, 7)]),
    ("trace", lambda x: x.trace(), [normal(900, 900)]),
    ("outer", lambda x, y: x.outer(y), [normal(900), normal(3)]),
    ("logaddexp", lambda x, y: x.logaddexp(y), [normal(9), normal(9)]),
    ("hypot", lambda x, y: x.hypot(y), [normal(9, scale=300), normal(9, scale=300)]),
    ("sinc", lambda x: x.sinc(), [normal(9)]),
    ("arccosh", lambda x: x.arccosh(), [positive(9) + 1.2]),
    ("arctanh", lambda x: x.arctanh(), [positive(9) * 0.4]),
    *(
        (name, lambda x, name=name: getattr(x, name)(), [normal(9)])
        for name in ("expm1", "exp2", "sinh", "cosh", "tan")
    ),
    *(
        (name, lambda x, name=name: getattr(x, name)(), [positive(9) * 9])
        for name in ("log2", "log10", "log1p", "cbrt")
    ),
    ("arcsinh", lambda x: x.arcsinh(), [normal(9, scale=3)]),
    ("roll", lambda x: x.roll(2, 1), [normal(2, 9)]),
    ("tile", lambda x: x.tile(3000), [normal(3)]),
    ("topk", lambda x: x.topk(2)[0], [np.arange(9.0)]),
]
# methods that choose, move or count elements, or tell about them: nothing is rounded
# fmt: off
EXACT = {
    "T", "all", "amax", "amin", "any", "argmax", "argmax_kept", "argmin", "argsort", "astype", "ceil", "chunk",
    "clamp", "clone", "diag", "diagonal", "expand_dims", "flatten", "flip", "fliplr", "flipud", "floor", "iota",
    "isfinite", "isinf", "isnan", "mT", "masked_fill", "moveaxis", "nan_to_num", "pad", "permute", "ravel", "reshape",
    "rot90", "round", "sign", "slice", "split", "squeeze", "swapaxes", "transpose", "tril", "triu", "trunc", "unbind",
    "unsqueeze", "view",
}
NO_OPERATIONS = {
    "assign", "backward", "detach", "dtype", "grad", "holds", "is_leaf", "item", "known_finite", "ndim", "node",
    "numpy", "register_hook", "requires_grad", "requires_grad_", "retain_grad", "shape", "size", "tolist", "value",
}
# fmt: on

COMPILED = FUNCTIONALS[1::3] + METHODS[:9:2]


def narrow(arrays):
    """The nearest float16 numbers."""
    return [np.asarray(x).astype(np.float16) for x in arrays]


def assert_rounded_once(found, wanted, op=""):
    assert found.dtype == np.float16, op
    found = found.astype(np.float64)
    with np.errstate(over="ignore"):
        nearest = wanted.astype(np.float16)
    unit = np.spacing(np.abs(np.minimum(np.abs(nearest), 6e4)).astype(np.float16)).astype(np.float64)
    room = 0.5 * unit + 2e-6 * np.max(np.abs(wanted), initial=0.0)
    right = (np.abs(found - wanted) <= room) | (found == nearest.astype(np.float64))
    assert right.all(), (op, found[~right][:3], wanted[~right][:3])


def derivatives(function, arrays, dtype, seed=5):
    """The value, its gradients for a cotangent v, and the gradients of <gradients, u> by the inputs and by v."""
    rng = np.random.default_rng(seed)

    def vector(shape):
        return tg.tensor(rng.uniform(0.5, 1.0, shape).astype(np.float16).astype(dtype))

    xs = [tg.tensor(x.astype(dtype), requires_grad=True) for x in arrays]
    y = function(*xs)
    v = vector(y.shape).requires_grad_()
    first = tg.grad(y, xs, v, create_graph=True)
    outputs = [g for g in first if g.requires_grad]
    second = tg.grad(outputs, [*xs, v], [vector(g.shape) for g in outputs], allow_unused=True)
    return y.numpy(), [g.numpy() for g in first], [None if g is None else g.numpy() for g in second]


@pytest.mark.parametrize(
    ("name", "function", "arrays"), FUNCTIONALS + METHODS, ids=[row[0] for row in FUNCTIONALS + METHODS]
)
def test_values_and_derivatives_are_rounded_once(name, function, arrays):
    arrays = narrow(arrays)
    exact = np.float32 if "dropout" in name else np.float64  # float64 draws another mask
    y, first, second = derivatives(function, arrays, np.float16)
    with np.errstate(all="ignore"):
        wanted, wanted_first, wanted_second = derivatives(function, arrays, exact)
    assert_rounded_once(y, wanted.astype(np.float64), name)
    for order, found, expected in ((1, first, wanted_first), (2, second, wanted_second)):
        for i, (g, w) in enumerate(zip(found, expected, strict=True)):
            assert (g is None) == (w is None)
            if g is not None:
                assert_rounded_once(g, w.astype(np.float64), f"{name}, derivative {order} by {i}")


def test_every_functional_has_a_row():
    assert {name.split()[0] for name, _, _ in FUNCTIONALS} == set(F.__all__) - INTEGERS


def test_every_method_has_a_row():
    methods = {name for name in dir(tg.Tensor) if name[0] != "_"}
    assert methods - {name.split()[0] for name, _, _ in METHODS} == EXACT | NO_OPERATIONS


def test_clipped_gradients_are_rounded_once():
    parameter = nn.Parameter(narrow([normal(900)])[0])
    gradient = narrow([normal(900)])[0]
    parameter.grad = tg.tensor(gradient)
    tg.optim.clip_grad_norm_([parameter], 0.7)
    exact = gradient.astype(np.float64)
    assert_rounded_once(parameter.grad.numpy(), exact * 0.7 / (np.sqrt((exact**2).sum()) + 1e-6))


@pytest.mark.parametrize(("name", "function", "arrays"), COMPILED, ids=[row[0] for row in COMPILED])
def test_compiled_functions_round_once_too(name, function, arrays):
    arrays = narrow(arrays)

    def value_and_gradients(*xs):
        xs = [x.detach().requires_grad_() for x in xs]
        y = function(*xs)
        return y, tg.grad(y.sum(), xs)

    compiled = tg.jit(value_and_gradients)
    y, gradients = compiled(*map(tg.tensor, arrays))
    exact = np.float32 if "dropout" in name else np.float64
    wanted, expected = value_and_gradients(*(tg.tensor(x.astype(exact)) for x in arrays))
    assert_rounded_once(y.numpy(), wanted.numpy().astype(np.float64), name)
    for g, w in zip(gradients, expected, strict=True):
        assert_rounded_once(g.numpy(), w.numpy().astype(np.float64), name)


@pytest.mark.quick
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_normalization_layers_in_float16(compiled):
    """Sums that float16 cannot hold; running averages are rounded once as well."""
    x = narrow([normal(2, 4, 32, 32, scale=5)])[0]
    for layer in (nn.BatchNorm2d(4), nn.LayerNorm((4, 32, 32))):
        layer.to("float16")
        y = (tg.jit(layer) if compiled else layer)(tg.tensor(x))
        assert y.dtype == "float16" and abs(y.numpy().astype(float).std() - 1) < 1e-3
    bn = nn.BatchNorm2d(4).to("float16")
    (tg.jit(bn) if compiled else bn)(tg.tensor(x))
    exact = x.astype(np.float64)
    assert_rounded_once(bn.running_mean.numpy(), 0.1 * exact.mean((0, 2, 3)))
    assert_rounded_once(bn.running_var.numpy(), 0.9 + 0.1 * exact.var((0, 2, 3), ddof=1))


@pytest.mark.quick
def test_the_mean_over_a_batch_counts_beyond_2048():
    bn = nn.BatchNorm1d(1, momentum=None).to("float16")
    bn.num_batches_tracked.assign(99_999)
    bn(tg.tensor(np.array([[0.0], [60_000.0]], np.float16)))
    assert 0.2 < bn.running_mean.item() < 0.4  # 30,000 / 100,000


@pytest.mark.quick
def test_float32_gets_no_cast():
    x = tg.randn(2, 3, 4, 4, requires_grad=True)
    view = tg.graph(F.mse_loss(F.layer_norm(F.softmax(x), 4).mean(1), tg.zeros(2, 4, 4).numpy()))
    assert "cast" not in view.text(depth=None)


@pytest.mark.quick
def test_two_float_dtypes_are_an_error_in_composed_functions_too():
    x, w = tg.ones(2, 3, dtype="float16"), tg.ones(4, 3)
    with pytest.raises(tg.DTypeError, match=r"linear of float16 and float32.*astype\('float16'\)"):
        F.linear(x, w)
    with pytest.raises(tg.DTypeError, match=r"of float16 and float32 \(in BatchNorm1d/batch_norm\)"):
        nn.BatchNorm1d(3)(x)


@pytest.mark.quick
def test_bfloat16_is_refused_by_name_wherever_it_comes_in():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x, b = tg.ones(2), np.ones(2, ml_dtypes.bfloat16)
    for refused in (
        lambda: tg.tensor(b),
        lambda: tg.tensor([b[0]]),
        lambda: x + b,
        lambda: x @ b,
        lambda: F.mse_loss(x, b),
        lambda: tg.where([True, False], b, x),
        lambda: tg.jit(lambda a: a * 2)(b),
        lambda: tg.tensor([1.0], "bfloat16"),
        lambda: tg.zeros(2, dtype=ml_dtypes.bfloat16),
        lambda: tg.full(2, b[0]),
        lambda: tg.rand(2, dtype="bfloat16"),
        lambda: tg.arange(2, dtype="bfloat16"),
        lambda: tg.linspace(0, 1, 2, "bfloat16"),
        lambda: x.astype("bfloat16"),
        lambda: nn.Linear(1, 1).to("bfloat16"),
        lambda: x.__setitem__(0, b[0]),
    ):
        with pytest.raises(tg.DTypeError, match="bfloat16"):
            refused()
