"""What the stages make as text, to be read by people. It only reads: no stage imports it but the list of stages.

    difference(old, new)   what a rewrite removed from a graph (-) and added (+)
    formulas(nests)        loop nests as formulas
    memory(...)            the layout of each value in memory
    fused(plan)            steps and kernels, each kernel as formulas
    loops(plan)            each kernel as its loops run

A value keeps the number that it has in the graph. ``%3.stored`` is %3 in another order than row-major, ``%3.packed``
is %3 in the order in which one contraction reads it. Loop variables are letters in order of appearance: from i for
those of the result, from r for those that are reduced. t1, t2, ... are expressions that are used twice, or long.
"""

from .stages import counts, difference, formulas, fused, loops, memory

__all__ = ["counts", "difference", "formulas", "fused", "loops", "memory"]
