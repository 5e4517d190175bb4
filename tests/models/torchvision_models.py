"""torchvision's networks as an oracle. Only their Python is needed: torchvision's compiled operations are not used.

Its wheels are built for a PyTorch with CUDA; beside PyTorch's wheel for CPUs its library does not load, and its import
then asks for two operations that the library would have registered. Declaring them lets the networks be imported.
"""

from __future__ import annotations

from typing import Any

import pytest

DECLARED: list[Any] = []  # a declaration lasts as long as its library object


def torchvision_models() -> Any:
    """The module ``torchvision.models``; the test is skipped where it is not installed."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    torch.set_num_threads(1)
    try:
        from torchvision import models
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed: pip install 'tinygrad_cv[torch]'")
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        DECLARED.append(library)
        from torchvision import models
    return models
