"""Draw the README's picture from the README's own first example: ``python docs/make_images.py`` (needs Graphviz)."""

import contextlib
import os
import re
import tempfile
from pathlib import Path

from tinygrad_cv.files import write_text

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Run the example in an empty folder and keep the picture that it draws."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert code is not None
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(None):
                exec(compile("import tinygrad_cv as tg\ntg.manual_seed(0)\n" + code.group(1), "README.md", "exec"), {})
            picture = Path("loss.svg").read_text(encoding="utf-8")
        finally:
            os.chdir(here)
    target = ROOT / "docs" / "images" / "first_example.svg"
    target.parent.mkdir(exist_ok=True)
    write_text(target, picture)
    print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
