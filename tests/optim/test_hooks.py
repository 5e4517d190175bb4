"""Hooks of optimizers: when they are called, with what, and what they may change, beside PyTorch's; compiled steps."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

any_python = pytest.mark.any_python
BOTH = [
    *("register_state_dict_pre_hook", "register_state_dict_post_hook"),
    *("register_load_state_dict_pre_hook", "register_load_state_dict_post_hook"),
]


def seen(optimizer, set_gradient):
    """What hooks are called with, in order, during two steps, saving and loading."""
    log = []

    def noted(name):
        def hook(self, *rest):
            assert self is optimizer
            log.append((name, [sorted(x) if isinstance(x, dict) else len(x) for x in rest]))

        return hook

    optimizer.register_step_pre_hook(noted("pre"))
    optimizer.register_step_pre_hook(noted("later pre"))
    first = optimizer.register_step_post_hook(noted("post"))
    optimizer.register_step_post_hook(noted("post again"))
    for method in BOTH:
        getattr(optimizer, method)(noted(method))
        getattr(optimizer, method)(noted(f"first {method}"), prepend=True)
    set_gradient()
    optimizer.step()
    first.remove()
    optimizer.step(closure=lambda: log.append("closure"))
    optimizer.load_state_dict(optimizer.state_dict())
    return log


def test_hooks_are_called_as_by_pytorch(torch):
    p, q = nn.Parameter(np.ones(3)), torch.nn.Parameter(torch.ones(3))
    ours = seen(optim.SGD([p]), lambda: setattr(p, "grad", tg.ones(3, dtype="float64")))
    theirs = seen(torch.optim.SGD([q]), lambda: setattr(q, "grad", torch.ones(3)))
    assert ours == theirs and len(ours) == 4 + 4 + 8


def test_lbfgs_has_them_too():
    p = nn.Parameter(np.ones(2))
    optimizer = optim.LBFGS([p], max_iter=1)
    log = []
    optimizer.register_step_pre_hook(lambda *given: log.append(given[1:]))
    optimizer.register_step_post_hook(lambda *given: log.append("after"))

    def closure():
        p.grad = None
        loss = (p * p).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert log == [((optimizer, closure), {}), "after"]


@any_python
def test_a_hook_may_give_other_arguments():
    p = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([p])
    handle = optimizer.register_step_pre_hook(lambda self, args, kwargs: ((self, lambda: "another"), {}))
    assert optimizer.step(lambda: "one") == "another"
    handle.remove()
    optimizer.register_step_pre_hook(lambda self, args, kwargs: 3)
    with pytest.raises(TypeError, match=r"SGD.step: a hook returned 3; it must be \(args, kwargs\)"):
        optimizer.step()


@any_python
def test_states_may_be_changed_on_their_way():
    p = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([p], lr=0.5)
    optimizer.register_state_dict_post_hook(lambda self, state: {**state, "note": "mine"})
    optimizer.register_load_state_dict_pre_hook(lambda self, state: state.pop("note") and None)
    saved = optimizer.state_dict()
    assert saved["note"] == "mine"
    optimizer.lr = 7.0
    optimizer.load_state_dict(saved)
    assert optimizer.lr == 0.5 and "note" in saved  # what was given is not changed
    optimizer.register_load_state_dict_pre_hook(lambda self, state: [])
    with pytest.raises(tg.CheckpointError, match="got list; it takes a dict"):
        optimizer.load_state_dict(saved)


@any_python
def test_one_function_twice_is_removed_once_at_a_time():
    p = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([p])
    log = []

    def hook(*given):
        log.append(1)

    first, second = optimizer.register_step_pre_hook(hook), optimizer.register_step_pre_hook(hook)
    optimizer.step()
    first.remove(), first.remove()
    optimizer.step()
    with second:
        pass
    optimizer.step()
    assert len(log) == 3
    with pytest.raises(TypeError, match=r"SGD\.register_step_post_hook: hook=3; it must be a function"):
        optimizer.register_step_post_hook(3)


def test_a_compiled_step_has_what_its_hooks_compute():
    """Clipping before each step is compiled with it; another hook, and it is traced anew."""
    results = []
    for jit in (False, True):
        rng = np.random.default_rng(0)
        p = nn.Parameter(np.ones(5))
        optimizer = optim.Adam([p], lr=0.1)
        clips = optimizer.register_step_pre_hook(lambda *given, p=p: optim.clip_grad_value_([p], 0.5))
        step = tg.jit(optimizer.step) if jit else optimizer.step
        for t in range(6):
            p.grad = tg.tensor(rng.normal(size=5) * 3)
            step()
            if t == 2:
                clips.remove()
        results.append(p.detach().numpy())
    assert step.explain().count("traced because") == 2, step.explain()
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12)
