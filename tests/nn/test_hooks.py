"""Hooks of modules with all their options, beside PyTorch's."""

from __future__ import annotations

import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn


def logged(library, x):
    """What hooks see, in the order of their calls, with all options."""
    log = []

    class Scaled(library.nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    layer = Scaled()
    layer.register_forward_pre_hook(lambda m, args: log.append(("second", len(args))))
    layer.register_forward_pre_hook(lambda m, args: log.append(("first", len(args))), prepend=True)
    layer.register_forward_pre_hook(lambda m, args, kwargs: ((*args, kwargs["by"] + 1.0), {}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, y: log.append((len(args), float(y))))
    layer.register_forward_hook(lambda m, args, kwargs, y: log.append((len(args), kwargs)) or y + 1, with_kwargs=True)
    layer.register_forward_hook(lambda m, args, y: log.append("before all"), prepend=True)
    return [float(layer(x, by=2.0)), *log]


def test_hooks_are_called_as_by_pytorch():
    torch = pytest.importorskip("torch")
    assert logged(tg, tg.tensor(3.0)) == logged(torch, torch.tensor(3.0))


@pytest.mark.any_python
def test_wrong_hooks():
    layer = nn.Identity()
    with pytest.raises(TypeError, match=r"Identity\.register_forward_hook: hook=3; it must be a function"):
        layer.register_forward_hook(3)
    with pytest.raises(ValueError, match="always_call=True; where forward raises there is no output"):
        layer.register_forward_hook(print, always_call=True)
    layer.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(TypeError, match=r"it must be \(args, kwargs\), or None"):
        layer(tg.tensor(1.0))
