"""Explanations: where in an image a network has found what it answers."""

from .grad_cam import grad_cam
from .maps import layers_with_maps
from .picture import save_map

__all__ = ["grad_cam", "layers_with_maps", "save_map"]
