"""The bounds that the benchmarks hold tinygrad_cv to. No other file of this folder holds such a figure."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.workers.functions import FUNCTIONS


@dataclass(frozen=True)
class Bound:
    """A limit on one measured figure."""

    what: str
    limit: float
    unit: str
    at_least: bool = False
    aim: float | None = None  # what would be better still

    def holds(self, value: float | None) -> bool:
        """Whether `value` keeps the bound; a figure that could not be measured does not."""
        if value is None:
            return False
        return value >= self.limit if self.at_least else value <= self.limit

    def verdict(self, value: float | None) -> str:
        """One line that says what was measured, against which limit, and the outcome."""
        measured = "not measured" if value is None else f"{value:.2f} {self.unit}"
        relation = ">=" if self.at_least else "<="
        aim = "" if self.aim is None else f", aim {self.aim:g}"
        outcome = "ok" if self.holds(value) else "MISSED"
        return f"{outcome:6s} {self.what}: {measured} (bound {relation} {self.limit:g} {self.unit}{aim})"


def _against_torch(title: str, limit: float) -> Bound:
    return Bound(f"{title} training step, time against torch eager NCHW", limit, "times")


# Training steps: time of ours divided by the time of torch eager in its default layout, same cores and threads.
TRAIN_STEP = {
    "lenet": _against_torch("LeNet-BN", 5.0),
    "vgg": _against_torch("VGG-small-BN", 2.0),
    "resnet20": _against_torch("ResNet-20", 4.5),
}

# Training steps: time of MyGrad divided by the time of ours.
SPEEDUP_OVER_MYGRAD = {
    "lenet": Bound("LeNet-BN training step, speed over MyGrad", 3.0, "times", at_least=True),
}


def _against_peers(title: str, limit: float, aim: float) -> Bound:
    return Bound(f"{title}, compiled, time against the fastest peer", limit, "times", aim=aim)


def _first_call(title: str, cache: str, limit: float) -> Bound:
    return Bound(f"{title} training step, first call with {cache} cache", limit, "s")


def _of_network(network: str, title: str, limit: float) -> dict[str, Bound]:
    """Training steps and inference of a network, 8 images at once and one."""
    return {
        f"{network}_{task}_{batch}": Bound(
            f"{title} {task}, batch {batch}, compiled, time against the faster layout", limit, "times"
        )
        for task in ("training", "inference")
        for batch in (8, 1)
    }


# One compiled step: time of ours divided by the time of the fastest of all other systems, same cores and threads.
JIT = {
    "lenet": _against_peers("LeNet-BN training step", 0.55, 0.40),
    "vgg": _against_peers("VGG-small-BN training step", 0.95, 0.85),
    "resnet20": _against_peers("ResNet-20 training step", 0.82, 0.70),
    "bn_relu": _against_peers("BN + ReLU forward and backward", 0.5, 0.35),
    "separable": _against_peers("separable block forward and backward", 1.0, 0.7),
    **{
        f"{network}_inference_{batch}": _against_peers(f"{title} inference, batch {batch}", 1.0, 0.7)
        for network, title in (("lenet", "LeNet-BN"), ("vgg", "VGG-small-BN"), ("resnet20", "ResNet-20"))
        for batch in (1, 64)
    },
    **_of_network("resnet18", "ResNet-18", 0.95),
    **_of_network("resnet50", "ResNet-50", 0.85),
    **_of_network("densenet121", "DenseNet-121", 0.85),
    **_of_network("mobilenet_v2", "MobileNetV2", 0.66),
    **_of_network("efficientnet_b0", "EfficientNet-B0", 0.65),
    **_of_network("shufflenet_v2_x1_0", "ShuffleNetV2", 0.65),
    **_of_network("convnext_tiny", "ConvNeXt-Tiny", 0.65),
    **_of_network("unet", "U-Net", 0.59),
    **_of_network("unet3d", "3-d U-Net", 0.65),
    **{
        name: Bound(f"{row.title}, forward and backward, compiled, time against the faster layout", 1.0, "times")
        for name, row in FUNCTIONS.items()
    },
}
FIRST_CALL = {
    "resnet20": {
        "cold": _first_call("ResNet-20", "an empty", 3.0),
        "warm": _first_call("ResNet-20", "the object", 0.5),
    },
    "resnet50_training_8": {"cold": _first_call("ResNet-50", "an empty", 8.0)},
    "efficientnet_b0_training_8": {"cold": _first_call("EfficientNet-B0", "an empty", 10.0)},
}
GROWTH = Bound("time of a sample in a batch up to 256 against batch 16", 1.0, "times")
JIT_PEAK_MEMORY = Bound("compiled, peak memory against torch eager", 1.0, "times")
JIT_CALL = Bound("call of a trivial compiled function", 15.0, "us")

# Networks from ONNX files under tg.jit: time divided by that of ONNX Runtime, same cores; seconds.
ONNX_MEAN = Bound("ONNX networks, geometric mean against ONNX Runtime", 0.9, "times")
ONNX_EACH = Bound("the slowest of the ONNX networks", 1.2, "times")
ONNX_FIRST_CALL = Bound("ONNX networks, the longest first compiled call", 3.0, "s")
ONNX_LOAD = Bound("loading ResNet-50, 98 MB", 0.6, "s")

# LeNet-BN, exported: its training step, medians of the same run; the module; the object of its inference.
EXPORT = {
    "chromium": Bound("exported step in Chromium, time against tg.jit on one thread", 2.2, "times"),
    "chromium_torch": Bound("exported step in Chromium, time against torch eager", 1.0, "times"),
    "workers": Bound("exported step in Chromium, time of two workers against one thread", 0.65, "times"),
    "c": Bound("exported step from C, time against tg.jit on one thread", 1.05, "times"),
    "first": Bound("exported step in Chromium, the first one after the page began to load", 200.0, "ms"),
    "module": Bound("WebAssembly module of the step", 80.0, "kB"),
    "compressed": Bound("the same, compressed", 25.0, "kB"),
    "inference object": Bound("object of inference, without weights", 100.0, "kB"),
}

FIT_OVERHEAD = Bound("fit on LeNet-BN, batch 128, time against a bare loop of compiled steps", 1.03, "times")
LOADER_RATE = Bound("loader of 224 x 224 JPEG files, images a second against torch", 0.9, "times", at_least=True)
LOADER_MEMORY = Bound("loader of a folder, growth of resident memory", 1.0, "% an epoch")

PEAK_MEMORY = Bound("peak memory against torch eager", 2.5, "times")
SAVE = Bound("checkpoint of ResNet-18 and its SGD, written to the disk", 0.5, "s")
LOAD = Bound("the same, read and restored", 0.3, "s")
LOAD_MEMORY = Bound("resident memory of loading a file, against the file", 1.2, "times")

RECORDED_ADD = Bound("add of 10 float32 elements, gradient recorded", 5.0, "us")
BACKWARD_PER_NODE = Bound("backward pass, per node", 6.0, "us")
IMPORT_TIME = Bound("import tinygrad_cv against import numpy", 1.5, "times")
