"""Losses and distances as modules: the arguments of each, and arrays for its call."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]  # by the parameters of forward

# name, keyword arguments of which True means weights of the classes, kind of inputs
LOSSES: list[tuple[str, dict[str, Any], str]] = [
    ("CrossEntropyLoss", {}, "classes"),
    ("CrossEntropyLoss", {"weight": True, "label_smoothing": 0.1, "ignore_index": 2}, "classes"),
    ("CrossEntropyLoss", {"reduction": "none"}, "probabilities"),
    ("CrossEntropyLoss", {"size_average": False, "reduce": True}, "classes"),
    ("NLLLoss", {"weight": True, "reduction": "sum"}, "classes"),
    ("MultiMarginLoss", {}, "classes"),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": True}, "classes"),
    ("MultiLabelMarginLoss", {}, "lists of classes"),
    ("MSELoss", {}, "numbers"),
    ("MSELoss", {"reduce": False}, "numbers"),
    ("L1Loss", {"reduction": "sum"}, "numbers"),
    ("SmoothL1Loss", {}, "numbers"),
    ("SmoothL1Loss", {"beta": 0.3, "size_average": False}, "numbers"),
    ("HuberLoss", {}, "numbers"),
    ("HuberLoss", {"reduction": "none", "delta": 0.4}, "numbers"),
    ("BCELoss", {}, "probabilities of two"),
    ("BCELoss", {"weight": True, "reduction": "sum"}, "probabilities of two"),
    ("BCEWithLogitsLoss", {"pos_weight": True}, "probabilities"),
    ("BCEWithLogitsLoss", {"weight": True, "reduction": "none"}, "probabilities"),
    ("SoftMarginLoss", {}, "signs"),
    ("MultiLabelSoftMarginLoss", {}, "probabilities"),
    ("MultiLabelSoftMarginLoss", {"weight": True, "reduction": "none"}, "probabilities"),
    ("KLDivLoss", {"reduction": "batchmean"}, "probabilities"),
    ("KLDivLoss", {"reduction": "sum", "log_target": True}, "numbers"),
    ("PoissonNLLLoss", {}, "counts"),
    ("PoissonNLLLoss", {"full": True, "eps": 0.1, "reduction": "sum"}, "counts"),
    ("GaussianNLLLoss", {}, "variances"),
    ("GaussianNLLLoss", {"full": True, "eps": 0.9}, "variances"),
    ("MarginRankingLoss", {}, "pairs of numbers"),
    ("MarginRankingLoss", {"margin": 0.5, "reduction": "none"}, "pairs of numbers"),
    ("HingeEmbeddingLoss", {}, "signs"),
    ("HingeEmbeddingLoss", {"margin": 0.5}, "signs"),
    ("CosineEmbeddingLoss", {}, "pairs"),
    ("CosineEmbeddingLoss", {"margin": 0.3, "size_average": True}, "pairs"),
    ("TripletMarginLoss", {}, "triplets"),
    ("TripletMarginLoss", {"margin": 0.5, "p": 1.0, "swap": True, "reduction": "sum"}, "triplets"),
    ("TripletMarginWithDistanceLoss", {}, "triplets"),
    ("TripletMarginWithDistanceLoss", {"margin": 0.5, "swap": True}, "triplets"),
    ("CTCLoss", {}, "sequences"),
    ("CTCLoss", {"blank": 3, "reduction": "none", "zero_infinity": True}, "sequences"),
    ("CosineSimilarity", {}, "vectors"),
    ("CosineSimilarity", {"dim": 0, "eps": 0.1}, "vectors"),
    ("PairwiseDistance", {}, "vectors"),
    ("PairwiseDistance", {"p": 1.0, "eps": 0.1, "keepdim": True}, "vectors"),
]


# those that PyTorch has not
OWN: list[tuple[str, dict[str, Any], str]] = [
    ("SigmoidFocalLoss", {}, "probabilities"),
    ("DiceLoss", {}, "maps"),
    ("TotalVariation", {}, "image"),
]


def inputs(name: str, kind: str, rng: np.random.Generator) -> Arrays:
    """Arrays for a call of the loss, in float64."""
    x = rng.normal(size=(6, 5))
    if name in ("NLLLoss", "KLDivLoss"):
        x = np.log(rng.dirichlet(np.ones(5), size=6))
    y, z = rng.normal(size=(2, 6, 5))
    signs = np.float64(rng.choice([-1, 1], (6, 5)))
    arrays: dict[str, Arrays] = {
        "classes": {"input": x, "target": rng.integers(0, 5, 6)},
        "lists of classes": {"input": x, "target": np.array([rng.permutation([-1, 0, 1, 2, 3]) for _ in range(6)])},
        "probabilities": {"input": x, "target": rng.dirichlet(np.ones(5), size=6)},
        "probabilities of two": {"input": rng.uniform(0.1, 0.9, (6, 5)), "target": rng.uniform(0.1, 0.9, (6, 5))},
        "numbers": {"input": x, "target": y},
        "signs": {"input": x, "target": signs},
        "counts": {"log_input": x, "target": np.float64(rng.integers(0, 4, (6, 5)))},
        "variances": {"input": x, "target": y, "var": rng.uniform(0.5, 2.0, (6, 5))},
        "pairs of numbers": {"input1": x, "input2": y, "target": signs},
        "pairs": {"input1": x, "input2": y, "target": signs[:, 0]},
        "triplets": {"anchor": x, "positive": y, "negative": z},
        "sequences": {
            "log_probs": np.log(rng.dirichlet(np.ones(5), size=(4, 6))),
            "targets": rng.choice([1, 2, 4], (6, 2)),
            "input_lengths": np.array([4, 4, 3, 4, 3, 4]),
            "target_lengths": np.array([2, 1, 2, 2, 0, 2]),
        },
        "maps": {"input": rng.uniform(0.1, 0.9, (2, 3, 4)), "target": rng.integers(0, 3, (2, 4))},
        "image": {"input": rng.normal(size=(2, 3, 4, 5))},
        "vectors": {"x1": x, "x2": y},
    }
    return arrays[kind]


def configured(name: str, kwargs: dict[str, Any], weights: Any, rooms: Any) -> Any:
    """The module of a library's ``nn``."""
    return getattr(rooms, name)(
        **{key: weights if value is True and key in WEIGHTS else value for key, value in kwargs.items()}
    )


WEIGHTS = ("weight", "pos_weight")
