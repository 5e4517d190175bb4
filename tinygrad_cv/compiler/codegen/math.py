"""exp, log, sin, cos, tanh, erf and pow of vectors, as LLVM IR that needs no math library.

A function reduces its argument to a short interval, evaluates a polynomial there and puts the result together from
both; special values are selected at the end. Only angles beyond 2²⁰ take a branch. Lanes never mix: the bits of a
result do not depend on the other lanes, nor on their number. Special values are C99's (annex F) and NumPy's; subnormal
numbers are numbers like others.

Errors are at most, in units in the last place, with a fused multiply-add or without:

             exp   log   sin   cos   tanh  erf   pow
    float32  0.8   0.9   0.6   0.6   0.6   0.6   0.6
    float64  0.8   0.9   1.0   1.0   1.0   1.2   0.8

Cody & Waite, Software Manual for the Elementary Functions, 1980: constants in parts, for an exact reduction.
Payne & Hanek, Radian reduction for trigonometric functions, SIGNUM Newsletter 18(1), 1983: huge angles.
Dekker, A floating-point technique for extending the available precision, Numer. Math. 18, 1971: pairs of numbers.
fdlibm (Sun Microsystems, 1993): the forms of log in double, and of sin and cos of a pair.

Polynomials are minimax in the error of the result (Remez' exchange in 60 digits), then rounded; for float32 the three
lowest coefficients were rounded one after another, and the rest fitted anew each time. Rational functions were fitted
by reweighted least squares to the same end.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .function import Function, number, scalar_type, vector_type

F4, F8, BOOL = np.dtype(np.float32), np.dtype(np.float64), np.dtype(bool)


def symbol(name: str, dtype: np.dtype, width: int) -> str:
    """The name of a function of vectors.

    >>> symbol("exp", np.dtype("float32"), 8)
    'tg_exp_f32x8'
    """
    return f"tg_{name}_f{8 * dtype.itemsize}x{width}"


def definition(name: str, dtype: np.dtype, width: int, fma: bool = True) -> str:
    """The text of an internal function of ``width`` lanes (of a scalar, if 1), with all it needs but declarations.

    name: one of ``FUNCTIONS``; dtype: float32 or float64; fma: whether the machine has a fused multiply-add.

    >>> print(definition("exp", np.dtype("float32"), 8).splitlines()[0])
    define internal <8 x float> @tg_exp_f32x8(<8 x float> %x) nounwind willreturn memory(none) {
    """
    function = FUNCTIONS[name]
    code = Code(symbol(name, dtype, width), width, fma)
    arguments = [Lanes(code, dtype, f"%{argument}") for argument in inspect.signature(function).parameters]
    result = function(*arguments)
    parameters = ", ".join(f"{argument.type} {argument.name}" for argument in arguments)
    return "\n".join(
        [
            *code.helpers,
            f"define internal {result.type} @{code.name}({parameters}) nounwind willreturn memory(none) {{",
            "entry:",
            *code.lines,
            f"  ret {result.type} {result.name}",
            "}",
        ]
    )


def declarations(text: str) -> set[str]:
    """What declares the intrinsics that a text of LLVM IR calls."""
    found = set()
    for result, name, operands in re.findall(r"call (<[^>]+>|\w+) (@llvm\.[\w.]+)\((.*)\)", text):
        types = re.findall(r"(?:^|, )(<[^>]+>|\w+) ", operands)
        found.add(f"declare {result} {name}({', '.join(types)})")
    return found


# ---------------------------------------------------------------- formulas as instructions


class Code(Function):
    """A function of vectors under construction."""

    def __init__(self, name: str, width: int, fma: bool):
        super().__init__(name, ())
        self.width, self.fma = width, fma
        self.helpers: list[str] = []  # texts of what it calls


class Lanes:
    """A vector in a function under construction: its operators write instructions.

    A number stands for a vector of equal lanes. Comparisons are false for NaN. Shifts to the right bring in zeros.
    """

    def __init__(self, code: Code, dtype: np.dtype, name: str):
        self.code, self.dtype, self.name = code, dtype, name

    @property
    def type(self) -> str:
        return vector_type(self.dtype, self.code.width)

    @property
    def mantissa(self) -> int:
        """Bits of the mantissa, as stored."""
        return int(np.finfo(self.dtype).nmant)

    @property
    def bias(self) -> int:
        """What is added to the exponent, as stored."""
        return int(np.finfo(self.dtype).maxexp) - 1

    def like(self, x: Any) -> Lanes:
        """A number as lanes of the same kind."""
        if isinstance(x, Lanes):
            return x
        constant = number(self.dtype.type(x))
        one = self.code.width == 1
        return Lanes(self.code, self.dtype, constant if one else f"splat ({scalar_type(self.dtype)} {constant})")

    def _apply(self, instruction: str, other: Any, dtype: np.dtype | None = None) -> Lanes:
        value = self.code.value(f"{instruction} {self.type} {self.name}, {self.like(other).name}")
        return Lanes(self.code, dtype or self.dtype, value)

    def _arithmetic(self, instruction: str, other: Any) -> Lanes:
        return self._apply(f"f{instruction}" if self.dtype.kind == "f" else instruction, other)

    def __add__(self, other: Any) -> Lanes:
        return self._arithmetic("add", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._arithmetic("sub", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._arithmetic("mul", other)

    def __truediv__(self, other: Any) -> Lanes:
        return self._arithmetic("div", other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> Lanes:
        return self.like(other) - self

    def __rtruediv__(self, other: float) -> Lanes:
        return self.like(other) / self

    def __neg__(self) -> Lanes:
        return Lanes(self.code, self.dtype, self.code.value(f"fneg {self.type} {self.name}"))

    def __and__(self, other: Any) -> Lanes:
        return self._apply("and", other)

    def __or__(self, other: Any) -> Lanes:
        return self._apply("or", other)

    def __xor__(self, other: Any) -> Lanes:
        return self._apply("xor", other)

    def __invert__(self) -> Lanes:
        return self ^ (True if self.dtype == BOOL else -1)

    def __lshift__(self, places: int) -> Lanes:
        return self._apply("shl", places)

    def __rshift__(self, places: int) -> Lanes:
        return self._apply("lshr", places)

    def __lt__(self, other: Any) -> Lanes:
        return self._apply("fcmp olt", other, BOOL)

    def __gt__(self, other: Any) -> Lanes:
        return self._apply("fcmp ogt", other, BOOL)

    def __ge__(self, other: Any) -> Lanes:
        return self._apply("fcmp oge", other, BOOL)

    def equals(self, other: Any) -> Lanes:
        return self._apply("fcmp oeq" if self.dtype.kind == "f" else "icmp eq", other, BOOL)

    def unordered(self, other: Any) -> Lanes:
        """Whether one of the two is NaN."""
        return self._apply("fcmp uno", other, BOOL)

    def _convert(self, instruction: str, dtype: np.dtype) -> Lanes:
        target = vector_type(dtype, self.code.width)
        return Lanes(self.code, dtype, self.code.value(f"{instruction} {self.type} {self.name} to {target}"))

    @property
    def bits(self) -> Lanes:
        """The integer with the same bits."""
        return self._convert("bitcast", np.dtype(f"i{self.dtype.itemsize}"))

    @property
    def number(self) -> Lanes:
        """The floating-point number with the same bits."""
        return self._convert("bitcast", np.dtype(f"f{self.dtype.itemsize}"))

    def to(self, dtype: np.dtype) -> Lanes:
        """The nearest number of another format."""
        return self if dtype == self.dtype else self._convert("fpext" if dtype == F8 else "fptrunc", dtype)

    def _intrinsic(self, name: str, *others: Any) -> Lanes:
        operands = [self.name, *(self.like(other).name for other in others)]
        return Lanes(self.code, self.dtype, self.code.call(f"llvm.{name}", self.type, *operands))

    def __abs__(self) -> Lanes:
        return self._intrinsic("fabs")

    def copysign(self, sign: Lanes) -> Lanes:
        return self._intrinsic("copysign", sign)

    def times_plus(self, factor: Any, term: Any) -> Lanes:
        """self · factor + term, rounded once if the machine can."""
        return self._intrinsic("fma", factor, term) if self.code.fma else self * factor + term

    def clamp(self, low: float, high: float) -> Lanes:
        """NaN stays NaN."""
        below = where(self > high, high, self)
        return where(below < low, low, below)


def where(condition: Lanes, a: Any, b: Any) -> Lanes:
    """a where the condition holds, else b; one of them may be a number."""
    lanes = a if isinstance(a, Lanes) else b
    operands = ", ".join(f"{x.type} {x.name}" for x in (condition, lanes.like(a), lanes.like(b)))
    return Lanes(lanes.code, lanes.dtype, lanes.code.value(f"select {operands}"))


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """c₀ + c₁ x + c₂ x² + ..., by Horner's rule."""
    total = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total.times_plus(x, c)
    return total


# ---------------------------------------------------------------- unevaluated sums of two numbers (Dekker)

Pair = tuple[Lanes, Lanes]


def two_sum(a: Lanes, b: Any) -> Pair:
    """a + b exactly, as a rounded sum and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Any, b: Lanes) -> Pair:
    """The same, if |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Lanes, b: Lanes) -> Pair:
    """a · b as a rounded product and its error: exactly with fma, else to 2⁻¹⁰⁵."""
    product = a * b
    if a.code.fma:
        return product, a.times_plus(b, -product)
    a1, b1 = ((x.bits & -(1 << 27)).number for x in (a, b))  # 26 bits, so that their product is exact
    a2, b2 = a - a1, b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def long_product(a: Pair, b: Pair) -> Pair:
    high, low = two_product(a[0], b[0])
    return quick_two_sum(high, a[0].times_plus(b[1], a[1].times_plus(b[0], low)))


def long_quotient(a: tuple[Lanes, Any], b: Pair) -> Pair:
    inverse = 1.0 / b[0]
    quotient = a[0] * inverse
    product, error = two_product(quotient, b[0])
    return quotient, (((a[0] - product) - error) + (a[1] - quotient * b[1])) * inverse


# ---------------------------------------------------------------- exp

LOG2_E = 1.4426950408889634
LN2 = {  # the first part is short, so that its product with an exponent is exact
    F4: (0.693359375, -0.00021219444005469057),
    F8: (0.6931471803691238, 1.9082149292705877e-10),
}
# eʳ = 1 + r + r² P(r) for |r| <= ln 2 / 2
EXP = {
    F4: (0.49999994, 0.16666517, 0.041668106, 0.008369144, 0.0013836814),
    F8: (
        0.5000000000000006, 0.16666666666666688, 0.04166666666657346, 0.008333333333314253, 0.0013888888932485726,
        0.00019841269903757793, 2.4801504275001627e-05, 2.7557227296777288e-06, 2.7626407094150524e-07,
        2.5114685384116828e-08,
    ),
}  # fmt: skip
EXP_SHORT = (  # in double, for results in float
    0.5000000046419665, 0.16666666818001014, 0.04166635421919155, 0.008333272801583044, 0.0013941061151982771,
    0.0001991431963856742,
)  # fmt: skip
EXP_RANGE = {F4: (-104.0, 89.0), F8: (-746.0, 710.0)}  # beyond: 0, infinity


def _by_powers_of_2(x: Lanes, bias: int) -> tuple[Lanes, Lanes, Lanes]:
    """x = n ln 2 + r + c with |r| <= ln 2 / 2 and c below r's last place: an integer of low bits n + bias, r, c."""
    shift = 1.5 * 2.0**x.mantissa + bias  # numbers of this size are integers
    shifted = x.times_plus(LOG2_E, shift)
    n = shifted - shift
    first, second = LN2[x.dtype]
    high = n.times_plus(-first, x)
    r = n.times_plus(-second, high)
    return shifted.bits, r, n.times_plus(-second, high - r)


def _exp(x: Lanes, coefficients: Sequence[float], rest: Lanes | None = None) -> Lanes:
    """exp(x + rest) for x within ``EXP_RANGE`` and a rest near its last place."""
    bits, r, c = _by_powers_of_2(x, 2 * x.bias)
    if rest is not None:
        r, c = quick_two_sum(r, c + rest)
    one, error = quick_two_sum(1.0, r)
    y = one + (error + (r * r).times_plus(polynomial(r, coefficients), c))
    half = bits >> 1  # 2ⁿ in two factors, since it may be too large or too small for one
    mantissa = x.mantissa
    return y * (half << mantissa).number * ((bits - half) << mantissa).number


def exp(x: Lanes) -> Lanes:
    return _exp(x.clamp(*EXP_RANGE[x.dtype]), EXP[x.dtype])


# ---------------------------------------------------------------- log

# for √½ <= 1 + f < √2: ln(1 + f) = f - f²/2 + f³ P(f) in float,
# else 2 s + s³ P(s²) = f - f²/2 + s (f²/2 + s² P(s²)) with s = f / (2 + f)
LOG = {
    F4: (
        0.33333322, -0.25000516, 0.20001757, -0.1664628, 0.14210404, -0.1268929, 0.12183731, -0.10523821, 0.050695632,
    ),
    F8: (
        0.6666666666666734, 0.3999999999941201, 0.28571428743286387, 0.22222198455951128, 0.1818357152298022,
        0.15313841476435575, 0.14798267711318158,
    ),
}  # fmt: skip
LOG_SHORT = (0.6666666564159934, 0.40000336486591814, 0.2853720692734478, 0.23584368141838577)
ROOT_HALF = {F4: 0x3F3504F3, F8: 0x3FE6A09E667F3BCD}  # √½, as bits


def _exponent(x: Lanes) -> Pair:
    """e and f of a positive finite x = 2ᵉ (1 + f) with √½ <= 1 + f < √2."""
    lift = x.mantissa + 1
    subnormal = x < np.finfo(x.dtype).smallest_normal
    root = ROOT_HALF[x.dtype]
    bits = where(subnormal, x * 2.0**lift, x).bits + ((x.bias << x.mantissa) - root)
    large = 2.0**x.mantissa  # an integer in its mantissa makes it the sum of both
    both = ((bits >> x.mantissa) | x.like(large).bits).number
    e = both - where(subnormal, large + x.bias + lift, x.like(large + x.bias))
    return e, ((bits & ((1 << x.mantissa) - 1)) + root).number - 1.0


def _log(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    e, f = _exponent(x)
    square = 0.5 * f * f
    if x.dtype == F4:
        tail = (f * f * f).times_plus(polynomial(f, coefficients), -square)
    else:
        s = f / (f + 2.0)
        z = s * s
        tail = s.times_plus(z.times_plus(polynomial(z, coefficients), square), -square)
    first, second = LN2[x.dtype]
    total, error = quick_two_sum(e * first, f)
    return total + (tail + e.times_plus(second, error))


def log(x: Lanes) -> Lanes:
    y = _log(x, LOG[x.dtype])
    special = where(x.equals(0.0), -np.inf, where(x > 0.0, x, np.nan))
    return where((x > 0.0) & (x < np.inf), y, special)


# ---------------------------------------------------------------- sin and cos

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


def _quadrant(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """k, r, c of x = k π/2 + r + c with |r| <= π/4 and c near r's last place; of k the last two bits count.

    x of float32 becomes double, and needs no c.
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
    """``near``, that is k, r and c; but in lanes beyond ``NEAR``, if there are any, what ``_payne_hanek`` says."""
    code = x.code
    is_far = (abs(x) > NEAR) & (abs(x) < np.inf)
    mask = code.value(f"bitcast {is_far.type} {is_far.name} to i{code.width}")
    some = code.value(f"icmp ne i{code.width} {mask}, 0")
    code.emit(f"br i1 {some}, label %far, label %join")
    code.lines.append("far:")
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
    code.emit("br label %join")
    code.lines.append("join:")
    code.helpers.append(_payne_hanek(f"{code.name}.far", code.width))
    k, r, c = (
        Lanes(code, a.dtype, code.value(f"phi {a.type} [ {a.name}, %entry ], [ {b.name}, %far ]"))
        for a, b in zip(near, chosen, strict=True)
    )
    return k, r, c


def _payne_hanek(name: str, width: int) -> str:
    """The text of a function of doubles beyond 2²⁰ that returns k, r and c as ``_quadrant`` does.

    With x = m 2ᵉ and an integer m of 53 bits, only those digits of 2/π matter that lead to the last two bits of
    m · 2/π before the point and to 190 after it: they are cut out of the constant. What is lost is below 2⁻¹³⁷, and
    no double comes nearer to a multiple of π/2 than 2⁻⁶².
    """
    ints, floats = f"<{width} x i64>", f"<{width} x double>"
    three = f"{{ {ints}, {floats}, {floats} }}"
    # optnone: optimizing such wide integers would take longer than compiling all the rest
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
  %m.wide = zext i64 %m to i192
  %product = mul i192 %window, %m.wide
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
  %top.short = trunc i192 %top to i128
  %angle = mul i128 %top.short, {HALF_PI_BITS}
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


# ---------------------------------------------------------------- tanh and erf

# x P(x²) / Q(x²) from 0 to where the function rounds to 1
TANH = (
    9.1,
    (0.9999999986903336, 0.13679556173045257, 0.003867877390002051, 2.7998335720840117e-05, 3.056295045179603e-08,
     -1.2186986588868622e-11),
    (1.0, 0.4701288822820196, 0.027244192223087656, 0.00039378357703140566, 1.2867273530631653e-06),
)  # fmt: skip
ERF = (
    4.0,
    (1.1283791693645808, 0.18520569706708243, 0.05431688099400362, 0.003849665110873784, 0.000379594899640679,
     4.684349372191516e-06, -1.3200200701133757e-08),
    (1.0, 0.4974676890940959, 0.11395912145501777, 0.015462150736935625, 0.0013075618413977736,
     6.310652144578132e-05),
)  # fmt: skip
# erf z = z + z P(z²) for z <= 1
ERF_NEAR = (
    0.1283791670955126, -0.3761263890318411, 0.11283791670972065, -0.026866170648281337, 0.0052239776556881065,
    -0.0008548328735454736, 0.00012055394335119011, -1.492709491742731e-05, 1.6484730249936244e-06,
    -1.6598328887978046e-07, 1.6303685816454784e-08, -1.7632499816417873e-09, 1.6385572469226387e-10,
)  # fmt: skip
# 1 - erf z = exp Q(z) for 1 <= z <= 6
LOG_ERFC = (
    -5.132369390637237e-07, -1.1283739917595506, -0.6366440548595609, -0.10270229052722137, 0.01898804355477884,
    0.000413534262319143, -0.001918942986939487, 0.0007730407580872913, -0.00013655259166066847,
    -1.9524678105411833e-05, 2.2533633933447646e-05, -8.579030424641082e-06, 2.114864549520718e-06,
    -3.6957882259043535e-07, 4.593540011152178e-08, -3.890282262907342e-09, 2.020562242821598e-10,
    -4.865970693086874e-12,
)  # fmt: skip


def _odd_rational(x: Lanes, limit: float, p: Sequence[float], q: Sequence[float]) -> Lanes:
    """x P(x²) / Q(x²), by way of double: a formula in float would need as many instructions to keep its last place."""
    x = x.clamp(-limit, limit).to(F8)
    z = x * x
    return (x * polynomial(z, p) / polynomial(z, q)).to(F4)


def tanh(x: Lanes) -> Lanes:
    """In double: m / (m + 2) for m = exp(2x) - 1."""
    if x.dtype == F4:
        return _odd_rational(x, *TANH)
    y = abs(x)
    y = where(y > 22.0, 44.0, y + y)  # beyond: 1
    bits, r, c = _by_powers_of_2(y, x.bias)
    power = (bits << x.mantissa).number
    high, error = quick_two_sum(power - 1.0, power * r)
    m, m_low = quick_two_sum(high, power.times_plus((r * r).times_plus(polynomial(r, EXP[F8]), c), error))
    d, d_low = two_sum(m, 2.0)
    quotient, rest = long_quotient((m, m_low), (d, d_low + m_low))
    return (quotient + rest).copysign(x)


def erf(x: Lanes) -> Lanes:
    if x.dtype == F4:
        return _odd_rational(x, *ERF)
    z = abs(x)
    z = where(z > 6.0, 6.0, z)  # beyond: 1
    near = z.times_plus(polynomial(z * z, ERF_NEAR), z)
    far = 1.0 - _exp(polynomial(z, LOG_ERFC), EXP[F8])
    return where(z < 1.0, near, far).copysign(x)


# ---------------------------------------------------------------- pow

# ln(1 + f) = 2 s + s³ (2/3 + s² P(s²)) for s = f / (2 + f)
LOG_LONG = (
    0.39999999999999997, 0.2857142857143256, 0.22222222220354731, 0.18181818551178364, 0.15384577009534556,
    0.1333559836232964, 0.11688414737958205, 0.11883156101326126,
)  # fmt: skip
TWO_THIRDS = (2.0 / 3.0, 3.700743415417188e-17)


def _long_log(x: Lanes) -> Pair:
    """ln x to 66 bits, as a sum of two numbers."""
    e, f = _exponent(x)
    s = long_quotient((f, 0.0), two_sum(f, 2.0))
    z = long_product(s, s)
    high, low = quick_two_sum(TWO_THIRDS[0], z[0] * polynomial(z[0], LOG_LONG))
    cubic = long_product(long_product(z, s), (high, low + TWO_THIRDS[1]))
    first, second = LN2[F8]
    total, error = quick_two_sum(e * first, 2.0 * s[0])
    total, more = two_sum(total, cubic[0])
    return quick_two_sum(total, (error + more) + (e.times_plus(second, 2.0 * s[1]) + cubic[1]))


def _power(x: Lanes, y: Lanes) -> Lanes:
    """xʸ for positive finite x and finite y."""
    if x.dtype == F4:
        wide = y.to(F8) * _log(x.to(F8), LOG_SHORT)
        return _exp(wide.clamp(*EXP_RANGE[F4]), EXP_SHORT).to(F4)
    y = y.clamp(-(2.0**65), 2.0**65)  # larger ones give 0, 1 or infinity all the same
    log_x = _long_log(x)
    high, low = two_product(y, log_x[0])
    clamped = high.clamp(*EXP_RANGE[F8])
    return _exp(clamped, EXP[F8], where(clamped.equals(high), y.times_plus(log_x[1], low), 0.0))


def _is_integer(x: Lanes) -> Lanes:
    large = 2.0**x.mantissa
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
