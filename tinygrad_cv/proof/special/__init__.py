"""Every exponent, sign, infinity, NaN and subnormal through the unary primitives, against exact results."""
