"""y = a b + c, with b for each column and c a number: one loop, nothing stored but y."""

import tinygrad_cv as tg


@tg.jit
def multiply_add(a, b, c):
    return a * b + c


multiply_add(tg.zeros(50, 40), tg.zeros(40), tg.zeros())
