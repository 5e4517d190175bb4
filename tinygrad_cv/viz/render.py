"""Pictures from DOT text, by the first program that is there. No shell is involved."""

from __future__ import annotations

import shutil
import subprocess

RENDERERS = {  # command -> the formats that it writes
    "dot": ("svg", "png", "pdf"),
    "graphviz-pure": ("svg", "png"),
}
RESOLUTION = {"png": ("-Gdpi=150",)}
REMEDY = (
    "Install Graphviz (`apt install graphviz`, `brew install graphviz` or `conda install graphviz`)"
    ", or for SVG and PNG `pip install graphviz-pure`. Without either, .dot(), .text() and .json() work."
)


def render(dot: str, format: str) -> bytes:
    """The picture of a DOT text, as svg, png or pdf.

    Raises:
        RuntimeError: no renderer is installed, or it failed.
    """
    for command, formats in RENDERERS.items():
        program = shutil.which(command) if format in formats else None
        if program is not None:
            arguments = [program, f"-T{format}", *RESOLUTION.get(format, ())]
            done = subprocess.run(arguments, input=dot.encode(), capture_output=True, check=False)
            if done.returncode:
                words = done.stderr.decode(errors="replace").strip()
                raise RuntimeError(f"graph: {command} could not draw the graph as {format}: {words}")
            return done.stdout
    raise RuntimeError(f"graph: no program on the PATH draws {format}: looked for {', '.join(RENDERERS)}. {REMEDY}")
