"""Exported WebAssembly in a real browser: the bits of Node, and workers that share the work where they may."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from benchmarks.browser import chromium
from tests.deploy import node
from tests.deploy.javascript import CALLS

PAGE = f"""<!doctype html><title>calls</title><link rel="icon" href="data:,"><script>
let loaded;
const ready = new Promise((done) => (loaded = done)), run = async (...given) => (await ready)(...given);
</script><script type="module">
{CALLS}
import {{ load, loadWorkers }} from './step.mjs';
const together = await loadWorkers();
loaded(async (calls, shared) => {{
  calls = JSON.parse(calls);
  if (!shared) return JSON.stringify(called(await load(), calls));
  const promises = calls.map(([method, ...args]) => together[method](...args.map(unpack)));
  return JSON.stringify(pack((await Promise.allSettled(promises)).map((x) => x.value ?? String(x.reason))));
}});
</script>"""


@pytest.fixture(scope="module")
def page(lenet):
    (lenet.stem.parent / "index.html").write_text(PAGE, encoding="utf-8")
    with chromium(lenet.stem.parent) as browser:
        if browser is None:
            pytest.skip("selenium, chromium or chromedriver is not installed (apt install chromium chromium-driver)")
        browser.open("index.html")
        yield browser
        assert browser.errors() == []


def called(page, calls, shared=False):
    return node.unpacked(json.loads(page.call("run", json.dumps(calls, default=node.packed), shared)))


def test_a_page_computes_the_bits_of_node(lenet, page):
    calls = [["step", {"images": x, "labels": y}] for x, y in lenet.data[:20]]
    calls += [["state", "conv1.weight"], ["state", "bn2.num_batches_tracked"], ["state", "nothing"], ["save"]]
    for found, right in zip(called(page, calls), node.run(lenet.stem, calls), strict=True):
        assert str(found) == str(right)
        if hasattr(found, "tobytes"):
            assert found.tobytes() == right.tobytes()


def test_workers_share_the_work(lenet, page):
    assert page.call("(async () => crossOriginIsolated)")
    wrong = lenet.data[0][1] + 10
    calls = [["step", {"images": x, "labels": y}] for x, y in lenet.data]
    *losses, refused = called(page, [*calls, ["step", {"images": lenet.data[0][0], "labels": wrong}]], shared=True)
    np.testing.assert_allclose([x["loss"] for x in losses], lenet.losses, rtol=1e-5)
    assert refused.startswith("RangeError: step: what the function was compiled for does not hold")
