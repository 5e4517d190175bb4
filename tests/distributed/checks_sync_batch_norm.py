"""What every rank checks of SyncBatchNorm. The oracle is BatchNorm on one process, with everybody's batches in one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import distributed as dist
from tinygrad_cv import nn
from tinygrad_cv.nn.parallel import DistributedDataParallel

SHARES = {  # of the batch, by rank
    "even": lambda rank: 2,
    "uneven": lambda rank: 2 * rank + 1,
    "one empty": lambda rank: 3 * rank,
    "all but one empty": lambda rank: 4 if rank == 1 else 0,
}


def everybody() -> range:
    return range(dist.get_world_size())


def part(share) -> slice:
    """This rank's part of the whole batch."""
    ends = np.cumsum([0] + [share(rank) for rank in everybody()])
    return slice(int(ends[dist.get_rank()]), int(ends[dist.get_rank() + 1]))


def whole(share, *rest: int, seed: int = 0, mean: float = 3.0) -> np.ndarray:
    """Everybody's batches in one, in float64."""
    n = sum(share(rank) for rank in everybody())
    return np.random.default_rng(seed).normal(mean, 2.0, (n, *rest))


def layers(features: int, **options) -> list[nn.Module]:
    made = [nn.BatchNorm2d(features, **options), nn.SyncBatchNorm(features, **options)]
    for layer in made:
        layer.to("float64")
        for t, seed in ((layer.weight, 1), (layer.bias, 2)):
            if t is not None:
                with tg.no_grad():
                    t.assign(np.random.default_rng(seed).normal(size=features))
    return made


def close(found: tg.Tensor, expected, tolerance: float = 1e-12) -> None:
    expected = np.asarray(expected.numpy() if isinstance(expected, tg.Tensor) else expected)
    scale = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(found.numpy() / scale, expected / scale, 0, tolerance)


def check_values_and_averages():
    for share in SHARES.values():
        for options in ({}, {"momentum": None}, {"affine": False}, {"bias": False}, {"convention": "keras"}):
            x, mine = whole(share, 3, 4, 5), part(share)
            alone, sync = layers(3, **options)
            jitted = tg.jit(sync)
            for number in range(3):
                expected = alone(tg.tensor(x + number))
                close((jitted if number else sync)(tg.tensor(x[mine] + number)), expected[mine])
                close(sync.running_mean, alone.running_mean)
                close(sync.running_var, alone.running_var)
                assert sync.num_batches_tracked.item() == alone.num_batches_tracked.item()
            alone.eval(), sync.eval()
            close(sync(tg.tensor(x[mine])), alone(tg.tensor(x))[mine])


def check_derivatives_to_order_3():
    """By the input, the weight and the bias, along random directions; the loss is the sum of all processes' losses."""
    for share in SHARES.values():
        x, mine = whole(share, 2, 2, 2), part(share)
        directions = [[whole(share, 2, 2, 2, seed=s), *np.random.default_rng(s).normal(size=(2, 2))] for s in (5, 6)]
        found: list[list[tg.Tensor]] = []
        for layer, chosen in zip(layers(2), (slice(None), mine), strict=True):
            inputs = [tg.tensor(x[chosen], requires_grad=True), layer.weight, layer.bias]
            g = whole(share, 2, 2, 2, seed=4)[chosen]
            value = (layer(inputs[0]).sin() * g).sum()
            rows = list(tg.grad(value, inputs, create_graph=True))
            last = rows
            for u in directions:
                dots = [(d * v).sum() for d, v in zip(last, [u[0][chosen], u[1], u[2]], strict=True)]
                # the parameters' gradients are everybody's sums already in the oracle
                total = dots[0] + (dots[1] + dots[2])
                last = tg.grad(total, inputs, create_graph=True)
                rows += last
            found.append([t.detach() for t in rows])
        for number, (expected, own) in enumerate(zip(*found, strict=True)):
            if number % 3 == 0:
                close(own, expected[mine])
            else:
                total = tg.tensor(own.numpy())
                dist.all_reduce(total)
                close(total, expected)


def check_a_compiled_step_has_these_gradients():
    share = SHARES["uneven"]
    x, mine = whole(share, 2, 3, 3), part(share)
    alone, sync = layers(2)
    (alone(tg.tensor(x)).sin() * x).sum().backward()

    @tg.jit
    def step(x):
        (sync(x).sin() * x).sum().backward()

    for _ in range(2):
        sync.weight.grad = sync.bias.grad = None
        step(tg.tensor(x[mine]))
        for p, q in ((sync.weight, alone.weight), (sync.bias, alone.bias)):
            dist.all_reduce(p.grad)
            close(p.grad, q.grad)


def check_large_means_cost_no_digits():
    """In float32, against rational arithmetic: as far off as one process may be."""
    share = SHARES["uneven"]
    for mean in (0.0, 1e3, 1e6):
        x = (whole(share, 1, 4, 4) / 1000 + mean).astype("float32")
        numbers = [Fraction(float(v)) for v in x.ravel()]
        centre = sum(numbers) / len(numbers)
        squares = sum((v - centre) ** 2 for v in numbers) / len(numbers)
        exact = np.array([float(v - centre) for v in numbers]) / np.sqrt(float(squares + Fraction(1e-5)))
        sync = nn.SyncBatchNorm(1)
        found = sync(tg.tensor(x[part(share)])).numpy().ravel()
        np.testing.assert_allclose(found, exact.reshape(x.shape)[part(share)].ravel(), 0, 1e-6)
    equal = nn.SyncBatchNorm(1)(tg.full((share(dist.get_rank()), 1, 7, 1), 0.1, "float32"))
    assert not equal.numpy().any()  # exactly 0


def check_float16():
    share = SHARES["even"]
    x = whole(share, 2, 3, 3).astype("float16")
    sync = nn.SyncBatchNorm(2).to("float16")
    expected = F.batch_norm(tg.tensor(x.astype("float64")), training=True)[part(share)].numpy()
    y = sync(tg.tensor(x[part(share)]))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.numpy(), expected, 2e-3, 2e-3)


def check_nothing_at_all_and_one_value():
    sync = nn.SyncBatchNorm(2)
    assert sync(tg.zeros(0, 2, 3, 3)).shape == (0, 2, 3, 3)
    assert sync.running_mean.tolist() == [0.0, 0.0] and sync.running_var.tolist() == [1.0, 1.0]
    try:
        sync(tg.zeros(1 if dist.get_rank() == 1 else 0, 2))
    except tg.ShapeError as error:
        assert "one value per channel" in str(error)
    else:
        raise AssertionError("one value has no variance")
    assert sync.running_mean.tolist() == [0.0, 0.0]


def check_groups():
    """Each half of the ranks by itself."""
    size, rank = dist.get_world_size(), dist.get_rank()
    group = tuple(r for r in everybody() if r < size // 2) if rank < size // 2 else tuple(range(size // 2, size))
    x = whole(lambda rank: 2, 3, 2, 2)
    sync = nn.SyncBatchNorm(3, process_group=group).to("float64")
    mine = slice(2 * group[0], 2 * group[-1] + 2)
    expected = F.batch_norm(tg.tensor(x[mine]), training=True).numpy()[2 * (rank - group[0]) :][:2]
    close(sync(tg.tensor(x[2 * rank : 2 * rank + 2])), expected)


def check_a_converted_network_learns_as_on_one_process():
    def network():
        tg.manual_seed(0)
        return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)).to(
            "float64"
        )

    share = SHARES["even"]
    for compiled in (False, True):
        alone = network()
        model = DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(network()))
        opts = [tg.optim.SGD(m.parameters(), lr=0.1, momentum=0.9) for m in (alone, model)]

        def step(model, opt, x):
            opt.zero_grad()
            F.cross_entropy(model(x), np.zeros(len(x), int)).backward()
            opt.step()

        run = tg.jit(lambda x, model=model, opt=opts[1]: step(model, opt, x)) if compiled else None
        for number in range(3):
            x = whole(share, 2, 4, 4, seed=number)
            step(alone, opts[0], tg.tensor(x))
            mine = tg.tensor(x[part(share)])
            run(mine) if run else step(model, opts[1], mine)
        for (name, p), q in zip(alone.state_dict().items(), model.state_dict().values(), strict=True):
            np.testing.assert_allclose(q, p, 1e-11, 1e-12, err_msg=name)
