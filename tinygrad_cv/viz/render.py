"""Pictures from DOT text, by the first program or package that is installed. No shell is involved."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

RENDERERS = {  # command -> the formats that it writes
    "dot": ("svg", "png", "pdf"),
    "graphviz-pure": ("svg", "png"),
}
SCRIPTS = Path(sys.executable).parent  # where pip installs programs; it need not be on the PATH
PACKAGE = "pygraphviz"  # used if no command is found
RESOLUTION = {"png": ("-Gdpi=150",)}
MEASURED, FAMILIES = (
    b'font-family="Arial"',
    b'font-family="Arial,Helvetica,Liberation Sans,Noto Sans CJK KR,sans-serif"',
)
REMEDY = (
    "Install Graphviz (`apt install graphviz`, `brew install graphviz` or `conda install graphviz`)"
    ", or for SVG and PNG `pip install graphviz-pure`. Without either, .html(), .dot(), .text() and .json() work."
)


def render(dot: str, format: str) -> bytes:
    """The picture of a DOT text, as svg, png or pdf.

    Raises:
        RuntimeError: no renderer is installed, or it failed.
    """
    for command, formats in RENDERERS.items():
        program = _found(command) if format in formats else None
        if program is not None:
            arguments = [program, f"-T{format}", *RESOLUTION.get(format, ())]
            done = subprocess.run(arguments, input=dot.encode(), capture_output=True, check=False)
            if done.returncode:
                words = done.stderr.decode(errors="replace").strip()
                raise RuntimeError(f"graph: {command} could not draw the graph as {format}: {words}")
            return _with_fonts(done.stdout) if format == "svg" else done.stdout
    if importlib.util.find_spec(PACKAGE) is not None:
        return _by_package(dot, format)
    names = ", ".join([*RENDERERS, PACKAGE])
    raise RuntimeError(f"graph: nothing here draws {format}: looked for {names}. {REMEDY}")


def _with_fonts(svg: bytes) -> bytes:
    """The SVG with fallbacks for the measured font family: families of the same widths, and one for Korean."""
    return svg.replace(MEASURED, FAMILIES)


def _found(command: str) -> str | None:
    return shutil.which(command) or shutil.which(command, path=str(SCRIPTS))


def _by_package(dot: str, format: str) -> bytes:
    import pygraphviz

    try:
        arguments = " ".join(RESOLUTION.get(format, ()))
        picture: bytes = pygraphviz.AGraph(string=dot).draw(format=format, prog="dot", args=arguments)
        return _with_fonts(picture) if format == "svg" else picture
    except Exception as error:  # its own classes, and those of the programs that it runs
        raise RuntimeError(f"graph: {PACKAGE} could not draw the graph as {format}: {error}") from error
