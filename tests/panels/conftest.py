"""Panels as they are built, but with networks that were hardly trained, and of five normalizations two."""

import pytest

pytest.importorskip("llvmlite")

from docs.panels import images, maps
from docs.panels.build import compile_for_browsers, exports, scripts
from tinygrad_cv.compiler import get_num_threads, set_num_threads

LEFT_OUT = {f"{kind}_{norm}" for kind in ("train", "test") for norm in ("layer", "instance", "none")}


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    before = get_num_threads()
    set_num_threads(1)
    yield
    set_num_threads(before)


@pytest.fixture(scope="package")
def out(tmp_path_factory):
    """The folder that a page loads from."""
    folder = tmp_path_factory.mktemp("panels")
    built = scripts(folder)
    for export in exports():
        if export.name not in LEFT_OUT:
            compile_for_browsers(export, built)
    images.write_images(built)
    maps.write_weights(built, epochs=0, each=1)
    return folder
