"""What every rank checks of the collectives. Each knows what the others have, so it computes the answer alone."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import distributed as dist

SHAPES = [(), (1,), (0,), (3, 4), (2, 0, 5), (1000,)]


def share(rank: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """What a rank gives: numbers whose sums and products float32 holds exactly."""
    integers = np.asarray(np.random.default_rng([rank, *shape]).integers(-7, 8, shape))
    return (integers if dtype[0] == "i" else integers / 4).astype(dtype)


def shares(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """What all ranks give."""
    return np.stack([share(rank, shape, dtype) for rank in range(dist.get_world_size())])


def check_who_is_here():
    ranks = [None] * dist.get_world_size()
    dist.all_gather_object(ranks, dist.get_rank())
    assert dist.get_world_size() > 1 and ranks == list(range(dist.get_world_size()))
    assert dist.is_available() and dist.is_initialized()


def check_reductions():
    reduce = {"sum": np.sum, "product": np.prod, "min": np.min, "max": np.max, "avg": np.mean}
    for shape in SHAPES:
        for dtype in ("float32", "float64", "float16", "int64", "int32"):
            for op, expected in reduce.items():
                if op == "avg" and dtype[0] == "i":
                    continue
                tensor = tg.tensor(share(dist.get_rank(), shape, dtype))
                dist.all_reduce(tensor, op)
                wide = shares(shape, dtype).astype("float64" if dtype[0] == "f" else dtype)
                np.testing.assert_array_equal(tensor.numpy(), expected(wide, 0).astype(dtype), f"{op} {dtype}")
                assert tensor.shape == shape and tensor.dtype == dtype


def check_order_in_memory():
    a, b = (np.arange(12.0).reshape(3, 4) * k for k in (1, 2))
    for array in (a.T, np.asfortranarray(a), a[:, ::-1], np.broadcast_to(a[:1], (3, 4))):
        tensor = tg.asarray(array)
        dist.all_reduce(tensor)
        np.testing.assert_array_equal(tensor.numpy(), array * dist.get_world_size())
    tensor = tg.asarray((a if dist.get_rank() else b).T)
    dist.broadcast(tensor, src=0)
    np.testing.assert_array_equal(tensor.numpy(), b.T)


def check_nan_on_one_rank_is_nan_on_all():
    for dtype in ("float16", "float32", "float64"):
        for op in dist.ReduceOp:
            for one in range(dist.get_world_size()):
                numbers = np.array([1.0, -np.inf, np.inf, -2.0], dtype)
                if dist.get_rank() == one:
                    numbers[:2] = np.array([np.nan, -np.nan], dtype)
                tensor = tg.tensor(numbers)
                dist.all_reduce(tensor, op)
                assert np.isnan(tensor.numpy()).tolist() == [True, True, False, False], (dtype, op, one)


def check_extremes():
    for dtype in ("float16", "float32", "float64"):
        numbers = np.array([-np.inf, -1.5, -0.0, 0.0, np.finfo(dtype).tiny, 7.0, np.inf], dtype)
        mine = np.roll(numbers, dist.get_rank())
        everybody = np.stack([np.roll(numbers, rank) for rank in range(dist.get_world_size())])
        for op, expected in (("max", everybody.max(0)), ("min", everybody.min(0))):
            tensor = tg.tensor(mine)
            dist.all_reduce(tensor, op)
            np.testing.assert_array_equal(tensor.numpy(), expected)
    flags = tg.tensor([dist.get_rank() == 0, True, False])
    dist.all_reduce(flags, "max")
    assert flags.tolist() == [True, True, False]
    dist.all_reduce(flags, "min")
    assert flags.tolist() == [True, True, False]


def check_all_have_the_same_bits():
    for size in (1, 7, 1000, 300_000):
        for op in ("sum", "avg"):
            tensor = tg.tensor(np.random.default_rng(dist.get_rank()).normal(size=size).astype("float32"))
            dist.all_reduce(tensor, op)
            everybody = [tg.zeros(size) for _ in range(dist.get_world_size())]
            dist.all_gather(everybody, tensor)
            assert all(np.array_equal(other.numpy(), tensor.numpy()) for other in everybody), size


def check_gathering():
    for dtype in ("float16", "float32", "int64", "bool"):
        for shape in SHAPES:
            everybody = [tg.zeros(shape, dtype=dtype) for _ in range(dist.get_world_size())]
            dist.all_gather(everybody, tg.tensor(share(dist.get_rank(), shape, "float32").astype(dtype)))
            np.testing.assert_array_equal([t.numpy() for t in everybody], shares(shape, "float32").astype(dtype))


def check_objects():
    last = dist.get_world_size() - 1
    items = [{"rank": dist.get_rank()}, dist.get_rank() * "x"]
    dist.broadcast_object_list(items, src=last)
    assert items == [{"rank": last}, last * "x"]


def check_what_is_refused():
    for call in (
        lambda: dist.all_reduce(tg.tensor([1, 2]), "avg"),
        lambda: dist.all_reduce(tg.tensor([True]), "sum"),
        lambda: dist.all_reduce(tg.ones(2), "median"),
        lambda: dist.broadcast(tg.ones(2), src=dist.get_world_size()),
        lambda: dist.all_gather([tg.ones(2)], tg.ones(2)),
        lambda: dist.all_gather_object([], 1),
        lambda: dist.init_process_group("gloo"),
    ):
        try:
            call()
        except (ValueError, TypeError) as error:
            assert str(error)
        else:
            raise AssertionError("it was accepted")


def check_children_are_no_ranks():
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(1) as pool:
        answer = pool.apply(_asked)
    assert "worker process" in answer, answer


def _asked() -> str:
    try:
        return f"rank {dist.get_rank()}"
    except RuntimeError as error:
        return str(error)
