"""The systems that can be measured, and how each is started."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from benchmarks.workloads import STEPS, Workload

# Threads stay on their cores, and the C library keeps what it was given back: tensors of a step lie where those of the
# step before lay, and no page is mapped anew.
PINNED = {
    "OMP_PROC_BIND": "true",
    "OMP_PLACES": "cores",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**28),
}


@dataclass(frozen=True)
class System:
    """A worker's module and arguments, what its environment has besides, and what can be asked of it."""

    module: str
    family: str  # under which it is shown
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ("float64", "float32")  # in which it is checked
    workloads: tuple[str, ...] | None = None  # all but where it says
    tasks: tuple[str, ...] = ("training", "gradient", "inference")

    def command(self, workload: Workload) -> list[str]:
        """What to run, behind the interpreter."""
        module = f"benchmarks.workers.{self.module}"
        return ["-m", module, workload.name, "--batch", str(workload.batch), *self.arguments]

    def runs(self, workload: Workload) -> bool:
        """Whether the system can be asked for this workload."""
        return workload.task in self.tasks and (self.workloads is None or workload.name in self.workloads)


def _torch() -> dict[str, System]:
    """PyTorch in each of its modes, layouts and environments."""
    systems = {}
    for layout, last in (("", ()), ("_channels_last", ("--channels-last",))):
        for memory, environment in (("", {}), ("_pinned", PINNED)):
            suffix = layout + memory
            systems["torch" + suffix] = System("torch_worker", "torch eager", last, environment)
            # In float64 they are not checked: compiling that takes minutes, and it is not what is timed.
            compiled = System("torch_worker", "torch.compile", ("--compile", *last), environment, dtypes=("float32",))
            systems["torch_compile" + suffix] = compiled
            systems["torch_freeze" + suffix] = replace(
                compiled, arguments=("--freeze", *compiled.arguments), tasks=("inference",)
            )
    return systems


REFERENCE = "torch"
LAYOUTS = ("torch", "torch_channels_last")
PEERS = {
    **_torch(),
    "jax": System("jax_worker", "JAX", dtypes=("float32",), workloads=tuple(STEPS)),
    "jax_channels_last": System("jax_worker", "JAX", ("--channels-last",), dtypes=("float32",), workloads=tuple(STEPS)),
}
SYSTEMS = {
    **PEERS,
    "mygrad": System("mygrad_worker", "MyGrad", workloads=("lenet",)),
    "ours": System("ours_worker", "ours, eager"),
    "ours_eager_compiled": System("ours_worker", "ours, eager, compiled", ("--eager-compiled",)),
    "ours_jit": System("ours_worker", "ours, jit", ("--jit",)),
}
