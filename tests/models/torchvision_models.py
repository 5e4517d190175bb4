"""torchvision's networks as an oracle; tests of them are skipped where it is not installed."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import torchvision_models as networks


def torchvision_models() -> Any:
    """The module ``torchvision.models``, on one thread."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    torch.set_num_threads(1)
    try:
        return networks.torchvision_models()
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed: pip install 'tinygrad_cv[torch]'")
