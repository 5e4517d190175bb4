"""Exported WebAssembly in a real browser: the same bits as in Node."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("llvmlite")

from tests.deploy import node
from tests.deploy.javascript import CALLS

PAGE = f"""<!doctype html><title>calls</title><script type="module">
{CALLS}
import {{ load }} from './step.mjs';
window.run = async (calls) => JSON.stringify(called(await load(), JSON.parse(calls)));
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def chromium():
    """A headless Chromium of Debian's, or of whoever calls it so."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium and chromedriver are installed (apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(120)
    yield browser
    browser.quit()


@pytest.fixture
def address(lenet):
    (lenet.stem.parent / "index.html").write_text(PAGE, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=lenet.stem.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


def test_a_page_computes_the_bits_of_node(lenet, address, chromium):
    calls = [["step", {"images": x, "labels": y}] for x, y in lenet.data[:20]]
    calls += [["state", "conv1.weight"], ["state", "bn2.num_batches_tracked"], ["state", "nothing"], ["save"]]
    chromium.get(address)
    script = (
        "const done = arguments[1], ready = () => window.run ? window.run(arguments[0]).then(done, e => done('' + e)) "
    )
    text = chromium.execute_async_script(
        script + ": setTimeout(ready, 10); ready();", json.dumps(calls, default=node.packed)
    )
    assert not [line for line in chromium.get_log("browser") if "favicon" not in line["message"]]
    in_node = node.run(lenet.stem, calls)
    for found, right in zip(node.unpacked(json.loads(text)), in_node, strict=True):
        assert str(found) == str(right)
        if hasattr(found, "tobytes"):
            assert found.tobytes() == right.tobytes()
