"""exp, log, sin, cos, tanh, erf and pow of vectors as LLVM IR, without a math library.

    print(definition("exp", np.dtype("float32"), 8))   ->   define internal <8 x float> @tg_exp_f32x8(<8 x float> %x) ...

Every function is made of three steps: the argument is reduced to a short interval, a polynomial approximates the function
there, and the result is put together from both. Special values are selected at the end. Nothing branches but for angles
beyond 2²⁰. Lanes never mix, so an element has the same bits in a vector of any width.

Errors measured in units in the last place, with fma and without:

TABLE

Sources:
    Cody & Waite, Software Manual for the Elementary Functions, 1980: reduction by a constant in several parts.
    Payne & Hanek, Radian reduction for trigonometric functions, SIGNUM 18, 1983: huge angles.
    Dekker, A floating-point technique for extending the available precision, Numer. Math. 18, 1971: sums of two numbers.
    fdlibm (Sun Microsystems, 1993): the form of log, and of sin and cos of a number in two parts.
Polynomials are minimax in the error of the function's value, computed by Remez' exchange in 60 digits, and rounded; for
float32 the three lowest coefficients were rounded one after another and the others fitted again.
"""

from __future__ import annotations

import inspect
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

# ---------------------------------------------------------------- what the rest of the compiler asks for


def symbol(name: str, dtype: np.dtype, width: int) -> str:
    """The name of a function of vectors.

    >>> symbol("exp", np.dtype("float32"), 8)
    'tg_exp_f32x8'
    """
    return f"tg_{name}_{FORMATS[_KINDS[np.dtype(dtype)]].short}x{width}"


def definition(name: str, dtype: np.dtype, width: int, fma: bool = True) -> str:
    """The text of an internal function of ``width`` lanes, with all that belongs to it but declarations.

    name: a key of ``FUNCTIONS``; dtype: float32 or float64; fma: whether the machine has a fused multiply-add.
    """
    function = FUNCTIONS[name]
    kind = _KINDS[np.dtype(dtype)]
    code = Code(symbol(name, dtype, width), width, fma)
    arguments = [Lanes(code, kind, f"%{argument}") for argument in inspect.signature(function).parameters]
    result = function(*arguments)
    signature = ", ".join(f"{argument.type} {argument.name}" for argument in arguments)
    return "\n".join(
        [
            *code.globals,
            f"define internal {result.type} @{code.symbol}({signature}) nounwind willreturn memory(none) {{",
            "entry:",
            *code.lines,
            f"  ret {result.type} {result.name}",
            "}",
        ]
    )


def declarations(text: str) -> set[str]:
    """One ``declare`` for each intrinsic that is called in a text of LLVM IR."""
    found = set()
    for result, name, given in re.findall(r"call (<[^>]+>|\w+) (@llvm\.[\w.]+)\((.*)\)", text):
        types = re.findall(r"(?:^|, )(<[^>]+>|\w+) ", given)
        found.add(f"declare {result} {name}({', '.join(types)})")
    return found


# ---------------------------------------------------------------- formulas as instructions


class Format(NamedTuple):
    """A binary floating-point format of IEEE 754."""

    short: str
    integer: str
    mantissa: int  # bits stored
    bias: int  # of the exponent
    smallest: float  # normal number


FORMATS = {
    "float": Format("f32", "i32", 23, 127, 2.0**-126),
    "double": Format("f64", "i64", 52, 1023, 2.0**-1022),
}
_KINDS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
_FLOATS = {"i32": "float", "i64": "double"}


class Code:
    """The body of a function in the making."""

    def __init__(self, symbol: str, width: int, fma: bool):
        self.symbol, self.width, self.fma = symbol, width, fma
        self.lines: list[str] = []
        self.globals: list[str] = []
        self._count = 0

    def type(self, kind: str) -> str:
        return f"<{self.width} x {kind}>"

    def name(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def emit(self, instruction: str) -> str:
        name = self.name()
        self.lines.append(f"  {name} = {instruction}")
        return name


class Lanes:
    """A vector in a function in the making: operators append instructions.

    Numbers stand for vectors of equal lanes. Comparisons are false for NaN. Shifts to the right are of unsigned numbers.
    """

    def __init__(self, code: Code, kind: str, name: str):
        self.code, self.kind, self.name = code, kind, name

    @property
    def type(self) -> str:
        return self.code.type(self.kind)

    @property
    def format(self) -> Format:
        return FORMATS[self.kind]

    def like(self, x: Any) -> Lanes:
        """A number as lanes of the same kind."""
        return x if isinstance(x, Lanes) else Lanes(self.code, self.kind, _splat(self.kind, x))

    def _apply(self, instruction: str, *others: Any, kind: str | None = None) -> Lanes:
        operands = ", ".join([self.name, *(self.like(other).name for other in others)])
        return Lanes(self.code, kind or self.kind, self.code.emit(f"{instruction} {self.type} {operands}"))

    def _arithmetic(self, instruction: str, other: Any) -> Lanes:
        return self._apply(f"f{instruction}" if self.kind in FORMATS else instruction, other)

    def __add__(self, other: Any) -> Lanes:
        return self._arithmetic("add", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._arithmetic("sub", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._arithmetic("mul", other)

    def __truediv__(self, other: Any) -> Lanes:
        return self._arithmetic("div", other)

    def __rsub__(self, other: float) -> Lanes:
        return self.like(other) - self

    def __rtruediv__(self, other: float) -> Lanes:
        return self.like(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Lanes:
        return self._apply("fneg")

    def __and__(self, other: Any) -> Lanes:
        return self._apply("and", other)

    def __or__(self, other: Any) -> Lanes:
        return self._apply("or", other)

    def __xor__(self, other: Any) -> Lanes:
        return self._apply("xor", other)

    def __invert__(self) -> Lanes:
        return self ^ (1 if self.kind == "i1" else -1)

    def __lshift__(self, places: int) -> Lanes:
        return self._apply("shl", places)

    def __rshift__(self, places: int) -> Lanes:
        return self._apply("lshr", places)

    def __lt__(self, other: Any) -> Lanes:
        return self._apply("fcmp olt", other, kind="i1")

    def __gt__(self, other: Any) -> Lanes:
        return self._apply("fcmp ogt", other, kind="i1")

    def __ge__(self, other: Any) -> Lanes:
        return self._apply("fcmp oge", other, kind="i1")

    def equals(self, other: Any) -> Lanes:
        return self._apply("fcmp oeq" if self.kind in FORMATS else "icmp eq", other, kind="i1")

    def unordered(self, other: Any) -> Lanes:
        """Whether one of both is NaN."""
        return self._apply("fcmp uno", other, kind="i1")

    @property
    def bits(self) -> Lanes:
        """The integer with the same bits."""
        integer = self.format.integer
        return Lanes(self.code, integer, self.code.emit(f"bitcast {self.type} {self.name} to {self.code.type(integer)}"))

    @property
    def number(self) -> Lanes:
        """The floating-point number with the same bits."""
        kind = _FLOATS[self.kind]
        return Lanes(self.code, kind, self.code.emit(f"bitcast {self.type} {self.name} to {self.code.type(kind)}"))

    def to(self, kind: str) -> Lanes:
        """The nearest number of another format."""
        if kind == self.kind:
            return self
        instruction = "fpext" if kind == "double" else "fptrunc"
        return Lanes(self.code, kind, self.code.emit(f"{instruction} {self.type} {self.name} to {self.code.type(kind)}"))

    def _call(self, intrinsic: str, *others: Any) -> Lanes:
        given = ", ".join(f"{x.type} {x.name}" for x in (self, *map(self.like, others)))
        suffix = f"v{self.code.width}{self.format.short}"
        return Lanes(self.code, self.kind, self.code.emit(f"call {self.type} @llvm.{intrinsic}.{suffix}({given})"))

    def __abs__(self) -> Lanes:
        return self._call("fabs")

    def copysign(self, sign: Lanes) -> Lanes:
        return self._call("copysign", sign)

    def times_plus(self, factor: Any, term: Any) -> Lanes:
        """self · factor + term, rounded once if the machine can."""
        return self._call("fma", factor, term) if self.code.fma else self * factor + term

    def clamp(self, low: float, high: float) -> Lanes:
        """NaN stays NaN."""
        x = where(self > high, high, self)
        return where(x < low, low, x)


def _splat(kind: str, x: float) -> str:
    if kind in FORMATS:
        rounded = float(np.float32(x)) if kind == "float" else float(x)
        return f"splat ({kind} 0x{struct.pack('>d', rounded).hex().upper()})"
    return f"splat ({kind} {int(x)})"


def where(condition: Lanes, a: Any, b: Any) -> Lanes:
    known = a if isinstance(a, Lanes) else b
    code, a, b = known.code, known.like(a), known.like(b)
    given = ", ".join(f"{x.type} {x.name}" for x in (condition, a, b))
    return Lanes(code, a.kind, code.emit(f"select {given}"))


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """c₀ + c₁ x + c₂ x² + ..., by Horner's rule."""
    total = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total.times_plus(x, c)
    return total


# ---------------------------------------------------------------- unevaluated sums of two numbers (Dekker)


def two_sum(a: Lanes, b: Any) -> tuple[Lanes, Lanes]:
    """a + b exactly, as a rounded sum and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Any, b: Lanes) -> tuple[Lanes, Lanes]:
    """The same, if |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """a · b as a rounded product and its error: exactly with fma, else to 2⁻¹⁰⁵."""
    product = a * b
    if a.code.fma:
        return product, a.times_plus(b, -product)
    a1, b1 = ((x.bits & -(1 << 27)).number for x in (a, b))  # 26 bits, so that their product is exact
    a2, b2 = a - a1, b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


# ---------------------------------------------------------------- exp and tanh

LOG2_E = 1.4426950408889634
LN2 = {"float": (0.693359375, -0.00021219444005469057), "double": (0.6931471803691238, 1.9082149292705877e-10)}
# eʳ = 1 + r + r² P(r) for |r| <= ln 2 / 2
EXP = {
    "float": (0.49999994, 0.16666517, 0.041668106, 0.008369144, 0.0013836814),
    "short": (  # float32 by way of float64
        0.5000000046419665, 0.16666666818001014, 0.04166635421919155, 0.008333272801583044, 0.0013941061151982771,
        0.0001991431963856742,
    ),
    "double": (
        0.5000000000000006, 0.16666666666666688, 0.04166666666657346, 0.008333333333314253, 0.0013888888932485726,
        0.00019841269903757793, 2.4801504275001627e-05, 2.7557227296777288e-06, 2.7626407094150524e-07,
        2.5114685384116828e-08,
    ),
}  # fmt: skip


def _by_powers_of_2(x: Lanes, bias: int) -> tuple[Lanes, Lanes, Lanes]:
    """n and r of x = n ln 2 + r with |r| <= ln 2 / 2, after a number whose low bits are n + bias."""
    shift = 1.5 * 2.0**x.format.mantissa + bias  # numbers near it are integers
    shifted = x.times_plus(LOG2_E, shift)
    n = shifted - shift
    high, low = LN2[x.kind]
    return shifted.bits, n, n.times_plus(-low, n.times_plus(-high, x))


def _exp(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    bits, _, r = _by_powers_of_2(x, 2 * x.format.bias)
    return _times_power_of_2(1.0 + (r * r).times_plus(polynomial(r, coefficients), r), bits)


def _times_power_of_2(x: Lanes, bits: Lanes) -> Lanes:
    """x 2ⁿ for low bits n + 2 bias, in two factors: 2ⁿ alone may be too large or too small."""
    half = bits >> 1
    mantissa = x.format.mantissa
    return x * (half << mantissa).number * ((bits - half) << mantissa).number


EXP_RANGE = {"float": (-104.0, 89.0), "double": (-746.0, 710.0)}  # beyond: 0, infinity


def exp(x: Lanes) -> Lanes:
    return _exp(x.clamp(*EXP_RANGE[x.kind]), EXP[x.kind])


def tanh(x: Lanes) -> Lanes:
    """m / (m + 2) for m = e²ˣ - 1. Single precision goes by way of double: it is as fast there as a careful sum."""
    y = abs(x.to("double"))
    y = where(y > 22.0, 44.0, y + y)  # beyond: 1
    bits, _, r = _by_powers_of_2(y, 1023)
    p = (r * r).times_plus(polynomial(r, EXP["short" if x.kind == "float" else "double"]), r)
    power = (bits << 52).number
    m = power.times_plus(p, power - 1.0)
    return (m / (m + 2.0)).to(x.kind).copysign(x)


# ---------------------------------------------------------------- log

# for √½ <= 1 + f < √2: ln(1 + f) = f - f²/2 + f³ P(f) in float,
# else 2 s + s³ P(s²) = f - f²/2 + s (f²/2 + s² P(s²)) with s = f / (2 + f)
LOG = {
    "float": (
        0.33333322, -0.25000516, 0.20001757, -0.1664628, 0.14210404, -0.1268929, 0.12183731, -0.10523821, 0.050695632,
    ),
    "double": (
        0.6666666666666734, 0.3999999999941201, 0.28571428743286387, 0.22222198455951128, 0.1818357152298022,
        0.15313841476435575, 0.14798267711318158,
    ),
}  # fmt: skip
LOG_SHORT = (0.6666666564159934, 0.40000336486591814, 0.2853720692734478, 0.23584368141838577)
ROOT_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}  # the bits of √½


def _exponent(x: Lanes) -> tuple[Lanes, Lanes]:
    """e and f of a positive finite x = 2ᵉ (1 + f) with √½ <= 1 + f < √2."""
    form = x.format
    lift = form.mantissa + 1
    subnormal = x < form.smallest
    root = ROOT_HALF[x.kind]
    bits = where(subnormal, x * 2.0**lift, x).bits + ((form.bias << form.mantissa) - root)
    large = 2.0**form.mantissa  # with an integer in its mantissa it is the sum of both
    e = ((bits >> form.mantissa) | x.like(large).bits).number - where(
        subnormal, large + form.bias + lift, x.like(large + form.bias)
    )
    return e, ((bits & ((1 << form.mantissa) - 1)) + root).number - 1.0


def _log(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    e, f = _exponent(x)
    square = 0.5 * f * f
    if x.kind == "float":
        tail = (f * f * f).times_plus(polynomial(f, coefficients), -square)
    else:
        s = f / (f + 2.0)
        z = s * s
        tail = s.times_plus(z.times_plus(polynomial(z, coefficients), square), -square)
    high, low = LN2[x.kind]
    total, error = quick_two_sum(e * high, f)
    return total + (tail + e.times_plus(low, error))


def log(x: Lanes) -> Lanes:
    y = _log(x, LOG[x.kind])
    special = where(x.equals(0.0), -np.inf, where(x > 0.0, x, np.nan))
    return where((x > 0.0) & (x < np.inf), y, special)


# ---------------------------------------------------------------- sin and cos

# sin r = r + r³ S(r²), cos r = 1 - r²/2 + r⁴ C(r²) for |r| <= π/4
SIN = {
    "float": (-0.16666666641442274, 0.008333329363955668, -0.00019839327608962048, 2.7182412286418004e-06),
    "double": (
        -0.16666666666666632, 0.008333333333322457, -0.00019841269829815126, 2.7557313688175892e-06,
        -2.5050756805271935e-08, 1.5896686834069762e-10,
    ),
}  # fmt: skip
COS = {
    "float": (0.04166664674782912, -0.0013887361449852523, 2.443772980824068e-05),
    "double": (
        0.0416666666666666, -0.0013888888888874441, 2.4801587289636463e-05, -2.755731438756473e-07,
        2.08757270786126e-09, -1.1359803798161841e-11,
    ),
}  # fmt: skip
# π/2; all parts but the last have 33 bits, so that their products with numbers of 20 bits are exact
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

# x = m 2ᵉ with an integer m of 53 bits. Of m · 2/π only the last two bits before the point and 190 after it matter: the
# bits of 2/π that lead there are cut out of the constant. 2⁻¹³⁷ is lost, and no double is nearer to a multiple of π/2 than
# 2⁻⁶² of it.
FAR = """@{symbol}.two_over_pi = private unnamed_addr constant i1280 {two_over_pi}
define internal {{ {i64}, {double}, {double} }} @{symbol}.far({double} %x) noinline cold nounwind willreturn memory(none) {{
entry:
  br label %lane
lane:
  %i = phi i32 [ 0, %entry ], [ %next, %lane ]
  %quadrants = phi {i64} [ zeroinitializer, %entry ], [ %quadrants.next, %lane ]
  %highs = phi {double} [ zeroinitializer, %entry ], [ %highs.next, %lane ]
  %lows = phi {double} [ zeroinitializer, %entry ], [ %lows.next, %lane ]
  ; m and e, without the bias of 1023 + 52
  %number = extractelement {double} %x, i32 %i
  %bits = bitcast double %number to i64
  %exponent.signed = lshr i64 %bits, 52
  %exponent = and i64 %exponent.signed, 2047
  %fraction = and i64 %bits, 4503599627370495
  %m = or i64 %fraction, 4503599627370496
  ; m · 2/π, modulo 4, times 2¹⁹⁰
  %place = sub i64 {place}, %exponent
  %byte = lshr i64 %place, 3
  %bit = and i64 %place, 7
  %bit.wide = zext i64 %bit to i256
  %address = getelementptr inbounds i8, ptr @{symbol}.two_over_pi, i64 %byte
  %loaded = load i256, ptr %address, align 1
  %shifted = lshr i256 %loaded, %bit.wide
  %window = trunc i256 %shifted to i192
  %m.wide = zext i64 %m to i192
  %product = mul i192 %window, %m.wide
  ; the nearest multiple of π/2, and the distance to it in units of π/2, times 2¹⁹²
  %rounded = add i192 %product, {half}
  %quadrant.wide = lshr i192 %rounded, 190
  %quadrant.positive = trunc i192 %quadrant.wide to i64
  %distance = shl i192 %product, 2
  %below = icmp slt i192 %distance, 0
  %distance.negated = sub i192 0, %distance
  %size = select i1 %below, i192 %distance.negated, i192 %distance
  %zeros.wide = call i192 @llvm.ctlz.i192(i192 %size, i1 false)
  %zeros = trunc i192 %zeros.wide to i64
  %normal = shl i192 %size, %zeros.wide
  %top.wide = lshr i192 %normal, 128
  %top = trunc i192 %top.wide to i128
  ; times π/2, in two numbers of 53 bits
  %angle = mul i128 %top, {half_pi}
  %high.wide = lshr i128 %angle, 75
  %high.integer = trunc i128 %high.wide to i64
  %low.wide = lshr i128 %angle, 22
  %low.long = trunc i128 %low.wide to i64
  %low.integer = and i64 %low.long, 9007199254740991
  %high.number = sitofp i64 %high.integer to double
  %low.number = sitofp i64 %low.integer to double
  %negative = icmp slt i64 %bits, 0
  %flip = xor i1 %negative, %below
  %sign = select i1 %flip, i64 2048, i64 0
  %high.biased = sub i64 971, %zeros
  %high.exponent = or i64 %high.biased, %sign
  %high.scale.bits = shl i64 %high.exponent, 52
  %high.scale = bitcast i64 %high.scale.bits to double
  %low.biased = sub i64 918, %zeros
  %low.exponent = or i64 %low.biased, %sign
  %low.scale.bits = shl i64 %low.exponent, 52
  %low.scale = bitcast i64 %low.scale.bits to double
  %high = fmul double %high.number, %high.scale
  %low = fmul double %low.number, %low.scale
  %quadrant.negated = sub i64 0, %quadrant.positive
  %quadrant = select i1 %negative, i64 %quadrant.negated, i64 %quadrant.positive
  %quadrants.next = insertelement {i64} %quadrants, i64 %quadrant, i32 %i
  %highs.next = insertelement {double} %highs, double %high, i32 %i
  %lows.next = insertelement {double} %lows, double %low, i32 %i
  %next = add i32 %i, 1
  %more = icmp ult i32 %next, {width}
  br i1 %more, label %lane, label %done
done:
  %result.0 = insertvalue {{ {i64}, {double}, {double} }} poison, {i64} %quadrants.next, 0
  %result.1 = insertvalue {{ {i64}, {double}, {double} }} %result.0, {double} %highs.next, 1
  %result.2 = insertvalue {{ {i64}, {double}, {double} }} %result.1, {double} %lows.next, 2
  ret {{ {i64}, {double}, {double} }} %result.2
}}"""


def _quadrant(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """k (its last two bits count) and r + c of x = k π/2 + r + c with |r| <= π/4, c below the last place of r."""
    code = x.code
    shift = 1.5 * 2.0**52
    shifted = x.times_plus(2.0 / np.pi, shift)
    k = shifted - shift
    a, b, c, d = HALF_PI
    high, low = quick_two_sum(k * b, k * c)
    r, error = two_sum(x - k * a, -high)
    return _far(x, shifted.bits, r, error - k.times_plus(d, low))


def _far(x: Lanes, *near: Lanes) -> tuple[Lanes, ...]:
    """The same for lanes beyond ``NEAR``, if there are any."""
    code = x.code
    is_far = (abs(x) > NEAR) & (abs(x) < np.inf)
    some = code.emit(f"bitcast {is_far.type} {is_far.name} to i{code.width}")
    branch = code.emit(f"icmp ne i{code.width} {some}, 0")
    code.lines += [f"  br i1 {branch}, label %far, label %join", "far:"]
    given = where(is_far, x, 2.0 * NEAR)
    types = [value.type for value in near]
    called = code.emit(f"call {{ {', '.join(types)} }} @{code.symbol}.far({given.type} {given.name})")
    far = []
    for i, value in enumerate(near):
        part = code.emit(f"extractvalue {{ {', '.join(types)} }} {called}, {i}")
        far.append(where(is_far, Lanes(code, value.kind, part), value))
    code.lines += ["  br label %join", "join:"]
    joined = [code.emit(f"phi {n.type} [ {n.name}, %entry ], [ {f.name}, %far ]") for n, f in zip(near, far)]
    code.globals.append(
        FAR.format(
            symbol=code.symbol,
            width=code.width,
            i64=code.type("i64"),
            double=code.type("double"),
            two_over_pi=TWO_OVER_PI,
            place=1168 + 1075 - 190,
            half=1 << 189,
            half_pi=HALF_PI_BITS,
        )
    )
    return tuple(Lanes(code, value.kind, name) for value, name in zip(near, joined))


def _sin_or_cos(x: Lanes, ahead: int) -> Lanes:
    """sin(x + ahead π/2)"""
    k, r, c = _quadrant(x.to("double"))
    k = k + ahead
    z = r * r
    sin = r + (z * r).times_plus(polynomial(z, SIN[x.kind]), c)
    half = 0.5 * z
    w = 1.0 - half
    cos = w + (((1.0 - w) - half) + (z * z).times_plus(polynomial(z, COS[x.kind]), -(r * c)))
    y = where((k & 1).equals(0), sin, cos)
    return (y.bits ^ ((k & 2) << 62)).number.to(x.kind)


def sin(x: Lanes) -> Lanes:
    return where(x.equals(0.0), x, _sin_or_cos(x, 0))


def cos(x: Lanes) -> Lanes:
    return _sin_or_cos(x, 1)


# ---------------------------------------------------------------- erf

# erf z = z + z P(z²) for z <= 1; 1 - erf z = exp Q(z) from there to where erf z rounds to 1
ERF = {
    "float": (0.12837917, -0.3761263, 0.11283622, -0.026855126, 0.0051907334, -0.0008030751, 7.9203033e-05),
    "double": (
        0.1283791670955126, -0.3761263890318411, 0.11283791670972065, -0.026866170648281337, 0.0052239776556881065,
        -0.0008548328735454736, 0.00012055394335119011, -1.492709491742731e-05, 1.6484730249936244e-06,
        -1.6598328887978046e-07, 1.6303685816454784e-08, -1.7632499816417873e-09, 1.6385572469226387e-10,
    ),
}  # fmt: skip
LOG_ERFC = {
    "float": (-0.00035371925, -1.12704, -0.63822573, -0.10303725, 0.021805221, -0.0029395716, 0.00018556908),
    "double": (
        -5.132369390637237e-07, -1.1283739917595506, -0.6366440548595609, -0.10270229052722137, 0.01898804355477884,
        0.000413534262319143, -0.001918942986939487, 0.0007730407580872913, -0.00013655259166066847,
        -1.9524678105411833e-05, 2.2533633933447646e-05, -8.579030424641082e-06, 2.114864549520718e-06,
        -3.6957882259043535e-07, 4.593540011152178e-08, -3.890282262907342e-09, 2.020562242821598e-10,
        -4.865970693086874e-12,
    ),
}  # fmt: skip
ERF_IS_1 = {"float": 4.0, "double": 6.0}


def erf(x: Lanes) -> Lanes:
    z = abs(x)
    z = where(z > ERF_IS_1[x.kind], ERF_IS_1[x.kind], z)
    near = z.times_plus(polynomial(z * z, ERF[x.kind]), z)
    far = 1.0 - _exp(polynomial(z, LOG_ERFC[x.kind]), EXP[x.kind])
    return where(z < 1.0, near, far).copysign(x)


# ---------------------------------------------------------------- pow

# ln(1 + f) = 2 s + s³ (2/3 + s² P(s²)) for s = f / (2 + f)
LOG_LONG = (
    0.39999999999999997, 0.2857142857143256, 0.22222222220354731, 0.18181818551178364, 0.15384577009534556,
    0.1333559836232964, 0.11688414737958205, 0.11883156101326126,
)  # fmt: skip
TWO_THIRDS = (2.0 / 3.0, 3.700743415417188e-17)
LN2_LONG = (0.6931471805598903, 5.497923018708371e-14)  # the first part has 42 bits


def _long_product(a: tuple[Lanes, Lanes], b: tuple[Lanes, Lanes]) -> tuple[Lanes, Lanes]:
    high, low = two_product(a[0], b[0])
    return quick_two_sum(high, a[0].times_plus(b[1], a[1].times_plus(b[0], low)))


def _long_log(x: Lanes) -> tuple[Lanes, Lanes]:
    """ln x to 66 bits, as a sum of two numbers."""
    e, f = _exponent(x)
    d, d_low = two_sum(f, 2.0)
    inverse = 1.0 / d
    s_high = f * inverse
    product, error = two_product(s_high, d)
    s = s_high, (((f - product) - error) - s_high * d_low) * inverse
    z = _long_product(s, s)
    high, low = quick_two_sum(TWO_THIRDS[0], z[0] * polynomial(z[0], LOG_LONG))
    cubic = _long_product(_long_product(z, s), (high, low + TWO_THIRDS[1]))
    total, error = quick_two_sum(e * LN2_LONG[0], 2.0 * s[0])
    total, more = two_sum(total, cubic[0])
    return quick_two_sum(total, (error + more) + (e.times_plus(LN2_LONG[1], 2.0 * s[1]) + cubic[1]))


def _long_exp(high: Lanes, low: Lanes) -> Lanes:
    """exp(high + low)"""
    bits, n, _ = _by_powers_of_2(high, 2 * 1023)
    a, b = LN2_LONG
    r, c = quick_two_sum(n.times_plus(-a, high), n.times_plus(-b, low))
    one, error = quick_two_sum(1.0, r)
    return _times_power_of_2(one + (error + (r * r).times_plus(polynomial(r, EXP["double"]), c)), bits)


def _power(x: Lanes, y: Lanes) -> Lanes:
    """xʸ for positive finite x and finite y."""
    if x.kind == "float":
        wide = y.to("double") * _log(x.to("double"), LOG_SHORT)
        return _exp(wide.clamp(*EXP_RANGE["float"]), EXP["short"]).to("float")
    y = y.clamp(-(2.0**65), 2.0**65)  # larger ones give 0, 1 or infinity all the same
    log_x = _long_log(x)
    high, low = two_product(y, log_x[0])
    return _long_exp(*quick_two_sum(high.clamp(*EXP_RANGE["double"]), y.times_plus(log_x[1], low)))


def _is_integer(x: Lanes) -> Lanes:
    large = 2.0**x.format.mantissa
    return (x >= large) | ((x + large) - large).equals(x)


def pow(x: Lanes, y: Lanes) -> Lanes:
    """C99, F.10.4.4"""
    size, y_size = abs(x), abs(y)
    integer = _is_integer(y_size)
    odd = integer & ~_is_integer(0.5 * y_size)
    unbounded = size.equals(0.0) | size.equals(np.inf) | y_size.equals(np.inf)
    limit = where((size > 1.0) ^ (y > 0.0), 0.0, x.like(np.inf))
    result = where(unbounded, limit, _power(size, y))
    result = where(odd, result.copysign(x), result)
    result = where(~integer & (x < 0.0) & (size < np.inf), np.nan, result)
    result = where(x.unordered(y), np.nan, result)
    one = x.equals(1.0) | y.equals(0.0) | (size.equals(1.0) & y_size.equals(np.inf))
    return where(one, 1.0, result)


FUNCTIONS: dict[str, Callable[..., Lanes]] = {f.__name__: f for f in (exp, log, sin, cos, tanh, erf, pow)}
