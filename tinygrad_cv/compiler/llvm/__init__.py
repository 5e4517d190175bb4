"""LLVM text: functions, integers, vectors and their mathematics, and how each elementwise primitive is spelled."""
