"""Avals, primitives as records, the interpreter in context, the tape. Knows no operation."""
