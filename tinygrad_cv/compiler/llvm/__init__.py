"""LLVM text: functions, integers, vector mathematics, and the lowering of each elementwise primitive."""
