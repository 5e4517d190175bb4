"""From a function of tensors to an ONNX model: what a call computes is recorded, and each piece finds its operator.

    program     one call: the graph of primitives, and the composed functions that made its values
    dynamic     the same call at two sizes: which numbers of the program are sizes of its inputs
    block       the nodes that stand for one composed function or primitive
    registry    which function or primitive is written by whom
    windows, activations, normalizations, arrangement, losses     the composed functions
    primitives  everything else
    model       the blocks in order: names, initializers, inputs, outputs

A composed function that has an operator is written as that operator, and one that has none as what it is composed of.
"""
