"""Convolutions, pooling, columns of windows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.functional.agreement.drawn.draws import Draws
from tests.functional.agreement.poolings import places, ratios, whole
from tests.functional.agreement.regions import pyramid
from tests.functional.agreement.row import Fixed, Row, Samples, exact

MOST = {1: 8, 2: 7, 3: 4}  # pixels along an axis, by the number of axes


def sizes(d: Draws, dims: int, span: tuple[int, ...], padding: tuple[int, ...]) -> tuple[int, ...]:
    """Of an image that holds the windows; now and then it is one too small."""
    least = [max(1, s - 2 * p) for s, p in zip(span, padding, strict=True)]
    return tuple(max(1, n + d.integer(-1 if d.integer(0, 9) == 9 else 0, MOST[dims] - 2)) for n in least)


def convolution(d: Draws, dims: int) -> Row:
    groups, kernel, dilation = d.integer(1, 4), d.each(dims, 1, 3), d.each(dims, 1, 2)
    channels, filters = groups * d.integer(1, 2), groups * d.integer(1, 2)
    stride = d.each(dims, 1, 3)
    padding = d.each(dims, 0, 2)
    options: dict[str, Any] = {"stride": d.written(stride), "padding": d.written(padding)}
    if (mode := d.choice("number", "number", "same", "valid")) != "number":
        options["padding"], padding = mode, (0,) * dims
        if mode == "same":  # PyTorch takes it at stride 1 only
            options["stride"] = 1
    span = tuple(t * (k - 1) + 1 for k, t in zip(kernel, dilation, strict=True))
    image = (*d.lead(channels), *sizes(d, dims, span, padding))
    arguments = [d.normal(*image), d.normal(filters, channels // groups, *kernel)]
    if d.flag():
        arguments.append(d.normal(filters))
    options |= {"dilation": d.written(dilation), "groups": groups}
    return Row(f"conv{dims}d", tuple(arguments), options)


def transposed(d: Draws, dims: int) -> Row:
    groups, kernel, dilation, stride = d.integer(1, 3), d.each(dims, 1, 3), d.each(dims, 1, 2), d.each(dims, 1, 3)
    channels, filters = groups * d.integer(1, 2), d.integer(1, 2)
    extra = tuple(d.integer(0, max(s, t) - 1) for s, t in zip(stride, dilation, strict=True))
    padding = d.each(dims, 0, 1)
    image = (*d.lead(channels), *d.each(dims, 1, 4))
    arguments = [d.normal(*image), d.normal(channels, filters, *kernel)]
    if d.flag():
        arguments.append(d.normal(filters * groups))
    options = {
        "stride": d.written(stride),
        "padding": d.written(padding),
        "output_padding": d.written(extra),
        "groups": groups,
        "dilation": d.written(dilation),
    }
    return Row(f"conv_transpose{dims}d", tuple(arguments), options)


def linear(d: Draws) -> Row:
    inputs, outputs, lead = d.integer(1, 5), d.choice((), (1,), (3,), (5,)), d.shape(0, 3, 0, 4)
    arguments = [d.normal(*lead, inputs), d.normal(*outputs, inputs)]
    biased = d.flag() and (outputs or len(lead) != 1)  # PyTorch has no one number a row plus another of a matrix
    return Row("linear", (*arguments, d.normal(*outputs)) if biased else tuple(arguments))


def window(d: Draws, dims: int, dilated: bool) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Options of pooling, and the size of an image for them."""
    kernel, dilation = d.each(dims, 1, 3), d.each(dims, 1, 2) if dilated else (1,) * dims
    padding = tuple(d.integer(0, k // 2) for k in kernel)
    if any(padding):  # PyTorch's gradient of a dilated window beside the image writes outside of its memory
        dilation = (1,) * dims
    span = tuple(t * (k - 1) + 1 for k, t in zip(kernel, dilation, strict=True))
    options = {"kernel_size": d.written(kernel), "padding": d.written(padding), "ceil_mode": d.flag()}
    if dilated:
        options["dilation"] = d.written(dilation)
    if d.flag():
        options["stride"] = d.written(d.each(dims, 1, 3))
    return options, sizes(d, dims, span, padding)


def maximum(d: Draws, dims: int) -> Row:
    options, size = window(d, dims, True)
    x = d.distinct(*d.lead(d.integer(1, 2)), *size)
    return Row(f"max_pool{dims}d", (x,), {**options, "return_indices": d.flag()})


def average(d: Draws, dims: int) -> Row:
    options, size = window(d, dims, False)
    options["count_include_pad"] = d.flag()
    if dims > 1 and d.flag():
        options["divisor_override"] = d.integer(1, 5)
    return Row(f"avg_pool{dims}d", (d.normal(*d.lead(d.integer(1, 2)), *size),), options)


def power(d: Draws, dims: int) -> Row:
    options, size = window(d, dims, False)
    del options["padding"]
    p = d.choice(1, 2, 3, 4.0, 1.5, 0.5)
    x = d.positive(*d.lead(d.integer(1, 2)), *(n + 2 for n in size))
    return Row(f"lp_pool{dims}d", (x, p), options, note=f"p={p}", steepness=4.0)


def adaptive(d: Draws, dims: int, kind: str) -> Row:
    wanted: list[Any] = list(d.each(dims, 1, 6))
    for axis in range(dims if dims > 1 else 0):
        wanted[axis] = None if d.integer(0, 4) == 4 else wanted[axis]
    size = d.integer(1, 4) if d.flag() else tuple(wanted)
    options = {"output_size": size, **({"return_indices": d.flag()} if kind == "max" else {})}
    return Row(f"adaptive_{kind}_pool{dims}d", (d.distinct(*d.lead(2), *d.each(dims, 1, MOST[dims])),), options)


def over_all(d: Draws, dims: int, kind: str) -> Row:
    x = d.distinct(*d.lead(2), *d.each(dims, 1, 4))
    return Row(f"global_{kind}_pool{dims}d", (x,), theirs=whole(dims, kind))


def unpooled(d: Draws, dims: int) -> Row:
    """Windows side by side: where they overlap PyTorch keeps one of several that have the same place."""
    kernel = d.each(dims, 1, 3)
    stride = tuple(k + d.integer(0, 1) for k in kernel)
    size = tuple(k + d.integer(0, 3) for k in kernel)
    s = Samples(f"{d.integer(0, 1000)}")
    found, usual = places(s, (2, 2, *size), kernel, stride)
    options: dict[str, Any] = {"kernel_size": d.written(kernel), "stride": d.written(stride), "output_size": size}
    if usual == size and d.flag():
        del options["output_size"]
    if d.flag():
        return Row(f"max_unpool{dims}d", (d.normal(*found.shape[1:]), found[0]), options)
    return Row(f"max_unpool{dims}d", (d.normal(*found.shape), found), options)


def fractional(d: Draws, dims: int) -> Row:
    kernel, size = d.each(dims, 1, 3), d.each(dims, 4, 7)
    image = (*d.lead(2), *size)
    options: dict[str, Any] = {"return_indices": d.flag()}
    if d.flag():
        most = [n - k for n, k in zip(size, kernel, strict=True)]
        options["output_size"] = d.written(tuple(d.integer(1, n) for n in most))
    else:
        options["output_ratio"] = d.number(0.25, 0.5) if d.flag() else tuple(d.number(0.25, 0.5) for _ in range(dims))
    n = image[0] if len(image) > dims + 1 else 1
    options["_random_samples"] = Fixed(exact(d.rng.random((n, 2, dims))))
    theirs = ratios(dims) if isinstance(options.get("output_ratio"), float) else None
    return Row(f"fractional_max_pool{dims}d", (d.distinct(*image), d.written(kernel)), options, theirs)


def columns(d: Draws) -> dict[str, Any]:
    """Options of unfold and fold, as numbers for both axes."""
    return {
        "kernel_size": d.each(2, 1, 3),
        "dilation": d.each(2, 1, 2),
        "padding": d.each(2, 0, 2),
        "stride": d.each(2, 1, 3),
    }


def unfold(d: Draws) -> Row:
    o = columns(d)
    span = tuple(t * (k - 1) + 1 for k, t in zip(o["kernel_size"], o["dilation"], strict=True))
    x = d.normal(*d.lead(2), *sizes(d, 2, span, o["padding"]))
    return Row("unfold", (x,), {key: d.written(value) for key, value in o.items()})


def fold(d: Draws) -> Row:
    o = columns(d)
    span = tuple(t * (k - 1) + 1 for k, t in zip(o["kernel_size"], o["dilation"], strict=True))
    size = tuple(max(1, s - 2 * p) + d.integer(0, 4) for s, p in zip(span, o["padding"], strict=True))
    count = 1
    for n, s, p, t in zip(size, span, o["padding"], o["stride"], strict=True):
        count *= (n + 2 * p - s) // t + 1
    lead = (d.integer(1, 2),) if d.flag() else ()
    x = d.normal(*lead, 2 * o["kernel_size"][0] * o["kernel_size"][1], count)
    return Row("fold", (x,), {"output_size": d.written(size), **{key: d.written(value) for key, value in o.items()}})


def pyramid_pool(d: Draws) -> Row:
    levels = tuple(d.integer(1, 4) if d.flag() else d.each(2, 1, 3) for _ in range(d.integer(1, 3)))
    options = {"levels": levels, "mode": d.choice("max", "avg")}
    return Row("spatial_pyramid_pool2d", (d.distinct(*d.lead(2), *d.each(2, 1, 7)),), options, theirs=pyramid)


DRAWN: dict[str, Callable[[Draws], Row]] = {
    "linear": linear,
    "unfold": unfold,
    "fold": fold,
    "spatial_pyramid_pool2d": pyramid_pool,
    **{f"fractional_max_pool{n}d": partial(fractional, dims=n) for n in (2, 3)},
}
for n in (1, 2, 3):
    DRAWN |= {
        f"conv{n}d": partial(convolution, dims=n),
        f"conv_transpose{n}d": partial(transposed, dims=n),
        f"max_pool{n}d": partial(maximum, dims=n),
        f"avg_pool{n}d": partial(average, dims=n),
        f"lp_pool{n}d": partial(power, dims=n),
        f"max_unpool{n}d": partial(unpooled, dims=n),
        **{f"adaptive_{kind}_pool{n}d": partial(adaptive, dims=n, kind=kind) for kind in ("avg", "max")},
        **{f"global_{kind}_pool{n}d": partial(over_all, dims=n, kind=kind) for kind in ("avg", "max")},
    }
