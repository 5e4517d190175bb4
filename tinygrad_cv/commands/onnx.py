"""``python -m tinygrad_cv onnx inspect|run|check|convert``: look at an ONNX model, run it, check it, or make one."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import models
from ..check import gradcheck
from ..core.context import no_grad
from ..core.errors import CheckpointError, GraphError
from ..files import save
from ..files.atomic import replacing
from ..frontend.creation import asarray
from ..onnx import Network, OnnxError, export, load
from ..onnx.document import domain_of, read
from ..onnx.export import OPSETS
from ..onnx.graph import Input
from ..tracing import jit
from .options import FAILED, OK, UsageError, natural, positive
from .trained import DESCRIPTION

ACTIONS: dict[str, tuple[Callable[[argparse.Namespace], int], str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, (action, purpose) in ACTIONS.items():
        sub = actions.add_parser(name, help=purpose, description=action.__doc__)
        sub.add_argument("file", type=Path, metavar="RUN|FILE" if name == "convert" else "FILE")
        sub.set_defaults(action=action)
        if name in ("run", "check"):
            sub.add_argument(
                "--input", nargs="+", default=[], type=_pair, metavar="NAME=FILE", help="arrays, .npy files"
            )
            sub.add_argument("--seed", type=natural, default=0, help="of inputs that are not given (default: 0)")
        if name in ("run", "check", "convert"):
            sub.add_argument(
                "--size", nargs="+", default=[], type=_size, metavar="NAME=N", help="sizes that the file leaves open"
            )
        if name == "run":
            sub.add_argument("--jit", action="store_true", help="compiled")
            sub.add_argument(
                "--time", type=positive(int), metavar="N", help="run it N times more, and print the median"
            )
            sub.add_argument("--out", type=Path, help="folder for the outputs, as .npy files")
        if name == "check":
            sub.add_argument("--inputs-only", action="store_true", help="leave out the gradients by parameters")
        if name == "convert":
            sub.add_argument("target", type=Path, metavar="TARGET", help=".onnx, or .safetensors for the weights alone")
            opsets = f"{OPSETS.start} to {OPSETS.stop - 1}"
            sub.add_argument("--opset", type=int, default=17, help=f"of an ONNX model, {opsets} (default: 17)")


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    try:
        code: int = arguments.action(arguments)
        return code
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {error.filename}." if error.filename else str(error)) from None
    except (OnnxError, CheckpointError, ModuleNotFoundError) as error:
        raise UsageError(str(error)) from None


def inspect(arguments: argparse.Namespace) -> int:
    """Print inputs, outputs, parameters and operators; exit with 1 if there is something that cannot be loaded."""
    document = read(arguments.file)
    model = document.model
    maker = " ".join(filter(None, (model.producer_name, model.producer_version))) or "unknown"
    opsets = ", ".join(f"{domain} {version}".strip() for domain, version in document.opsets.items())
    print(f"{arguments.file}: opset {opsets}, IR {model.ir_version}, made by {maker}")
    weights = {tensor.name for tensor in model.graph.initializer}
    for title, values in (("inputs", model.graph.input), ("outputs", model.graph.output)):
        print(title)
        for value in values:
            if value.name not in weights:
                print(f"  {value.name}: {_declared(value.type)}")
    counts = Counter(f"{domain_of(n)}.{n.op_type}" if domain_of(n) else n.op_type for n in model.graph.node)
    print(f"operators of {sum(counts.values())} nodes")
    for operator, count in counts.most_common():
        print(f"  {count:5} {operator}")
    try:
        net = load(arguments.file)
    except OnnxError as error:
        print(f"cannot be loaded: {error}")
        return FAILED
    for kind, tensors in (("parameters", list(net.parameters())), ("buffers", list(net.buffers()))):
        numbers, size = sum(t.size for t in tensors), sum(t.numpy().nbytes for t in tensors)
        print(f"{numbers:,} numbers in {len(tensors)} {kind}, {size / 2**20:.1f} MiB")
    return OK


def run_model(arguments: argparse.Namespace) -> int:
    """Run a model on arrays, or on normal numbers, and print what comes out."""
    net = load(arguments.file).eval()
    inputs = _inputs(net, arguments)
    function: Callable[..., Any] = jit(net) if arguments.jit else net
    outputs = _outputs(function, inputs)
    names = [value.name for value in read(arguments.file).model.graph.output]
    for name, y in zip(names, outputs, strict=True):
        print(f"{name}: {_shape(y.shape)}, {y.dtype}{_range(y)}")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, y in zip(names, outputs, strict=True):
            file = arguments.out / f"{name.replace('/', '_')}.npy"
            np.save(file, y)
            print(f"  in {file}")
    if arguments.time:
        seconds = []
        for _ in range(arguments.time):
            start = time.perf_counter()
            _outputs(function, inputs)
            seconds.append(time.perf_counter() - start)
        print(f"median of {arguments.time}: {1000 * statistics.median(seconds):.2f} ms")
    return OK


def check(arguments: argparse.Namespace) -> int:
    """Compare a model's outputs with ONNX Runtime's, and check its gradients by finite differences in float64."""
    net = load(arguments.file).eval()
    inputs = _inputs(net, arguments)
    ours = _outputs(net, inputs)
    code = OK
    try:
        import onnxruntime
    except ModuleNotFoundError:
        print("outputs: onnxruntime is not installed, so that they are not compared")
    else:
        session = onnxruntime.InferenceSession(arguments.file, providers=["CPUExecutionProvider"])
        theirs = session.run(None, {entry.name: x for entry, x in zip(net.signature, inputs, strict=True)})
        for value, a, b in zip(session.get_outputs(), ours, theirs, strict=True):
            error = _difference(a, b)
            print(
                f"output {value.name}: ONNX Runtime {onnxruntime.__version__}'s differs by {error:.1e} of the largest"
            )
            code = code if error <= BOUND else FAILED
    wide = [x.astype("float64") if x.dtype.kind == "f" else x for x in inputs]
    try:
        report = gradcheck(net.to("float64"), wide, parameters=[] if arguments.inputs_only else None)
    except GraphError as error:
        print(f"gradients: {error}")
        return code
    print(report)
    return code if report else FAILED


def convert(arguments: argparse.Namespace) -> int:
    """Write a run's network, or an ONNX model in other operators, as ONNX; or the weights of an ONNX model alone."""
    source, target = arguments.file, arguments.target
    if target.suffix == ".safetensors":
        if source.suffix != ".onnx":
            raise UsageError(f"{source} is no ONNX model, and the weights of a run are a .safetensors file already.")
        state = load(source).state_dict()
        save(state, target)
        print(f"{len(state)} arrays in {target}")
        return OK
    if target.suffix != ".onnx":
        raise UsageError(f"{target}: the end of its name must be .onnx or .safetensors.")
    if source.suffix == ".onnx":
        net: Any = load(source)
        arrays = tuple(_inputs(net, arguments))
        names = [entry.name for entry in net.signature]
        open_ = {entry.name: _open(entry) for entry in net.signature}
        outputs = [value.name for value in read(source).model.graph.output]
    else:
        net = models.load(source)
        prepare = net.prepare
        arrays = (np.zeros((1, prepare.channels, prepare.height, prepare.width), np.float32),)
        names, outputs, open_ = ["images"], ["scores"], {"images": {0: "batch"}}
    written = export(
        net,
        arrays,
        opset=arguments.opset,
        input_names=names,
        output_names=outputs,
        dynamic_axes=open_,
    )
    if source.suffix != ".onnx":  # so that predict and explain know how images are prepared
        described = {"prepare": asdict(net.prepare), "classes": net.classes}
        entry = written.metadata_props.add()
        entry.key, entry.value = DESCRIPTION, json.dumps(described)
    with replacing(target) as file:
        file.write(written.SerializeToString())
    print(f"{len(written.graph.node)} nodes, {written.ByteSize() / 2**20:.1f} MiB in {target}")
    return OK


ACTIONS = {
    "inspect": (inspect, "print inputs, outputs, parameters and operators"),
    "run": (run_model, "run a model on arrays or random numbers"),
    "check": (check, "compare outputs with ONNX Runtime's, and gradients with finite differences"),
    "convert": (convert, "write a run's network as ONNX, a model in another opset, or its weights alone"),
}
BOUND = 1e-4  # of the largest output: float32, in another order of summation


def _inputs(net: Network, arguments: argparse.Namespace) -> list[np.ndarray]:
    """The arrays that are given, and random ones for the other inputs."""
    given, sizes = dict(getattr(arguments, "input", ())), dict(arguments.size)
    rng = np.random.default_rng(getattr(arguments, "seed", 0))
    names = [entry.name for entry in net.signature]
    for name in given:
        if name not in names:
            raise UsageError(f"--input {name}: the model's inputs are {', '.join(names)}.")
    found = []
    for entry in net.signature:
        if entry.name in given:
            found.append(_loaded(given[entry.name]))
            continue
        if entry.shape is None or entry.dtype is None:
            raise UsageError(f"--input: give an array for {entry.name!r}; the file does not say what it is.")
        shape = [_known(entry.name, i, n, sizes) for i, n in enumerate(entry.shape)]
        normal = rng.normal(size=shape)
        found.append(normal.astype(entry.dtype) if entry.dtype.kind == "f" else np.zeros(shape, entry.dtype))
    return found


def _open(entry: Input) -> dict[int, str]:
    """The axes whose sizes the file leaves open, with names for them."""
    sizes = enumerate(entry.shape or ())
    return {axis: _label(entry.name, axis, size) for axis, size in sizes if not isinstance(size, int)}


def _label(name: str, axis: int, size: str | None) -> str:
    """The name of an open size: the file's, unless it is none."""
    return f"{name}_{axis}" if size in (None, "", "?") else str(size)


def _known(name: str, axis: int, size: int | str | None, sizes: dict[str, int]) -> int:
    """A size that the file says, or the option; the first axis is 1 by default."""
    if isinstance(size, int):
        return size
    label = _label(name, axis, size)
    if label not in sizes and axis:
        raise UsageError(f"--size: the file leaves axis {axis} of {name!r} open. Give --size {label}=N.")
    return sizes.get(label, 1)


def _loaded(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"--input: {path} is no .npy file that can be read ({error}).") from None
    if not isinstance(array, np.ndarray):
        raise UsageError(f"--input: {path} holds several arrays. Give a .npy file.")
    return array


def _outputs(function: Callable[..., Any], inputs: list[np.ndarray]) -> list[np.ndarray]:
    with no_grad():
        y = function(*map(asarray, inputs))
    return [each.numpy() for each in (y if isinstance(y, tuple) else (y,))]


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape:
        return float("inf")
    scale = float(np.abs(b).max(initial=0.0)) or 1.0
    return float(np.abs(a.astype(np.float64) - b).max(initial=0.0)) / scale


def _declared(kind: Any) -> str:
    """A type as the file declares it."""
    from onnx import TensorProto

    if kind.WhichOneof("value") != "tensor_type":
        return str(kind.WhichOneof("value")).removesuffix("_type")
    tensor = kind.tensor_type
    names = {number: name.lower() for name, number in TensorProto.DataType.items()}
    dtype = {"float": "float32", "double": "float64"}.get(names[tensor.elem_type], names[tensor.elem_type])
    sizes = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in tensor.shape.dim]
    return f"{' x '.join(sizes) or 'one number'}, {dtype}" if tensor.HasField("shape") else f"any shape, {dtype}"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _range(y: np.ndarray) -> str:
    if not y.size or y.dtype.kind not in "fiu":
        return ""
    return f", from {y.min():.6g} to {y.max():.6g}, mean {y.mean():.6g}"


def _pair(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError(f"{text!r} must have the form NAME=FILE")
    return name, Path(file)


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    if not name or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must have the form NAME=N, N at least 1")
    return name, int(number)
