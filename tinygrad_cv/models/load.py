"""Loading trained networks from the folder of a run."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..core.annotations import explaining
from ..core.errors import CheckpointError
from ..data.preprocess import Preparation
from ..files import checkpoint
from ..nn import Module
from .catalog import MODELS

WEIGHTS = "weights.safetensors"  # the file in a run's folder, which also describes the network


@explaining
def load(run: str | PathLike[str]) -> Module:
    """The network that ``python -m tinygrad_cv train`` trained, ready to predict.

    It is in evaluation mode and has three extra attributes: ``prepare`` preprocesses images as they are in the data set
    (N x H x W or N x C x H x W, of the same dtype) for the network, ``classes`` are the names of its classes, and
    ``task`` is what it does, "classification" or "segmentation". ``prepare.read`` reads an image file::

        model = tg.models.load("runs/convnet-20260101-120000")
        images = model.prepare.read("photo.jpg")[None]              # 1 x C x H x W
        scores = model(tg.tensor(model.prepare(images)))            # N x classes
        names = [model.classes[i] for i in scores.argmax(1).numpy()]

    Args:
        run: the run's folder, or its ``weights.safetensors``, whose metadata describe the network.

    Raises:
        FileNotFoundError: there is no such folder or file.
        CheckpointError: the file is damaged, or was not written by the train command.
    """
    path = Path(run) / WEIGHTS if Path(run).is_dir() else Path(run)
    if not path.is_file():
        raise FileNotFoundError(
            f"models.load: there is no file {path}. Give the folder that the train command wrote (its --out)."
        )
    try:
        arrays, description = checkpoint.read(path)
    except CheckpointError as error:
        raise CheckpointError(f"models.load: {error}") from None
    if "model" not in description:
        raise CheckpointError(
            f"models.load: {path} does not say which network it belongs to, as files of the train command do. Make the "
            "network yourself, and call model.load_state_dict(tg.load(path))."
        )
    try:
        model: Module = MODELS[description["model"]].make(**description["arguments"])
        prepare = Preparation(**description["prepare"])
        classes = tuple(map(str, description["classes"]))
    except (LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"models.load: the description of the network in {path} is not valid ({type(error).__name__}: {error}). "
            "Was it written by another version? Make the network yourself, and load the arrays."
        ) from error
    model.load_state_dict(arrays)
    model.eval()
    model.prepare, model.classes, model.task = prepare, classes, MODELS[description["model"]].task
    return model
