"""Fetches the vendored libraries from the npm registry, as pins.json says, and checks every byte.

python tinygrad_cv/viz/page/vendor/fetch.py          # write the files again
python tinygrad_cv/viz/page/vendor/fetch.py --pin    # and pin their hashes, after a change of version
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
PINS = HERE / "pins.json"


def integrity(content: bytes) -> str:
    """The hash as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def fetch(package: str, version: str, expected: str) -> tarfile.TarFile:
    """The tarball of a version.

    Raises:
        ValueError: it is not the pinned one.
    """
    name = package.rpartition("/")[2]
    with urllib.request.urlopen(f"https://registry.npmjs.org/{package}/-/{name}-{version}.tgz") as answer:
        content = answer.read()
    if integrity(content) != expected:
        raise ValueError(f"{package} {version}: its hash is {integrity(content)}, pinned is {expected}")
    return tarfile.open(fileobj=io.BytesIO(content))


def main(pin: bool = False) -> None:
    pins = json.loads(PINS.read_text())
    for package, entry in pins.items():
        with fetch(package, entry["version"], entry["integrity"]) as tarball:
            for name, file in entry["files"].items():
                member = tarball.extractfile(file["from"])
                assert member is not None
                content = member.read()
                if pin:
                    file["integrity"] = integrity(content)
                elif integrity(content) != file["integrity"]:
                    raise ValueError(f"{name}: its hash is {integrity(content)}, pinned is {file['integrity']}")
                (HERE / name).write_bytes(content)
    if pin:
        PINS.write_text(json.dumps(pins, indent=2) + "\n")


if __name__ == "__main__":
    main("--pin" in sys.argv[1:])
