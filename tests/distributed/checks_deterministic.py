"""Weights after 50 steps, which the test compares to the bit between launches of 1, 2 and 4 ranks."""

from __future__ import annotations

import hashlib

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import distributed as dist
from tinygrad_cv import nn, optim

PASSES, EACH, STEPS = 4, 3, 50


def trained(compiled: bool) -> str:
    """A hash of the parameters."""
    tg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    model = nn.parallel.DistributedDataParallel(net, deterministic=True, micro_batches=PASSES)
    opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def loss(x, y):
        return F.cross_entropy(model(x), y)

    loss = tg.jit(loss) if compiled else loss
    count = PASSES // dist.get_world_size()
    for step in range(STEPS):
        opt.zero_grad()
        for number in range(count * dist.get_rank(), count * (dist.get_rank() + 1)):
            rng = np.random.default_rng([step, number])
            assert net[0].weight.grad is None
            loss(
                tg.tensor(rng.normal(size=(EACH, 1, 6, 6)).astype("float32")), tg.tensor(rng.integers(0, 5, EACH))
            ).backward()
        optim.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    return hashlib.sha256(b"".join(p.numpy().tobytes() for p in model.parameters())).hexdigest()


def check_weights():
    tg.set_num_threads(1)
    for compiled in (False, True):
        found = trained(compiled)
        if dist.get_rank() == 0:
            print(f"weights {'compiled' if compiled else 'eager'} {found}", flush=True)


def check_gradients_are_those_of_the_whole_batch():
    tg.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(nn.Linear(3, 2).to("float64"), deterministic=True, micro_batches=PASSES)
    rows = np.random.default_rng(0).normal(size=(PASSES, 5, 3))
    count = PASSES // dist.get_world_size()
    for x in rows[count * dist.get_rank() :][:count]:
        model(tg.tensor(x)).square().mean().backward()
    plain = nn.Linear(3, 2).to("float64")
    plain.load_state_dict(model.module.state_dict())
    plain(tg.tensor(rows.reshape(-1, 3))).square().mean().backward()
    for p, q in zip(model.parameters(), plain.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-12)
