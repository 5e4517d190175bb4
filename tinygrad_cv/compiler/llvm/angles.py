"""sin and cos of vectors: an angle is reduced to |r| <= π/4, where a polynomial is evaluated.

The module docstring of math.py holds here too: errors, special values, sources.
"""

from __future__ import annotations

import numpy as np

from .function import Block, scalar_type
from .lanes import F4, F8, Lanes, polynomial, quick_two_sum, two_sum, where

# sin r = r + r³ S(r²), cos r = 1 - r²/2 + r⁴ C(r²) for |r| <= π/4
SIN = {
    F4: (-0.16666666641442274, 0.008333329363955668, -0.00019839327608962048, 2.7182412286418004e-06),
    F8: (
        -0.16666666666666632, 0.008333333333322457, -0.00019841269829815126, 2.7557313688175892e-06,
        -2.5050756805271935e-08, 1.5896686834069762e-10,
    ),
}  # fmt: skip
COS = {
    F4: (0.04166664674782912, -0.0013887361449852523, 2.443772980824068e-05),
    F8: (
        0.0416666666666666, -0.0013888888888874441, 2.4801587289636463e-05, -2.755731438756473e-07,
        2.08757270786126e-09, -1.1359803798161841e-11,
    ),
}  # fmt: skip
# π/2 in parts; all but the last have 33 bits, so that their products with numbers of 20 bits are exact
HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
HALF_PI_BITS = 0xC90FDAA22168C235  # π/2 · 2⁶³
NEAR = 2.0**20
TWO_OVER_PI = int(  # · 2¹¹⁶⁸
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921c"
    "fe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980f"
    "ef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d08"
    "5603",
    16,
)


def _quadrant(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """k, r, c of x = k π/2 + r + c with |r| <= π/4 and c about an ulp of r; only the last two bits of k matter.

    A float32 x becomes double, and c is 0.
    """
    angle = x.to(F8)
    shift = 1.5 * 2.0**52
    shifted = angle.times_plus(2.0 / np.pi, shift)
    k = shifted - shift
    first, second, third, rest = HALF_PI
    if x.dtype == F4:
        r, c = k.times_plus(-(second + third), angle - k * first), k.like(0.0)
    else:
        high, low = quick_two_sum(k * second, k * third)
        r, error = two_sum(angle - k * first, -high)
        c = error - k.times_plus(rest, low)
    return _or_far(angle, shifted.bits, r, c)


def _or_far(x: Lanes, *near: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """k, r and c: ``near``, except in lanes beyond ``NEAR``, where ``_payne_hanek`` computes them."""
    code = x.code
    is_far = (abs(x) > NEAR) & (abs(x) < np.inf)
    mask = code.value(f"bitcast {is_far.type} {is_far.name} to i{code.width}")
    some = code.value(f"icmp ne i{code.width} {mask}, 0")
    beyond, join = Block("far"), Block("join")
    code.split(some, beyond, join)
    code.open(beyond)
    angles = where(is_far, x, 2.0 * NEAR)
    vectors = [f"<{code.width} x {scalar_type(value.dtype)}>" for value in near]
    given = code.value(f"bitcast {angles.type} {angles.name} to {vectors[1]}")  # a scalar is passed as a vector
    result = f"{{ {', '.join(vectors)} }}"
    called = code.value(f"call {result} @{code.name}.far({vectors[1]} {given})")
    chosen = []
    for i, (value, vector) in enumerate(zip(near, vectors, strict=True)):
        part = code.value(f"extractvalue {result} {called}, {i}")
        far = Lanes(code, value.dtype, code.value(f"bitcast {vector} {part} to {value.type}"))
        chosen.append(where(is_far, far, value))
    code.jump(join)
    code.open(join)
    code.helpers.append(_payne_hanek(f"{code.name}.far", code.width))
    k, r, c = (
        Lanes(code, a.dtype, code.value(f"phi {a.type} [ {a.name}, %entry ], [ {b.name}, %far ]"))
        for a, b in zip(near, chosen, strict=True)
    )
    return k, r, c


def _payne_hanek(name: str, width: int) -> str:
    """The text of a function of doubles beyond 2²⁰ that returns k, r and c as ``_quadrant`` does.

    With x = m 2ᵉ and an integer m of 53 bits, only those bits of 2/π matter that determine the last two bits of
    m · 2/π before the point and 190 after it: they are cut out of the constant. The error is below 2⁻¹³⁷, and no double
    is nearer to a multiple of π/2 than 2⁻⁶².
    """
    ints, floats = f"<{width} x i64>", f"<{width} x double>"
    three = f"{{ {ints}, {floats}, {floats} }}"
    # optnone: LLVM would spend more time on these wide integers than on everything else
    return f"""\
@{name}.two_over_pi = private unnamed_addr constant i1280 {TWO_OVER_PI}
define internal {three} @{name}({floats} %x) noinline optnone cold nounwind willreturn memory(none) {{
entry:
  br label %lane
lane:
  %i = phi i32 [ 0, %entry ], [ %next, %lane ]
  %ks = phi {ints} [ zeroinitializer, %entry ], [ %ks.next, %lane ]
  %rs = phi {floats} [ zeroinitializer, %entry ], [ %rs.next, %lane ]
  %cs = phi {floats} [ zeroinitializer, %entry ], [ %cs.next, %lane ]
  ; m, and e + 1023 + 52
  %number = extractelement {floats} %x, i32 %i
  %bits = bitcast double %number to i64
  %shifted = lshr i64 %bits, 52
  %exponent = and i64 %shifted, 2047
  %fraction = and i64 %bits, {(1 << 52) - 1}
  %m = or i64 %fraction, {1 << 52}
  ; m · 2/π · 2¹⁹⁰ modulo 2¹⁹²
  %place = sub i64 {1168 + 1023 + 52 - 190}, %exponent
  %byte = lshr i64 %place, 3
  %address = getelementptr inbounds i8, ptr @{name}.two_over_pi, i64 %byte
  %digits = load i256, ptr %address, align 1
  %bit = and i64 %place, 7
  %bit.wide = zext i64 %bit to i256
  %digits.shifted = lshr i256 %digits, %bit.wide
  %window = trunc i256 %digits.shifted to i192
{_product("product", 192, "%window", 6, "%m", 2)}
  ; the nearest integer, and the distance to it · 2¹⁹²
  %rounded = add i192 %product, {1 << 189}
  %integer = lshr i192 %rounded, 190
  %integer.short = trunc i192 %integer to i64
  %distance = shl i192 %product, 2
  %below = icmp slt i192 %distance, 0
  %opposite = sub i192 0, %distance
  %size = select i1 %below, i192 %opposite, i192 %distance
  ; the distance · π/2, as two integers of 53 bits
  %zeros = call i192 @llvm.ctlz.i192(i192 %size, i1 false)
  %zeros.short = trunc i192 %zeros to i64
  %normal = shl i192 %size, %zeros
  %top = lshr i192 %normal, 128
  %top.short = trunc i192 %top to i64
{_product("angle", 128, "%top.short", 2, str(HALF_PI_BITS), 2)}
  %high = lshr i128 %angle, 75
  %high.integer = trunc i128 %high to i64
  %low = lshr i128 %angle, 22
  %low.long = trunc i128 %low to i64
  %low.integer = and i64 %low.long, {(1 << 53) - 1}
  ; times their powers of 2, with the sign of x and of the distance
  %negative = icmp slt i64 %bits, 0
  %flipped = xor i1 %negative, %below
  %sign = select i1 %flipped, i64 2048, i64 0
  %signed = sub i64 %sign, %zeros.short
  %high.exponent = add i64 %signed, {1023 - 52}
  %high.bits = shl i64 %high.exponent, 52
  %high.scale = bitcast i64 %high.bits to double
  %high.number = sitofp i64 %high.integer to double
  %r = fmul double %high.number, %high.scale
  %low.exponent = add i64 %signed, {1023 - 52 - 53}
  %low.bits = shl i64 %low.exponent, 52
  %low.scale = bitcast i64 %low.bits to double
  %low.number = sitofp i64 %low.integer to double
  %c = fmul double %low.number, %low.scale
  %integer.negated = sub i64 0, %integer.short
  %k = select i1 %negative, i64 %integer.negated, i64 %integer.short
  %ks.next = insertelement {ints} %ks, i64 %k, i32 %i
  %rs.next = insertelement {floats} %rs, double %r, i32 %i
  %cs.next = insertelement {floats} %cs, double %c, i32 %i
  %next = add i32 %i, 1
  %more = icmp ult i32 %next, {width}
  br i1 %more, label %lane, label %done
done:
  %result.k = insertvalue {three} poison, {ints} %ks.next, 0
  %result.kr = insertvalue {three} %result.k, {floats} %rs.next, 1
  %result = insertvalue {three} %result.kr, {floats} %cs.next, 2
  ret {three} %result
}}"""


def _product(name: str, bits: int, a: str, halves: int, b: str, others: int) -> str:
    """The lines for %name = a · b modulo 2 to the power of ``bits``, in products of 32 bits: longer ones are calls.

    Args:
        a, b: integers of so many times 32 bits; b may be a constant.
    """
    lines, parts = [], {}
    for which, number, count in (("a", a, halves), ("b", b, others)):
        for i in range(count):
            part = f"%{name}.{which}{i}"
            if number.isdigit():
                parts[which, i] = str(int(number) >> 32 * i & 0xFFFFFFFF)
                continue
            kind = f"i{32 * count}"
            lines.append(f"{part}.shifted = lshr {kind} {number}, {32 * i}")
            lines.append(f"{part}.short = trunc {kind} {part}.shifted to i32")
            lines.append(f"{part} = zext i32 {part}.short to i64")
            parts[which, i] = part
    total = "0"
    places = [(i, j) for i in range(halves) for j in range(others) if 32 * (i + j) < bits]
    for i, j in places:
        term = f"%{name}.{i}.{j}"
        lines.append(f"{term}.short = mul i64 {parts['a', i]}, {parts['b', j]}")
        lines.append(f"{term}.wide = zext i64 {term}.short to i{bits}")
        lines.append(f"{term} = shl i{bits} {term}.wide, {32 * (i + j)}")
        after = f"%{name}" if (i, j) == places[-1] else f"{term}.sum"
        lines.append(f"{after} = add i{bits} {total}, {term}")
        total = after
    return "\n".join(f"  {line}" for line in lines)


def _sin_or_cos(x: Lanes, ahead: int) -> Lanes:
    """sin(x + ahead π/2)"""
    k, r, c = _quadrant(x)
    z = r * r
    half = 0.5 * z
    w = 1.0 - half
    sin, cos = polynomial(z, SIN[x.dtype]), polynomial(z, COS[x.dtype])
    if x.dtype == F4:
        sin, cos = (z * r).times_plus(sin, r), (z * z).times_plus(cos, w)
    else:
        sin = r + (z * r).times_plus(sin, c)
        cos = w + (((1.0 - w) - half) + (z * z).times_plus(cos, -(r * c)))
    k = k + ahead
    y = where((k & 1).equals(0), sin, cos)
    return (y.bits ^ ((k & 2) << 62)).number.to(x.dtype)


def sin(x: Lanes) -> Lanes:
    return where(x.equals(0.0), x, _sin_or_cos(x, 0))


def cos(x: Lanes) -> Lanes:
    return _sin_or_cos(x, 1)
