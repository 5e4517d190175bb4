"""Make the live panels: ``python -m docs.panels.build OUT``.

OUT then holds all that a page needs, and a page with all panels. The scripts are those of docs/panels/page; what is
compiled, trained and drawn for them lies beside them in OUT/built.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import tinygrad_cv as tg

from . import batch_norm, convolution, drawings, images, maps, pooling, training
from .exports import Export

PAGE = Path(__file__).parent / "page"


def exports() -> Iterator[Export]:
    """All functions that the panels call."""
    for module in (maps, convolution, pooling, training, batch_norm, drawings):
        yield from module.exports()


def build(out: Path) -> None:
    built = scripts(out)
    for export in exports():
        compile_for_browsers(export, built)
    images.write_images(built)
    maps.write_weights(built)


def scripts(out: Path) -> Path:
    """The scripts, and the folder for what they load."""
    shutil.copytree(PAGE, out, dirs_exist_ok=True)
    built = out / "built"
    built.mkdir(exist_ok=True)
    return built


def compile_for_browsers(export: Export, built: Path) -> Path:
    """The loader of the compiled function."""
    made = tg.export(export.function, *export.arguments, target="wasm32", path=built / export.name)
    return next(path for path in made.files if path.suffix == ".mjs")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m docs.panels.build OUT", file=sys.stderr)
        return 2
    out = Path(arguments[0])
    build(out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1e6:.1f} MB. Look at it: python -m http.server --bind 127.0.0.1 -d {out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
