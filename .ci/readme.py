"""Print a command of the README: the code block behind ``<!-- command: NAME -->``, with more arguments at its end."""

import re
import sys
from pathlib import Path

name, *more = sys.argv[1:]
text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
block = re.search(rf"<!-- command: {name} -->\s*```\w*\n(.*?)\n```", text, re.S)
if block is None:
    sys.exit(f"the README has no command {name!r}")
print(" ".join([block.group(1), *more]))
