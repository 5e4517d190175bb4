"""Arguments of the loader: PyTorch's names, order and defaults; what is refused, and why."""

import inspect
import multiprocessing

import numpy as np
import pytest

from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint
from tinygrad_cv import data

from .samples import Noise, NoiseStream

pytestmark = pytest.mark.any_python


def test_arguments_are_pytorchs():
    torch = pytest.importorskip("torch")
    ours, theirs = (
        {name: (p.kind, p.default) for name, p in inspect.signature(loader).parameters.items()}
        for loader in (data.DataLoader, torch.utils.data.DataLoader)
    )
    keyword = inspect.Parameter.KEYWORD_ONLY
    assert ours == {**theirs, "seed": (keyword, 0), "workers": (keyword, "processes")}
    by_place = [name for name, (kind, _) in ours.items() if kind != keyword]
    assert by_place == [name for name, (kind, _) in theirs.items() if kind != keyword]


REFUSED = [
    ({"batch_size": 0}, ValueError, "batch_size is 0; .* at least 1"),
    ({"batch_size": 2.5}, ValueError, r"batch_size is 2\.5; .*whole number"),
    ({"batch_size": True}, ValueError, "batch_size is True"),
    ({"batch_size": np.arange(5)}, TypeError, r"batch_size is a ndarray; .*TensorDataset\(images, labels\)"),
    ({"batch_size": None, "drop_last": True}, ValueError, "drop_last is given with batch_size=None"),
    ({"shuffle": True, "sampler": [1]}, ValueError, "shuffle is given beside sampler"),
    ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_size is given beside batch_sampler"),
    ({"batch_sampler": [[1]], "shuffle": True}, ValueError, "shuffle is given beside batch_sampler"),
    ({"batch_sampler": [[1]], "sampler": [1]}, ValueError, "sampler is given beside batch_sampler"),
    ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "drop_last is given beside batch_sampler"),
    ({"dataset": NoiseStream(), "shuffle": True}, ValueError, "shuffle is given for an IterableDataset"),
    ({"dataset": NoiseStream(), "sampler": [1]}, ValueError, "sampler is given for an IterableDataset"),
    ({"dataset": NoiseStream(), "batch_sampler": [[1]]}, ValueError, "batch_sampler is given for an IterableDataset"),
    ({"dataset": iter([1])}, TypeError, r"a list_iterator, which has neither .*__getitem__.*TensorDataset"),
    ({"num_workers": -1}, ValueError, "num_workers is -1; .* at least 0"),
    ({"workers": "process"}, ValueError, "workers is 'process'; it must be 'processes' or 'threads'"),
    ({"timeout": -1}, ValueError, "timeout is -1; it must be seconds"),
    ({"timeout": float("nan")}, ValueError, "timeout is nan"),
    ({"prefetch_factor": 2}, ValueError, "prefetch_factor is given with num_workers=0"),
    ({"prefetch_factor": 0, "num_workers": 1}, ValueError, "prefetch_factor is 0; .* at least 1"),
    ({"persistent_workers": True}, ValueError, "persistent_workers is given with num_workers=0"),
    ({"multiprocessing_context": "spawn"}, ValueError, "multiprocessing_context is given with num_workers=0"),
    ({"multiprocessing_context": "span", "num_workers": 1}, ValueError, "is 'span'; it must be one of .*spawn"),
    (
        {"multiprocessing_context": "spawn", "num_workers": 1, "workers": "threads"},
        ValueError,
        "multiprocessing_context is given for threads",
    ),
    ({"collate_fn": 3}, TypeError, "collate_fn is 3; it must be a function"),
    ({"worker_init_fn": 3}, TypeError, "worker_init_fn is 3"),
    ({"generator": 3}, TypeError, r"DataLoader: generator is a builtins\.int"),
    ({"seed": -1}, ValueError, "DataLoader: seed is -1"),
    ({"seed": 1, "generator": np.random.default_rng(0)}, ValueError, "seed is given beside generator"),
]


@pytest.mark.parametrize("arguments, error, message", REFUSED)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        data.DataLoader(**{"dataset": Noise(), **arguments})


def test_what_means_nothing_is_accepted():
    data.DataLoader(Noise(), pin_memory=True, pin_memory_device="cuda", shuffle=False, in_order=True)
    data.DataLoader(NoiseStream(), shuffle=False)
    data.DataLoader(Noise(), num_workers=1, multiprocessing_context=multiprocessing.get_context("spawn"))
    data.DataLoader(Noise(), batch_size=np.int64(3))


def test_arguments_can_be_read_and_not_set():
    loader = data.DataLoader(Noise(), 4, shuffle=True)
    assert loader.batch_size == 4 and isinstance(loader.sampler, data.RandomSampler) and len(loader.batch_sampler) == 6
    for name in inspect.signature(data.DataLoader).parameters.keys() - {"shuffle", "seed"}:
        with pytest.raises(AttributeError, match=rf"DataLoader: {name} cannot be set any more. Make another"):
            setattr(loader, name, getattr(loader, name))


def test_a_stream_without_length_has_none():
    class Endless(data.IterableDataset):
        def __iter__(self):
            return iter(int, 1)

    loader = data.DataLoader(Endless(), 2)
    assert next(iter(loader)).tolist() == [0, 0]
    with pytest.raises(TypeError, match="has no len"):
        len(loader)


WALKED = ("dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "drop_last")


@pytest.mark.parametrize("name", [*WALKED, "timeout", "worker_init_fn", "prefetch_factor", "seed", "workers"])
def test_one_wrong_argument_is_named(name):
    """Before the first batch is made, or with it."""
    parameters, found = inspect.signature(data.DataLoader).parameters, []
    default = Noise() if name == "dataset" else parameters[name].default
    odd = [True, "unheard-of", {"a": 1}, object(), np.ones((2, 2), int), np.ones(3, bool), 10**30, -1, 1.5, [list]]
    for wrong in [*wrong_values(default), *odd]:
        if name in ("sampler", "batch_sampler") and isinstance(wrong, (list, tuple, np.ndarray)):
            continue  # places, which the data set may know or not
        if name == "dataset" and (isinstance(wrong, dict) or hasattr(wrong, "__getitem__")):
            continue  # samples of some kind
        if name in ("collate_fn", "worker_init_fn") and callable(wrong):
            continue
        if name == "num_workers" and isinstance(wrong, int) and wrong > 0:
            continue  # it would start them
        given = {"dataset": Noise(), name: wrong}
        problem = complaint(lambda given=given: next(iter(data.DataLoader(**given))), name, [""])
        found += [f"{name}={shown(wrong)}: {problem}"] if problem else []
    assert not found, "\n".join(found)
