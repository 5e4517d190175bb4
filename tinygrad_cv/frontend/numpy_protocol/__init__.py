"""NumPy's functions of tensors: ``np.f(tensor)`` in the graph, from values alone, or refused by name."""
