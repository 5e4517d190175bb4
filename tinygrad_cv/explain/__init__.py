"""Explanations: where in an image a network has found what it answers, and whether that depends on what it learned."""

from .grad_cam import grad_cam
from .gradients import integrated_gradients, saliency, smooth_grad, strength
from .maps import layers_with_maps
from .occlusion import occlusion
from .picture import save_explanations, save_map
from .sanity import randomized, rank_correlation

__all__ = [
    "grad_cam",
    "integrated_gradients",
    "layers_with_maps",
    "occlusion",
    "randomized",
    "rank_correlation",
    "saliency",
    "save_explanations",
    "save_map",
    "smooth_grad",
    "strength",
]
