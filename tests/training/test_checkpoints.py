"""A run that stops and goes on is the run that does not; what does not fit changes nothing."""

import copy

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.files.trees import same
from tinygrad_cv import nn, optim
from tinygrad_cv.frontend.random import Generator
from tinygrad_cv.training import collect, restore

any_python = pytest.mark.any_python


class Position:
    """what a loader of data is to a checkpoint"""

    def __init__(self):
        self.index = 0

    def state_dict(self):
        return {"index": self.index}

    def load_state_dict(self, state):
        self.index = state["index"]  # before it is checked
        if not 0 <= self.index < 1000:
            raise ValueError(f"index {self.index}")


class Run:
    """everything that a run has, and its steps"""

    def __init__(self, jit, seed):
        tg.manual_seed(seed)
        self.noise = Generator(seed)
        self.augment = np.random.default_rng(seed)
        self.model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        self.ema = nn.AveragedModel(self.model, avg_fn=optim.swa_utils.get_ema_avg_fn(0.9))
        self.optimizer = optim.SGD(self.model, lr=0.1, momentum=0.9)
        warmup = optim.LinearLR(self.optimizer, total_iters=2)
        self.schedule = optim.SequentialLR(self.optimizer, [warmup, optim.StepLR(self.optimizer, 2)], [2])
        self.loader = Position()
        self._step = tg.jit(self._compute) if jit else self._compute

    @property
    def parts(self):
        return {**self.trained, "generator": tg.default_generator, "noise": self.noise, "augment": self.augment}

    @property
    def trained(self):
        names = ("model", "ema", "optimizer", "schedule", "loader")
        return {name: getattr(self, name) for name in names}

    def _compute(self, x, labels):
        loss = F.cross_entropy(self.model(x + 0.1 * tg.randn(*x.shape, generator=self.noise)), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.ema.update_parameters(self.model)
        return loss

    def steps(self, count):
        losses = []
        for _ in range(count):
            data = np.random.default_rng(self.loader.index)
            x = data.normal(size=(5, 6)) + self.augment.normal(size=(5, 6))
            losses.append(self._step(tg.tensor(x.astype(np.float32)), data.integers(0, 3, 5)).item())
            self.schedule.step()
            self.loader.index += 1
        return losses


@pytest.mark.parametrize("jit", [False, True])
def test_a_run_that_goes_on_is_bit_for_bit_the_one_that_did_not_stop(jit, tmp_path):
    whole = Run(jit, 0)
    whole.steps(3)
    tg.save(collect(**whole.parts, extra={"epoch": 3, "best": 0.25}), tmp_path / "last.safetensors")
    expected = whole.steps(4)
    after = collect(**whole.parts)
    other = Run(jit, 1)
    other.steps(1)
    assert restore(tg.load(tmp_path / "last.safetensors"), **other.parts) == {"epoch": 3, "best": 0.25}
    assert other.steps(4) == expected and len(set(expected)) == 4
    found = collect(**other.parts)
    same(found["model"], after["model"])
    same(found["ema"], after["ema"])
    assert str(found) == str(after)


def fresh():
    run = Run(False, 0)
    run.steps(2)
    sections = copy.deepcopy(collect(**run.parts))
    run.steps(1)
    return run, sections


DAMAGE = {
    "model": lambda s: s.pop("0.weight"),
    "ema": lambda s: s.update({"n_averaged": np.zeros(2)}),
    "optimizer": lambda s: s["param_groups"][0].update(lr=-1.0),
    "schedule": lambda s: s.update(last_epoch=-3),
    "loader": lambda s: s.update(index=-1),
    "generator": lambda s: s.update(state=np.zeros(2)),
    "noise": lambda s: s.update(more=1),
    "augment": lambda s: s.update(bit_generator="MT19937"),
}


@any_python
@pytest.mark.parametrize("name", DAMAGE)
def test_what_one_part_does_not_take_changes_none(name):
    run, sections = fresh()
    assert DAMAGE.keys() == run.parts.keys()
    before = copy.deepcopy(collect(**run.parts))
    DAMAGE[name](sections[name])
    with pytest.raises(tg.CheckpointError):
        restore(sections, **run.parts)
    found = collect(**run.parts)
    assert str(found) == str(before)
    same(found["model"], before["model"])


@any_python
def test_a_part_that_refuses_gives_others_of_its_kind_back_what_they_had():
    parts = {"first": Position(), "second": Position(), "third": Position()}
    sections = copy.deepcopy(collect(**parts))
    for i, part in enumerate(parts.values()):
        part.index = 10 + i
    sections["second"]["index"] = -1
    with pytest.raises(tg.CheckpointError, match=r"second does not take its state \(ValueError: index -1\)"):
        restore(sections, **parts)
    assert [part.index for part in parts.values()] == [10, 11, 12]


@any_python
def test_a_lazily_sized_model_stays_so_if_another_part_refuses():
    parts = {"model": nn.Linear(3, 2), "loader": Position()}
    sections = collect(**parts)
    lazy = nn.LazyLinear(2)
    with pytest.raises(tg.CheckpointError):
        restore({**sections, "loader": {"index": -1}}, model=lazy, loader=Position())
    assert type(lazy) is nn.LazyLinear
    restore(sections, model=lazy, loader=Position())
    assert lazy.weight.tolist() == parts["model"].weight.tolist()


@any_python
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.pop("loader"), "the section loader has no part"),
        (lambda p: p.update(other=Position()), "there is no section other"),
        (lambda p: p.update(optimizer=optim.Adam(p["model"])), "optimizer is a Adam, and the section is of a SGD"),
        (
            lambda p: p.update(schedule=optim.StepLR(p["optimizer"], 2)),
            "is a StepLR, and the section is of a Sequential",
        ),
        (lambda p: p.update(noise=np.random.default_rng(0)), "is a Generator|none of a PCG64"),
    ],
)
def test_parts_that_are_not_those_that_were_collected(change, words):
    run, sections = fresh()
    parts = run.parts
    change(parts)
    before = str(collect(**run.parts))
    with pytest.raises(tg.CheckpointError, match=words):
        restore(sections, **parts)
    assert str(collect(**run.parts)) == before


@any_python
def test_parts_without_a_state_and_sections_that_are_none():
    with pytest.raises(TypeError, match=r"collect: epoch is a int, which has no state_dict .* go into extra"):
        collect(epoch=3)
    with pytest.raises(TypeError, match="'kinds' is the name of a section of its own"):
        collect(kinds=Position())
    model = nn.Linear(1, 1)
    assert collect(model=model, ema=None).keys() == {"kinds", "extra", "model"}
    assert restore(collect(model=model, ema=None), model=model, ema=None) is None
    for sections in (model.state_dict(), {}, [], {"kinds": {"model": "Linear"}, "extra": None}):
        with pytest.raises(tg.CheckpointError, match="not the sections of a run"):
            restore(sections, model=model)


@any_python
@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_generators_of_numpy(kind, tmp_path):
    generator = np.random.Generator(kind(3))
    generator.normal(size=5)
    tg.save(collect(generator=generator), tmp_path / "state.safetensors")
    expected = generator.integers(0, 2**60, 20).tolist() + generator.normal(size=5).tolist()
    other = np.random.Generator(kind(4))
    restore(tg.load(tmp_path / "state.safetensors"), generator=other)
    assert other.integers(0, 2**60, 20).tolist() + other.normal(size=5).tolist() == expected


def test_a_loader_goes_on_within_an_epoch(tmp_path):
    def loader():
        return tg.data.DataLoader(tg.data.TensorDataset(np.arange(20)), batch_size=3, shuffle=True, seed=5)

    def values(batches, count):
        return [next(batches)[0].tolist() for _ in range(count)]

    whole = loader()
    batches = iter(whole)
    values(batches, 2)
    tg.save(collect(loader=whole), tmp_path / "last.safetensors")
    expected = values(batches, 5) + values(iter(whole), 7)
    other = loader()
    restore(tg.load(tmp_path / "last.safetensors"), loader=other)
    assert values(iter(other), 5) + values(iter(other), 7) == expected
    wrong = tg.data.DataLoader(tg.data.TensorDataset(np.arange(20)), batch_size=4, shuffle=True, seed=5)
    with pytest.raises(tg.CheckpointError, match=r"loader does not take its state .*batch"):
        restore(tg.load(tmp_path / "last.safetensors"), loader=wrong)
