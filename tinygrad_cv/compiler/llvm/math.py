"""exp, log, sin, cos, tanh, erf and pow of vectors, as LLVM IR that needs no math library.

Each function reduces its argument to a short interval, evaluates a polynomial there, and combines both into the
result; special values are selected at the end. There is no branch, except for angles beyond 2²⁰. Lanes are independent:
the bits of a result depend neither on the other lanes nor on their number. Special values are those of C99 (annex F)
and of NumPy; subnormal numbers are not flushed.

Errors are at most, in units in the last place, with a fused multiply-add or without:

             exp   log   sin   cos   tanh  erf   pow
    float32  0.8   0.9   0.6   0.6   0.6   0.6   0.6
    float64  0.8   0.9   1.0   1.0   1.0   1.2   0.8

Cody & Waite, Software Manual for the Elementary Functions, 1980: exact reduction, by constants in several parts.
Payne & Hanek, Radian reduction for trigonometric functions, SIGNUM Newsletter 18(1), 1983: huge angles.
Dekker, A floating-point technique for extending the available precision, Numer. Math. 18, 1971: pairs of numbers.
fdlibm (Sun Microsystems, 1993): the forms of log in double, and of sin and cos of a pair.

Polynomials minimize the maximal error of the result (Remez' exchange in 60 digits), and are then rounded; for float32
the three lowest coefficients were rounded one by one, and the others fitted again each time. Rational functions were
fitted by reweighted least squares, to minimize the same error.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence

import numpy as np

from .angles import cos, sin
from .draws import DRAWS
from .lanes import (
    F4,
    F8,
    Code,
    Lanes,
    Pair,
    long_product,
    long_quotient,
    polynomial,
    quick_two_sum,
    two_product,
    two_sum,
    where,
)

INLINED = 48  # lines: a function that is no longer is written into those that call it


def symbol(name: str, dtype: np.dtype, width: int) -> str:
    """The name of a function of vectors.

    >>> symbol("exp", np.dtype("float32"), 8)
    'tg_exp_f32x8'
    """
    return f"tg_{name}_{dtype.kind}{8 * dtype.itemsize}x{width}"


def definition(name: str, dtype: np.dtype, width: int, fma: bool = True, bitselect: bool = False) -> str:
    """The text of an internal function of ``width`` lanes (of a scalar, if 1), and of those it calls.

    name: one of ``FUNCTIONS`` or ``DRAWS``; dtype: of its arguments, float32 or float64, uint64 for draws; fma,
    bitselect: of the target.

    >>> print(definition("exp", np.dtype("float32"), 8).splitlines()[0])
    define internal <8 x float> @tg_exp_f32x8(<8 x float> %x) nounwind willreturn memory(none) alwaysinline {
    """
    function = FUNCTIONS.get(name) or DRAWS[name]
    code = Code(symbol(name, dtype, width), width, fma, bitselect)
    arguments = [Lanes(code, dtype, f"%{argument}") for argument in inspect.signature(function).parameters]
    result = function(*arguments)
    code.ret(f"{result.type} {result.name}")
    parameters = ", ".join(f"{argument.type} {argument.name}" for argument in arguments)
    body = code.body
    inline = " alwaysinline" if body.count("\n") <= INLINED else ""
    return "\n".join(
        [
            *code.helpers,
            f"define internal {result.type} @{code.name}({parameters}) nounwind willreturn memory(none){inline} {{",
            body,
            "}",
        ]
    )


def declarations(text: str) -> set[str]:
    """The declarations of the intrinsics that a text of LLVM IR calls."""
    found = set()
    for result, name, operands in re.findall(r"call (<[^>]+>|\w+) (@llvm\.[\w.]+)\((.*)\)", text):
        types = re.findall(r"(?:^|, )(<[^>]+>|\w+) ", operands)
        found.add(f"declare {result} {name}({', '.join(types)})")
    return found


# ---------------------------------------------------------------- exp

LOG2_E = 1.4426950408889634
LN2 = {  # in two parts; the first is short, so that its product with an exponent is exact
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
EXP_RANGE = {F4: (-104.0, 89.0), F8: (-746.0, 710.0)}  # beyond it: 0, infinity


def _by_powers_of_2(x: Lanes, bias: int) -> tuple[Lanes, Lanes, Lanes]:
    """n, r, c of x = n ln 2 + r + c with |r| <= ln 2 / 2 and c below an ulp of r; n + bias is in the low bits."""
    shift = 1.5 * 2.0**x.mantissa + bias  # numbers of this size are integers
    shifted = x.times_plus(LOG2_E, shift)
    n = shifted - shift
    first, second = LN2[x.dtype]
    high = n.times_plus(-first, x)
    r = n.times_plus(-second, high)
    return shifted.bits, r, n.times_plus(-second, high - r)


def _exp(x: Lanes, coefficients: Sequence[float], rest: Lanes | None = None) -> Lanes:
    """exp(x + rest) for x in ``EXP_RANGE`` and a rest of about an ulp of x."""
    bits, r, c = _by_powers_of_2(x, 2 * x.bias)
    if rest is not None:
        r, c = quick_two_sum(r, c + rest)
    one, error = quick_two_sum(1.0, r)
    y = one + (error + (r * r).times_plus(polynomial(r, coefficients), c))
    half = bits >> 1  # 2ⁿ may overflow or underflow: so it is two factors
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
    large = 2.0**x.mantissa  # with an integer in its mantissa it is the sum of both
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
    """x P(x²) / Q(x²), in double: a formula in float would take as many instructions for the same error."""
    x = x.clamp(-limit, limit).to(F8)
    z = x * x
    return (x * polynomial(z, p) / polynomial(z, q)).to(F4)


def tanh(x: Lanes) -> Lanes:
    """m / (m + 2) with m = exp(2x) - 1, in double; a rational function in float."""
    if x.dtype == F4:
        return _odd_rational(x, *TANH)
    y = abs(x)
    y = where(y > 22.0, 44.0, y + y)  # beyond it: 1
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
    z = where(z > 6.0, 6.0, z)  # beyond it: 1
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
    y = y.clamp(-(2.0**65), 2.0**65)  # larger ones give 0, 1 or infinity too
    log_x = _long_log(x)
    high, low = two_product(y, log_x[0])
    clamped = high.clamp(*EXP_RANGE[F8])
    return _exp(clamped, EXP[F8], where(clamped.equals(high), y.times_plus(log_x[1], low), 0.0))


def _is_integer(x: Lanes) -> Lanes:
    large = 2.0**x.mantissa
    return (x >= large) | ((x + large) - large).equals(x)


def pow(x: Lanes, y: Lanes) -> Lanes:
    """xʸ, with the special values of C99, F.10.4.4."""
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
