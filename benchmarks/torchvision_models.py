"""torchvision's networks, which are Python on PyTorch alone: torchvision's compiled operations are not used.

Its wheels are built for a PyTorch with CUDA; beside PyTorch's wheel for CPUs its library does not load, and its import
then asks for two operations that the library would have registered. Declaring them lets the networks be imported.
"""

from __future__ import annotations

from typing import Any

DECLARED: list[Any] = []  # a declaration lasts as long as its library object


def torchvision_models() -> Any:
    """The module ``torchvision.models``.

    Raises:
        ModuleNotFoundError: PyTorch or torchvision is not installed.
    """
    import torch

    try:
        from torchvision import models
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        DECLARED.append(library)
        from torchvision import models
    return models
