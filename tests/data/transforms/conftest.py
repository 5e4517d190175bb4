"""torchvision and PyTorch, for the tests that ask for them; importing them takes seconds."""

from __future__ import annotations

import pytest

from tests.models.torchvision_models import torchvision_models


@pytest.fixture(scope="session")
def v2():
    """The module ``torchvision.transforms.v2``."""
    torchvision_models()
    from torchvision.transforms import v2

    return v2


@pytest.fixture(scope="session")
def torch(v2):
    """The module ``torch``."""
    import torch

    return torch
