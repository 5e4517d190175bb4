"""The proof of every derivative: symbolic, by exact adjoints, by full Jacobians, and by mutants that must be found."""
