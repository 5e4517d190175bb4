"""Avals, primitives as records, context, tape and backward pass. Knows no operation."""
