"""What every rank checks of DistributedDataParallel. The oracle is one process with the whole batch, in float64."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import distributed as dist
from tinygrad_cv import nn, optim
from tinygrad_cv.nn.parallel import DistributedDataParallel

SHARE = 3


def network(seed: int = 0) -> nn.Module:
    """A small network, in float64; its normalization is one of each image."""
    tg.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 16, 5)
    )
    return model.to("float64")


def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of all ranks."""
    rng = np.random.default_rng(step)
    n = SHARE * dist.get_world_size()
    return rng.normal(size=(n, 2, 4, 4)), rng.integers(0, 5, n)


def share(step: int) -> tuple[tg.Tensor, tg.Tensor]:
    """This rank's part of them."""
    images, labels = batch(step)
    mine = slice(SHARE * dist.get_rank(), SHARE * (dist.get_rank() + 1))
    return tg.tensor(images[mine]), tg.tensor(labels[mine])


def step_of(model: nn.Module, opt: optim.Optimizer):
    def step(x, y):
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optim.clip_grad_norm_(model.parameters(), 0.5)
        opt.step()
        return loss

    return step


def assert_equal(model: nn.Module, expected: nn.Module, tolerance: float = 1e-12) -> None:
    pairs = zip(model.named_parameters(), expected.parameters(), strict=True)
    for (name, a), b in pairs:
        np.testing.assert_allclose(a.numpy(), b.numpy(), tolerance, tolerance, err_msg=name)


def alike(tensors) -> bool:
    """Whether tensors have the same bits on all ranks."""
    mine = [tensor.numpy().tobytes() for tensor in tensors]
    everybody = [None] * dist.get_world_size()
    dist.all_gather_object(everybody, mine)
    return all(theirs == mine for theirs in everybody)


def check_all_begin_as_rank_0():
    model = DistributedDataParallel(network(dist.get_rank()))
    assert_equal(model.module, network(0), 0.0)
    assert list(model.state_dict()) == [f"module.{name}" for name in network().state_dict()]


def check_models_that_differ_are_named():
    cases = [
        (lambda n: nn.Linear(3, 2 + n), "weight of shape (2, 3)"),
        (lambda n: nn.Linear(3, 2, bias=n == 0), "no more than 1 parameters and buffers"),
        (lambda n: nn.Linear(3, 2).to("float64" if n else "float32"), "dtype float64"),
    ]
    for make, words in cases:
        try:
            DistributedDataParallel(make(dist.get_rank()))
        except ValueError as error:
            assert words in str(error), error
        else:
            raise AssertionError(words)


def check_training_is_that_of_the_whole_batch():
    for compiled in (False, True):
        alone, model = network(), DistributedDataParallel(network())
        opts = [optim.SGD(m.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-3) for m in (alone, model)]
        step = step_of(model, opts[1])
        step = tg.jit(step) if compiled else step
        for number in range(4):
            x, y = batch(number)
            step_of(alone, opts[0])(tg.tensor(x), tg.tensor(y))
            step(*share(number))
        assert_equal(model, alone)
        assert alike(model.parameters())


def check_a_compiled_step_is_one_program_up_to_the_reduction():
    model = DistributedDataParallel(network())
    step = tg.jit(step_of(model, optim.SGD(model.parameters(), lr=0.5)))
    step(*share(0))
    program = step._entry(share(0), {}).program
    kinds = [type(segment).__name__ for segment in program._segments]
    assert kinds == ["Program", "ImageStep"] or kinds == ["Program", "ImageStep", "Program"], kinds


def check_accumulation():
    for compiled in (False, True):
        alone, model = network(), DistributedDataParallel(network())

        def run(x, y, model=model):
            F.cross_entropy(model(x), y).backward()

        run = tg.jit(run) if compiled else run
        for _ in range(2):
            with model.no_sync():
                run(*share(0))
                own = [p.grad.numpy().copy() for p in model.parameters()]
                run(*share(1))
            assert not alike([p.grad for p in model.parameters()])
            run(*share(2))
            assert alike([p.grad for p in model.parameters()])
            x, y = share(0)
            plain = network()
            F.cross_entropy(plain(x), y).backward()
            for g, p in zip(own, plain.parameters(), strict=True):
                np.testing.assert_allclose(g, p.grad.numpy(), 1e-12, 1e-12)
            for number in range(3):
                x, y = batch(number)
                F.cross_entropy(alone(tg.tensor(x)), tg.tensor(y)).backward()
            for p, q in zip(model.parameters(), alone.parameters(), strict=True):
                np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-11, 1e-12)
                p.grad = q.grad = None


def check_unused_parameters():
    """One that one rank alone uses, one that none uses, one that is not learned."""

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.always, self.never, self.first = (nn.Parameter(tg.ones(3) * k) for k in (1.0, 2.0, 3.0))
            self.fixed = nn.Parameter(tg.ones(1), requires_grad=False)

        def forward(self, first):
            y = self.always * self.fixed
            return (y * self.first if first else y).sum()

    for mode in ("eager", "recorded", "compiled"):
        model = DistributedDataParallel(Branches())
        first = dist.get_rank() == 0

        def run(model=model, first=first, recorded=mode == "recorded"):
            model(first).backward(create_graph=recorded)

        run = tg.jit(run) if mode == "compiled" else run
        for _ in range(2):
            for p in model.parameters():
                p.grad = None
            run()
            size, m = dist.get_world_size(), model.module
            np.testing.assert_allclose(m.always.grad.numpy(), (3.0 + size - 1.0) / size)
            np.testing.assert_allclose(m.first.grad.numpy(), 1.0 / size)
            assert m.fixed.grad is None
            assert m.never.grad is None or (mode == "compiled" and not m.never.grad.numpy().any())


def check_second_derivatives():
    """A penalty on the mean gradient: the loss of the second pass depends on all ranks' shares."""
    alone, model = network(), DistributedDataParallel(network())
    x, y = batch(0)
    for m, data in ((alone, (tg.tensor(x), tg.tensor(y))), (model, share(0))):
        F.cross_entropy(m(data[0]), data[1]).backward(create_graph=True)
        gradients = [p.grad for p in m.parameters()]
        for p in m.parameters():
            p.grad = None
        sum(((g * g).sum() for g in gradients), tg.tensor(0.0, dtype="float64")).backward()
    for p, q in zip(model.parameters(), alone.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-10, 1e-12)


def check_uneven_and_empty_shares():
    """A loss that is a sum over the whole batch's count: rank 0 has nothing."""
    size, rank = dist.get_world_size(), dist.get_rank()
    counts = [2 * r for r in range(size)]
    images, labels = np.random.default_rng(0).normal(size=(sum(counts), 2, 4, 4)), np.arange(sum(counts)) % 5
    mine = slice(sum(counts[:rank]), sum(counts[: rank + 1]))
    for compiled in (False, True):
        alone, model = network(), DistributedDataParallel(network())
        F.cross_entropy(alone(tg.tensor(images)), tg.tensor(labels)).backward()

        def run(x, y, model=model):
            (F.cross_entropy(model(x), y, reduction="sum") * (size / sum(counts))).backward()

        run = tg.jit(run) if compiled else run
        run(tg.tensor(images[mine]), tg.tensor(labels[mine]))
        for p, q in zip(model.parameters(), alone.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-11, 1e-12)


def check_buffers_are_rank_0s():
    for compiled in (False, True):
        model = DistributedDataParallel(nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1)))
        plain = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1))

        def run(x, model=model):
            model(x).square().mean().backward()

        run = tg.jit(run) if compiled else run
        for number in range(3):
            run(share(number)[0].astype("float32"))
            plain(tg.tensor(batch(number)[0][:SHARE].astype("float32")))
            assert alike(model.buffers())
        for a, b in zip(model.buffers(), plain.buffers(), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-6, 1e-6)
        model.eval()
        if dist.get_rank() == 0:
            model(tg.ones(1, 2, 4, 4))  # alone: no other waits for it


def check_gradients_of_earlier_steps_stay():
    model = DistributedDataParallel(nn.Linear(4, 2))
    kept = []
    for number in range(3):
        for p in model.parameters():
            p.grad = None
        (model(tg.ones(1, 4)) * float(number + 1)).sum().backward()
        kept.append(model.module.weight.grad)
    for number, g in enumerate(kept):
        np.testing.assert_array_equal(g.numpy(), number + 1.0)


def check_dtypes():
    model = DistributedDataParallel(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2).to("float16")))
    for compiled in (False, True):

        def run(model=model):
            x = tg.ones(2, 3) * (dist.get_rank() + 1.0)
            model.module[1](model.module[0](x).astype("float16")).sum().backward()

        (tg.jit(run) if compiled else run)()
        for p in model.parameters():
            assert p.grad.dtype == p.dtype and alike([p.grad])
            p.grad = None


def check_a_failing_pass_changes_nothing():
    model = DistributedDataParallel(nn.Linear(2, 1))

    def refuse(g):
        raise RuntimeError("no")

    handle = model.module.weight.register_hook(refuse)
    try:
        model(tg.ones(1, 2)).sum().backward()
    except RuntimeError as error:
        assert str(error) == "no"
    handle.remove()
    assert model.module.bias.grad is None
    model(tg.ones(1, 2)).sum().backward()
    assert model.module.bias.grad.tolist() == [1.0]
