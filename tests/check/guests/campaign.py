"""gradcheck over the samples that PyTorch tests its own functions with: ``python -m tests.check.guests.campaign``.

PyTorch's derivatives of these are right, as far as its own tests can tell: whatever is called wrong is a false alarm of
gradcheck's, or worth a look. Kinks may be called kinks, and what rounding drowns ill-conditioned; both are counted.

With ``--order 2`` second derivatives are checked as well, where PyTorch claims them; ``--trail`` also asks of each
sample who would be to blame, which must be nobody; ``--only`` takes some functions, ``--samples`` some of each.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

import tinygrad_cv as tg
from tinygrad_cv.check.guests.torch import subject
from tinygrad_cv.check.trails import first_wrong
from tinygrad_cv.core.errors import ShapeError

NAMES = """
    nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d nn.functional.conv_transpose2d nn.functional.linear
    nn.functional.bilinear nn.functional.batch_norm nn.functional.layer_norm nn.functional.group_norm
    nn.functional.instance_norm nn.functional.rms_norm nn.functional.local_response_norm nn.functional.normalize
    nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.avg_pool2d nn.functional.adaptive_avg_pool2d
    nn.functional.adaptive_max_pool2d nn.functional.fractional_max_pool2d nn.functional.max_unpool2d
    nn.functional.interpolate nn.functional.upsample_bilinear nn.functional.grid_sample nn.functional.unfold
    nn.functional.pixel_shuffle nn.functional.pad nn.functional.dropout nn.functional.alpha_dropout nn.functional.relu
    nn.functional.relu6 nn.functional.leaky_relu nn.functional.elu nn.functional.celu nn.functional.selu
    nn.functional.gelu nn.functional.silu nn.functional.mish nn.functional.softplus nn.functional.softsign
    nn.functional.softshrink nn.functional.hardshrink nn.functional.hardtanh nn.functional.hardsigmoid
    nn.functional.hardswish nn.functional.logsigmoid nn.functional.tanhshrink nn.functional.prelu nn.functional.glu
    nn.functional.threshold nn.functional.softmin nn.functional.cross_entropy nn.functional.nll_loss
    nn.functional.mse_loss nn.functional.smooth_l1_loss nn.functional.huber_loss nn.functional.kl_div
    nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
    nn.functional.cosine_similarity nn.functional.pairwise_distance nn.functional.triplet_margin_loss
    nn.functional.multi_margin_loss nn.functional.gaussian_nll_loss nn.functional.poisson_nll_loss
    nn.functional.scaled_dot_product_attention softmax log_softmax logsumexp sigmoid tanh exp log sqrt rsqrt erf pow
    atan2 matmul einsum bmm var std mean prod cumsum cumprod logcumsumexp amax max min sort topk median where clamp lerp
    norm linalg.vector_norm cdist gather scatter_add index_select index_add take_along_dim masked_fill cat stack roll
    tril triu diagonal kron trapezoid xlogy logaddexp hypot sinc fft.fft2 linalg.inv linalg.solve linalg.cholesky
"""
FUNCTIONS = NAMES.split()
LARGE = 2000  # elements: larger samples are left out
SEED = 0  # of all samples
BAD = ("wrong:", "blamed:", "error:")  # what must not be said of a sample
UNFIT = {  # variants of functions whose samples have no gradient to check, -> why
    "nn.functional.max_unpool2d": "places occur several times, and which value remains is not said",  # not so .grad's
}
KNOWN = {  # functions -> what is wrong with them in PyTorch 2.13
    "nn.functional.hardsigmoid": "its slope is 1/6 in single precision",
    "nn.functional.binary_cross_entropy": "1e-12 in its second derivative",
    "logcumsumexp": "its gradient takes logarithms of gradients: 1e-12 off where x is 1e4, and NaN in the third",
}


def samples(name: str, most: int) -> Iterator[tuple[str, Any, list[torch.Tensor], bool]]:
    """Functions of the floats in PyTorch's samples: a label, the function, its inputs, whether it has two orders."""
    from torch.testing._internal.common_methods_invocations import op_db

    for op in (op for op in op_db if op.name == name and op.supports_autograd):
        torch.manual_seed(SEED)
        label = f"{op.name}.{op.variant_test_name}".rstrip(".")
        if label in UNFIT:
            continue
        found = list(op.sample_inputs("cpu", torch.float64, requires_grad=True))
        for sample in found[:: max(1, -(-len(found) // most))]:
            f, inputs = _function(op, sample)
            if inputs and all(0 < x.numel() <= LARGE and x.isfinite().all() for x in inputs):
                yield label, f, inputs, op.supports_gradgrad


def _function(op: Any, sample: Any) -> tuple[Any, list[torch.Tensor]]:
    """The function of those of a sample's arguments that require a gradient."""
    inputs: list[torch.Tensor] = []

    def taken(x: Any) -> Any:
        if isinstance(x, torch.Tensor) and x.requires_grad and x.is_floating_point():
            inputs.append(x.detach())
            return _Place(len(inputs) - 1)
        if isinstance(x, (list, tuple)):
            return type(x)(map(taken, x)) if not hasattr(x, "_fields") else x
        return x

    args, kwargs = [taken(x) for x in (sample.input, *sample.args)], {k: taken(x) for k, x in sample.kwargs.items()}

    def f(*xs: torch.Tensor) -> Any:
        def put(x: Any) -> Any:
            if isinstance(x, _Place):
                return xs[x.number]
            return type(x)(map(put, x)) if isinstance(x, (list, tuple)) and not hasattr(x, "_fields") else x

        returned = op.gradcheck_wrapper(op.get_op(), *map(put, args), **{k: put(x) for k, x in kwargs.items()})
        return sample.output_process_fn_grad(returned)

    return f, inputs


class _Place:
    """Where an input was among arguments."""

    def __init__(self, number: int):
        self.number = number


def run(names: Sequence[str], order: int, most: int, trail: bool) -> dict[str, Counter[str]]:
    """The verdicts on each function's samples; what is called wrong is printed."""
    table = dict[str, Counter[str]]()
    for name in names:
        counts, start = table.setdefault(name, Counter()), time.time()
        for label, f, inputs, twice in samples(name, most):
            found = verdict(f, inputs, order if twice else 1, trail)
            if found.startswith("wrong") and label in KNOWN:
                found = f"as known: {found}"
            counts[found.partition(":")[0]] += 1
            if found.startswith(BAD):
                print(f"{label}, shapes {[tuple(x.shape) for x in inputs]}: {found}", flush=True)
        print(f"{name}: {dict(counts)}, {time.time() - start:.1f} s", flush=True)
    return table


def verdict(f: Any, inputs: list[torch.Tensor], order: int, trail: bool) -> str:
    """What gradcheck says, with the whole report if that is "wrong"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            report = tg.gradcheck(f, inputs, order=order)
        except ShapeError:
            return "empty: nothing to differentiate"
        except Exception as error:
            return f"error: {type(error).__name__}: {error}"
        if report.verdict == "wrong":
            return f"wrong: {report}"
        if trail:
            checked = subject(f, inputs, None)
            with np.errstate(all="ignore"):
                if culprit := first_wrong(checked.function, checked.arrays, order, 0):
                    return f"blamed: {culprit}"
    return report.verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and print a table; 1 if anything is called wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=FUNCTIONS, metavar="NAME", help="of functions")
    parser.add_argument("--samples", type=int, default=12, help="of each at most (default: %(default)s)")
    parser.add_argument("--order", type=int, default=1, help="of derivatives (default: %(default)s)")
    parser.add_argument("--trail", action="store_true", help="also ask who would be to blame")
    options = parser.parse_args(arguments)
    table = run(options.only, options.order, options.samples, options.trail)
    total = sum(table.values(), Counter[str]())
    print(f"{len(table)} functions, {sum(total.values())} samples: {dict(total)}")
    return int(any(total[bad.rstrip(":")] for bad in BAD))


if __name__ == "__main__":
    sys.exit(main())
