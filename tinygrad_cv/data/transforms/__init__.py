"""Transforms of images for training, under torchvision.transforms.v2's names, on NumPy arrays C x H x W."""

from . import functional
from .batches import BatchTransform
from .color import ColorJitter, Grayscale, RandomGrayscale
from .container import Compose, RandomApply, RandomChoice, RandomOrder
from .convert import Normalize, ToDtype, ToImage
from .crop import CenterCrop, Pad, RandomCrop, RandomResizedCrop
from .erasing import RandomErasing
from .geometry import RandomAffine, RandomHorizontalFlip, RandomRotation, RandomVerticalFlip, Resize
from .mixing import CutMix, MixUp
from .policies import RandAugment, TrivialAugmentWide
from .transform import Transform

__all__ = [
    "BatchTransform",
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "CutMix",
    "Grayscale",
    "MixUp",
    "Normalize",
    "Pad",
    "RandAugment",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToDtype",
    "ToImage",
    "Transform",
    "TrivialAugmentWide",
    "functional",
]
