"""What the benchmark of compiled steps makes of its figures; the networks on JAX's layers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.bounds import JIT
from benchmarks.growth import growth
from benchmarks.jit import kernel_classes, shares_of_limit
from benchmarks.measure import keep
from benchmarks.systems import PEERS, SYSTEMS
from benchmarks.workers.functions import FUNCTIONS
from benchmarks.workers.networks import MODELS, build
from benchmarks.workloads import NETWORKS, WORKLOADS, Workload, initial_values
from tests.models.torchvision_models import torchvision_models


def test_every_workload_has_a_bound_and_its_peers() -> None:
    assert JIT.keys() == WORKLOADS.keys()
    assert not {"ours", "ours_jit", "mygrad"} & PEERS.keys()
    training, inference = WORKLOADS["vgg"], WORKLOADS["vgg_inference_1"]
    assert SYSTEMS["torch_freeze"].runs(inference) and not SYSTEMS["torch_freeze"].runs(training)
    assert not SYSTEMS["mygrad"].runs(training)


def test_kernel_classes_weigh_the_roofline_by_time() -> None:
    kernels = [
        {"kind": "contraction", "flops": 8, "bytes": 2, "ms": 3.0, "share": 0.5},
        {"kind": "elementwise", "flops": 1, "bytes": 4, "ms": 5.0, "share": 0.4},
        {"kind": "contraction", "flops": 4, "bytes": 1, "ms": 1.0, "share": 0.9},
    ]
    elementwise, contraction = kernel_classes(kernels)
    assert elementwise["kind"] == "elementwise" and elementwise["share"] == pytest.approx(0.4)
    assert (contraction["kernels"], contraction["flops"], contraction["bytes"], contraction["ms"]) == (2, 12, 3, 4.0)
    assert contraction["share"] == pytest.approx(0.6)
    assert kernel_classes([]) == []
    table = {"theirs": {"median": 20e-3}, "ours": {"median": 5e-3}}
    limit = sum(kernel["share"] * kernel["ms"] for kernel in kernels)
    assert shares_of_limit([elementwise, contraction], table) == pytest.approx(
        {"theirs": limit / 20, "ours": limit / 5}
    )


def test_growth_is_the_worst_time_a_sample() -> None:
    assert growth({16: 8.0, 32: 14.0, 64: 40.0}) == pytest.approx(40 / 64 / (8 / 16))
    assert growth({16: 8.0}) is None


def test_figures_are_kept_beside_those_of_other_commands(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    keep(path, "jit", {"lenet": 1})
    keep(path, "memory", {"ratio": 2})
    keep(path, "jit", {"vgg": 3})
    assert json.loads(path.read_text()) == {"jit": {"lenet": 1, "vgg": 3}, "memory": {"ratio": 2}}


@pytest.mark.parametrize("last", [False, True], ids=["NCHW", "NHWC"])
@pytest.mark.parametrize("network", ["lenet", "resnet20", "separable"])
def test_networks_on_jax_are_those_of_torch(network: str, last: bool) -> None:
    pytest.importorskip("jax")
    torch = pytest.importorskip("torch")
    from benchmarks.workers.jax_layers import KERNEL, layers, to_jax, to_numpy

    workload: Workload = WORKLOADS[network]
    images = np.random.default_rng(0).standard_normal((4, *workload.image), dtype=np.float32)
    expected = build(network, SimpleNamespace(nn=torch.nn))
    values = initial_values(
        {name: tuple(value.shape) for name, value in expected.state_dict().items() if "batches" not in name}
    )
    expected.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()}, strict=False)
    found = build(network, SimpleNamespace(nn=layers(last)))
    found.bind({name: to_jax(value, last, KERNEL) for name, value in values.items()})
    output = to_numpy(found(to_jax(images, last)), last)
    np.testing.assert_allclose(output, expected.train()(torch.from_numpy(images)).detach(), atol=2e-4)
    statistics = found.bound(("running_mean", "running_var"))
    for name, value in statistics.items():
        np.testing.assert_allclose(value, expected.state_dict()[name], rtol=1e-4, atol=1e-5)


def both() -> tuple[Any, Any]:
    torch = pytest.importorskip("torch")
    from benchmarks.workers.ours_worker import Ours
    from benchmarks.workers.torch_worker import Torch

    return Torch(torch.contiguous_format, compiled=False), Ours(jit=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_is_the_same_function_in_both_frameworks(name: str) -> None:
    row = FUNCTIONS[name]
    image = np.random.default_rng(0).standard_normal((row.batch, *row.image))
    found, expected = (
        np.asarray(framework.model(row.make(framework), "float64")(framework.tensor(image)).detach())
        for framework in both()
    )
    assert found.shape == (row.batch, *row.output)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("network", dict.fromkeys(workload.network for workload in NETWORKS.values()))
def test_networks_of_both_frameworks_take_the_same_initial_values(network: str) -> None:
    if network in MODELS:
        torchvision_models()
    shapes = [
        {name: tuple(value.shape) for name, value in build(network, framework).state_dict().items()}
        for framework in both()
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("network", "image"), [("unet", (3, 16, 16)), ("unet3d", (1, 8, 8, 8))])
def test_unets_of_both_frameworks_are_one_function(network: str, image: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).standard_normal((2, *image), dtype=np.float32)
    outputs = []
    for framework in both():
        model = framework.model(build(network, framework), "float32")
        shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
        state = {**model.state_dict(), **{n: framework.tensor(v) for n, v in initial_values(shapes).items()}}
        model.load_state_dict(state)
        outputs.append(np.asarray(model.train()(framework.tensor(images)).detach()))
    np.testing.assert_allclose(*outputs, atol=1e-3)
    assert outputs[0].shape == (2, 10, *image[1:])
