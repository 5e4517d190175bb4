"""The loader of a WebAssembly module, ``name.mjs``, and the types of what it takes and gives, ``name.d.mts``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import ExportError
from ..tracing.tree import TensorIndex
from .block import Block
from .interface import Interface, Port, State

ARRAYS = {
    **{f"int{bits}": f"Int{bits}Array" for bits in (8, 16, 32)},
    **{f"uint{bits}": f"Uint{bits}Array" for bits in (8, 16, 32)},
    **{"int64": "BigInt64Array", "uint64": "BigUint64Array", "bool": "Uint8Array"},
    **{"float32": "Float32Array", "float64": "Float64Array"},
}
OPEN = """  /**
   * One call. Throws RangeError, and changes nothing, if what the function was compiled for does not hold: an argument
   * is out of range, as a label is that is no class, or numbers overflow.
   */
"""
ALWAYS = "  /** One call. */\n"
WORD = re.compile(r"[A-Za-z_$][\w$]*")


def check_dtypes(interface: Interface) -> None:
    """Refuse dtypes for which JavaScript has no arrays.

    Raises:
        ExportError: naming the tensor.
    """
    found = [*interface.inputs, *interface.outputs]
    dtypes = {port.name: port.dtype for port in found} | {s.name: s.array.dtype for s in interface.state}
    for name, dtype in dtypes.items():
        if str(dtype) not in ARRAYS:
            raise ExportError(
                f"export of {interface.name}: {name} is {dtype}, for which JavaScript has no array. Convert it within "
                "the function: .astype('float32')."
            )


class Workers(NamedTuple):
    """A module for several threads: its file, their number, and the pages of the memory that they share."""

    wasm: str
    threads: int
    pages: int


def loader(interface: Interface, block: Block, name: str, modules: Sequence[str], workers: Workers | None) -> str:
    """The text of ``name.mjs``.

    Args:
        modules: the names of their files, the one with relaxed SIMD second.
        workers: the module for several threads.
    """
    tables = {
        "inputs": _rows(interface.inputs, [block.inputs[port.number] for port in interface.inputs]),
        "outputs": _rows(interface.outputs, [block.outputs[port.number] for port in interface.outputs]),
        "state": _rows(interface.state, block.state),
    }
    rows = {key: "".join(f"    {line},\n" for line in lines) for key, lines in tables.items()}
    results = _written(interface.form, [port.name for port in interface.outputs], lambda n: f"get({json.dumps(n)})")
    runtime = Path(__file__).with_name("loader.mjs").read_text(encoding="utf-8")
    return "\n".join(
        [
            f"// {interface.name}, compiled to WebAssembly by tinygrad_cv. It runs in browsers and in Node, by itself:",
            "//",
            f"//   import {{ load }} from './{name}.mjs';",
            "//   const m = await load();",
            f"//   m.step({{ {', '.join(json_key(port.name) for port in interface.inputs)} }});",
            "",
            "const ABOUT = {",
            f"  wasm: {json.dumps(list(modules))}, // the second one needs relaxed SIMD; all else is the same",
            f"  start: {json.dumps(f'{name}.safetensors')}, // state as it was when the function was exported",
            f"  workers: {json.dumps(workers and workers._asdict())},",
            "  // `at` counts bytes from the module's `base`",
            *(f"  {key}: {{\n{lines}  }}," for key, lines in rows.items()),
            "};",
            "",
            f"const RESULTS = (get) => ({results});",
            "",
            runtime,
        ]
    )


def declarations(interface: Interface) -> str:
    """The text of ``name.d.mts``."""
    outputs = {port.name: _result(port) for port in interface.outputs}
    result = _written(interface.form, list(outputs), outputs.__getitem__)
    inputs = _members(interface.inputs, {port.name: _given(port.dtype) for port in interface.inputs})
    state = _members(interface.state, {tensor.name: ARRAYS[str(tensor.dtype)] for tensor in interface.state})
    condition = OPEN if interface.condition >= 0 else ALWAYS
    return f"""/** What {interface.name} takes. Numbers are in row-major order. */
export interface Inputs {{
{inputs}}}

/** What it keeps between calls. */
export interface State {{
{state}}}

/** What it gives back: copies; of a tensor without axes, its number. */
export type Results = {result};

export interface Tensor {{ dtype: string; shape: number[]; at: number }}

export interface Exported<Returned = Results> {{
{condition}  step(inputs: Inputs): Returned;
  /** State as it was when the function was exported. */
  init(): void;
  /** A copy of a tensor that it keeps. */
  state<Name extends keyof State>(name: Name): State[Name];
  setState(name: keyof State, values: ArrayLike<number> | ArrayLike<bigint> | number): void;
  /** All state as a safetensors file. */
  save(): Uint8Array;
  /** State from a safetensors file, which may hold a part of it; the names that were set. */
  restore(file: ArrayBuffer | Uint8Array): (keyof State)[];
  readonly about: {{
    inputs: Record<keyof Inputs, Tensor>;
    outputs: Record<string, Tensor>;
    state: Record<keyof State, Tensor & {{ kind: string }}>;
  }};
}}

/** The function, ready to be called. `from`: the URL of the .wasm file, or the bytes of both files. */
export function load(
  from?: string | URL | {{ wasm: BufferSource; state?: ArrayBuffer | Uint8Array }},
): Promise<Exported>;

/**
 * The same, whose calls are shared by workers, and promised; where the page is not cross-origin isolated, or there is
 * no module for several threads, they are promised all the same.
 */
export function loadWorkers(from?: string | URL): Promise<Exported<Promise<Results>> & {{ close(): void }}>;
"""


def json_key(name: str) -> str:
    """A name as a key of an object."""
    return name if WORD.fullmatch(name) else json.dumps(name)


def _rows(tensors: Sequence[Port | State], places: Sequence[int]) -> list[str]:
    rows = []
    for tensor, place in zip(tensors, places, strict=True):
        kind = f"kind: '{tensor.kind}', " if isinstance(tensor, State) else ""
        about = f"{kind}dtype: '{tensor.dtype}', shape: {json.dumps(list(tensor.shape))}, at: {place}"
        rows.append(f"{json_key(tensor.name)}: {{ {about} }}")
    return rows


def _members(tensors: Sequence[Port | State], types: Mapping[str, str]) -> str:
    """The members of an interface of TypeScript, each with its shape."""
    lines = []
    for tensor in tensors:
        kind = f"{tensor.kind}, " if isinstance(tensor, State) else ""
        lines.append(f"  /** {kind}{tensor.dtype}[{', '.join(map(str, tensor.shape))}] */\n")
        lines.append(f"  {json_key(tensor.name)}: {types[tensor.name]};\n")
    return "".join(lines)


def _written(form: Any, names: Sequence[str], tensor: Callable[[str], str]) -> str:
    """A tree of results in JavaScript, or as a type of TypeScript: tuples are arrays, dicts are objects."""
    if isinstance(form, TensorIndex):
        return tensor(names[form])
    if isinstance(form, tuple) and hasattr(form, "_fields"):
        form = dict(zip(form._fields, form, strict=True))
    if isinstance(form, (tuple, list)):
        return f"[{', '.join(_written(item, names, tensor) for item in form)}]"
    if isinstance(form, Mapping):
        items = [f"{json_key(str(key))}: {_written(item, names, tensor)}" for key, item in form.items()]
        return f"{{ {', '.join(items)} }}"
    if isinstance(form, (np.ndarray, np.generic)):
        form = form.tolist()
    try:
        return json.dumps(form, allow_nan=False)
    except (TypeError, ValueError):
        raise ExportError(
            f"export: the function returns {form!r}, which JavaScript cannot write. Return tensors, numbers and "
            "strings, in tuples, lists and dicts."
        ) from None


def _given(dtype: np.dtype) -> str:
    """The type of an argument."""
    return "ArrayLike<number>" if dtype.itemsize < 8 or dtype.kind == "f" else "ArrayLike<number> | ArrayLike<bigint>"


def _result(port: Port) -> str:
    if port.shape:
        return ARRAYS[str(port.dtype)]
    if port.dtype.kind == "b":
        return "boolean"
    return "bigint" if port.dtype.kind in "iu" and port.dtype.itemsize == 8 else "number"
