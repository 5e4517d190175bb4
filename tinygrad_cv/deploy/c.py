"""The C header of an exported function: a struct of all it takes, keeps and returns; and an example that calls it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import ExportError
from ..files import safetensors
from .block import Block
from .interface import Interface, Port, State

TYPES = {
    **{f"int{bits}": f"int{bits}_t" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"uint{bits}_t" for bits in (8, 16, 32, 64)},
    **{"bool": "uint8_t", "float32": "float", "float64": "double"},
}
KEYWORDS = """
alignas alignof and asm auto bool break case catch char class const continue default delete do double else enum
extern false float for goto if inline int long namespace new not nullptr operator or private protected public
register restrict return short signed sizeof static struct switch template this throw true try typedef typeid union
unsigned using virtual void volatile while xor
"""


def identifier(name: str) -> str:
    """A name as C can spell it.

    >>> identifier("conv1.weight"), identifier("0.bias"), identifier("new")
    ('conv1_weight', '_0_bias', 'new_')
    """
    spelled = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
    spelled = f"_{spelled}" if spelled[0].isdigit() else spelled
    return f"{spelled}_" if spelled in KEYWORDS.split() else spelled


def check(interface: Interface) -> None:
    """Refuse what C has no types for, and names that files of tensors would have to write in another way.

    Raises:
        ExportError: naming the tensor.
    """
    for kept in interface.state:
        if {'"', "\\"} & set(kept.name):
            raise ExportError(
                f"export of {interface.name}: the name {kept.name} has a quote or a backslash. Give the module or the "
                "variable another one."
            )
    tensors: list[Port | State] = [*interface.inputs, *interface.state, *interface.outputs]
    for tensor in tensors:
        if str(tensor.dtype) not in TYPES:
            raise ExportError(
                f"export of {interface.name}: {tensor.name} is {tensor.dtype}, for which C has no type everywhere. "
                "Convert it within the function: .astype('float32')."
            )


def header(interface: Interface, block: Block, size: int, file: str, name: str, threads: int = 1) -> str:
    """The text of ``file.h``.

    Args:
        size: of the block, in bytes.
        name: of the struct, and how names of functions begin.
        threads: how many share a call.
    """
    sections = [
        _section(name, "inputs", "in", interface.inputs, "What it takes"),
        _section(name, "state", "state", interface.state, "What it keeps between calls"),
        _section(name, "outputs", "out", interface.outputs, "What it gives back"),
    ]
    guard = f"{name.upper()}_H"
    condition = (
        "0; or 1 if what the function was compiled for does\n   not hold: an argument is out of range, as a label is "
        "that is no class, or numbers overflow. Then no\n   state has changed, and results are not valid. */"
        if interface.condition >= 0
        else "Always 0. */"
    )
    return f"""/* {interface.name}, compiled by tinygrad_cv. It needs nothing but the C library; numbers are in
   row-major order.

     {name} *m = {name}_new();
     {name}_load(m, "{file}.safetensors");
     ... m->in ...
     {name}_step(m);
     ... m->out ... */
#ifndef {guard}
#define {guard}

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
{"" if threads == 1 else "#include <pthread.h>" + chr(10)}
#ifdef __cplusplus
#define {name.upper()}_ALIGNED alignas(64)
extern "C" {{
#else
#define {name.upper()}_ALIGNED _Alignas(64)
#endif

/* All that it needs: {size:,} bytes, which stay where they are once {name}_init has been called. */
typedef struct {name} {{
{"".join(sections)}  {name.upper()}_ALIGNED unsigned char work[{size - block.work}]; /* intermediate values */
}} {name};

static_assert(sizeof({name}) == {size}, "the struct is not what {name}.o was compiled for");

/* Prepares memory that is aligned to 64 bytes and holds zeros. State is then zeros, too: see {name}_load. */
void {name}_init({name} *m);

/* One call: reads m->in, reads and writes m->state, writes m->out. {condition}
{"" if threads == 1 else "static inline "}int {name}_step({name} *m);
{"" if threads == 1 else _filled("threads.c", {"NAME": name, "THREADS": str(threads)})}
/* New memory that is ready for {name}_load and {name}_step; for free(). NULL if there is none. */
static inline {name} *{name}_new(void) {{
  {name} *m = ({name} *)aligned_alloc(64, sizeof({name}));
  if (m) {{
    memset((void *)m, 0, sizeof *m);
    {name}_init(m);
  }}
  return m;
}}

{_state(interface, block, name)}
#ifdef __cplusplus
}}
#endif
#endif
"""


def example(interface: Interface, file: str, name: str, threads: int = 1) -> str:
    """The text of ``file_main.c``. ``name``: of the struct."""
    fields = _identifiers(interface.inputs)
    read = "".join(
        f"    if (fread(&m->in.{field}, 1, sizeof m->in.{field}, stdin) != sizeof m->in.{field}) break;\n"
        for field in fields
    )
    shown = []
    for port, field in zip(interface.outputs, _identifiers(interface.outputs), strict=True):
        count = math.prod(port.shape)
        item = f"m->out.{field}" if not port.shape else f"(({TYPES[str(port.dtype)]} *)&m->out.{field})[i]"
        form, cast = ("%.9g" if port.dtype.itemsize < 8 else "%.17g"), "double"
        if port.dtype.kind != "f":
            form, cast = "%lld", "long long"
        line = f'printf(" {form}", ({cast}){item});'
        shown.append(f'    printf("{port.name}");')
        shown.append(f"    {line}" if not port.shape else f"    for (int i = 0; i < {count}; i++) {line}")
        shown.append('    puts("");')
    words = {
        "READ": read.rstrip("\n") or "    if (argc-- < 2) break;",
        "PRINT": "\n".join(shown),
        "ARGUMENTS": ", ".join(f"{port.name} ({_described(port)})" for port in interface.inputs) or "nothing",
        "MAIN": f"{file}_main.c",
        "OBJECT": f"{file}.o",
        "START": f"{file}.safetensors",
        "HEADER": f"{file}.h",
        "LIBRARIES": "-lm" if threads == 1 else "-lm -pthread",
        "NAME": name,
    }
    return _filled("main.c", words)


def _section(name: str, kind: str, field: str, tensors: Sequence[Port | State], what: str) -> str:
    """A struct of tensors within the struct."""
    if not tensors:
        return ""
    rows = []
    for tensor, spelled in zip(tensors, _identifiers(tensors), strict=True):
        sizes = "".join(f"[{n}]" for n in tensor.shape)
        note = f"{tensor.name}: {tensor.kind}" if isinstance(tensor, State) else tensor.name
        rows.append(f"    {name.upper()}_ALIGNED {TYPES[str(tensor.dtype)]} {spelled}{sizes}; /* {note} */\n")
    return f"  /* {what}. */\n  struct {name}_{kind} {{\n{''.join(rows)}  }} {field};\n"


def _identifiers(tensors: Sequence[Port | State]) -> list[str]:
    """Names of members, each once."""
    found: list[str] = []
    for tensor in tensors:
        spelled = first = identifier(tensor.name)
        number = 2
        while spelled in found:
            spelled, number = f"{first}_{number}", number + 1
        found.append(spelled)
    return found


def _state(interface: Interface, block: Block, name: str) -> str:
    """The functions that read and write state."""
    if not interface.state:
        return f"""static inline int {name}_load({name} *m, const char *path) {{
  (void)m, (void)path;
  return 0;
}}
"""
    order = sorted(zip(interface.state, block.state, strict=True), key=lambda pair: -pair[0].dtype.itemsize)
    rows = [
        f'  {{{_string(tensor.name)}, "{safetensors.CODES[tensor.dtype]}", "{",".join(map(str, tensor.shape))}", '
        f"{place}, {tensor.array.nbytes}}},"
        for tensor, place in order
    ]
    text, _ = safetensors.encode({tensor.name: tensor.array for tensor, _ in order}, {})
    words = {
        "TENSORS": "\n".join(rows),
        "HEADER": str(len(text) - 8),
        "PADDING": str(len(text) - len(text.rstrip(b" "))),
        "NAME_TENSORS": f"{name.upper()}_TENSORS",
        "NAME": name,
    }
    return _filled("state.c", words)


def _filled(file: str, words: dict[str, str]) -> str:
    """A text with other words for some of its words."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    pattern = re.compile(r"NAME_TENSORS|NAME(?=_)|\b(?:" + "|".join(words) + r")\b")
    return pattern.sub(lambda match: words[match[0]], text)


def _string(text: str) -> str:
    """A string of C, in which quotes and backslashes stand as in JSON."""
    return json.dumps(text, ensure_ascii=False)


def _described(port: Port) -> str:
    return f"{port.dtype}[{', '.join(map(str, port.shape))}]" if port.shape else str(port.dtype)
