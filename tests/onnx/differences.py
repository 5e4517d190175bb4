"""Where ONNX's specification, its reference evaluator and ONNX Runtime differ: rows of the table in docs/onnx.md."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .versions import Row, real, row, whole

VERSIONS = {"onnx": "1.23.2", "onnxruntime": "1.32.0"}  # that the rows were measured with
LINE = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)
PLANES = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)


class Difference(NamedTuple):
    """A row; the first output here, flattened; and who else has it: "reference", "runtime"."""

    row: Row
    ours: list[float]
    others: set[str]
    output: int = 0


DIFFERENCES = {
    "dilated pooling, SAME: as many windows as strides": Difference(
        row("AveragePool", 22, LINE, kernel_shape=[2], dilations=[2], auto_pad="SAME_UPPER"), [2, 2, 3, 4, 4], set()
    ),
    "pooling, VALID: whole windows, also in ceil_mode": Difference(
        row("AveragePool", 22, LINE[:, :, :4], kernel_shape=[3], strides=[2], auto_pad="VALID", ceil_mode=1), [2], set()
    ),
    "places of maxima count through all images": Difference(
        row("MaxPool", 22, PLANES, kernel_shape=[2, 2], outputs=2), [4, 5, 10, 11], {"runtime"}, 1
    ),
    "places of maxima by columns": Difference(
        row("MaxPool", 22, PLANES, kernel_shape=[2, 2], outputs=2, storage_order=1), [3, 5, 9, 11], {"runtime"}, 1
    ),
    "maxima with a border on one side": Difference(
        row("MaxPool", 22, LINE, kernel_shape=[2], pads=[1, 0]), [1, 2, 3, 4, 5], {"runtime"}
    ),
    "LpPool, ceil_mode: the part of a window that is there": Difference(
        row("LpPool", 22, LINE, kernel_shape=[2], strides=[2], ceil_mode=1, p=1), [3, 7, 5], {"runtime"}
    ),
    "LpNormalization: absolute values": Difference(
        row("LpNormalization", 22, real(-3, 1).reshape(1, 2), p=1), [-0.75, 0.25], {"runtime"}
    ),
    "ConvTranspose, SAME, a kernel below the stride: zeros at the end": Difference(
        row("ConvTranspose", 22, LINE[:, :, :2], np.ones((1, 1, 1), np.float32), strides=[2], auto_pad="SAME_UPPER"),
        [1, 0, 2, 0],
        set(),
    ),
    "MaxUnpool: places are those in the pooling's input": Difference(
        row(
            "MaxUnpool",
            22,
            real(7).reshape(1, 1, 1, 1),
            whole(3).reshape(1, 1, 1, 1),
            whole(1, 1, 3, 3),
            known=(2,),
            kernel_shape=[2, 2],
        ),
        [0, 0, 0, 0, 7, 0, 0, 0, 0],
        {"reference"},
    ),
    "Resize to one element, pytorch_half_pixel: the first": Difference(
        row(
            "Resize",
            19,
            LINE.reshape(1, 1, 1, 5),
            None,
            None,
            whole(1, 1, 1, 1),
            known=(3,),
            mode="cubic",
            coordinate_transformation_mode="pytorch_half_pixel",
        ),
        [1],
        {"runtime"},
    ),
    "Resize by 0.6, floor: of 5 elements the third": Difference(
        row("Resize", 19, LINE, None, real(1, 1, 0.6), known=(2,), mode="nearest", nearest_mode="floor"),
        [1, 3, 4],
        {"runtime"},
    ),
    "Resize, tf_crop_and_resize: an axis of factor 1 is cut, too": Difference(
        row(
            "Resize",
            19,
            LINE.reshape(1, 1, 1, 5),
            real(0, 0, 0, 0.5, 1, 1, 1, 1),
            real(1, 1, 2, 1),
            known=(1, 2),
            mode="linear",
            coordinate_transformation_mode="tf_crop_and_resize",
        ),
        [3, 3.5, 4, 4.5, 5] * 2,
        {"reference"},
    ),
    "BatchNormalization 9: the saved variance is a variance": Difference(
        row("BatchNormalization", 9, real(0, 2, 4).reshape(3, 1), real(1), real(0), real(0), real(1), outputs=5),
        [8 / 3],
        set(),
        4,
    ),
    "Sigmoid: small results to seven digits": Difference(
        row("Sigmoid", 13, real(-17)), [4.139937547e-08], {"reference"}
    ),
}
