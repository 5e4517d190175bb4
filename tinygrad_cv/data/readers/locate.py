"""Where a data set is on this machine. Nothing is downloaded."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from ..datasets import FASHION_MNIST_FOLDER
from . import failure

ENVIRONMENT = "TGCV_DATA"
DEBIAN = Path("/usr/share/datasets")  # where Debian's packages dataset-... have their files
EMBEDDED = {"fashion-mnist": FASHION_MNIST_FOLDER}


def locate(name: str, path: str | PathLike[str] | None = None) -> Path:
    """The file or folder of a data set: the first that there is of

    1. the path, if one is given;
    2. the entry of this name in the folder that the environment variable ``TGCV_DATA`` names;
    3. that in ``/usr/share/datasets``, where Debian's packages have theirs (``apt install dataset-fashion-mnist``);
    4. what comes with the package: 5,000 and 1,000 images of "fashion-mnist".

    Raises:
        FileNotFoundError: there is none; or a path was given, and there is nothing.
        ValueError: the name is a path.

    >>> (locate("fashion-mnist") / "t10k-labels-idx1-ubyte.gz").exists()
    True
    """
    if path is not None:
        if not Path(path).exists():
            raise failure.missing("locate", path, "file or folder", "Check the path.")
        return Path(path)
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"locate: name is {name!r}; it must be a name without folders. Give a path as path.")
    own = os.environ.get(ENVIRONMENT)
    places = [*([Path(own) / name] if own else []), DEBIAN / name, *([EMBEDDED[name]] if name in EMBEDDED else [])]
    for place in places:
        if place.exists():
            return place
    raise failure.missing(
        "locate", name, "data set", f"Looked for: {', '.join(map(str, places))}. Nothing is downloaded: put it "
        f"there, or into the folder that the environment variable {ENVIRONMENT} names.",
    )  # fmt: skip
