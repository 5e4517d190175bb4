"""The graph of primitives that a trace records: its values, its reading in NumPy, rewrites that keep its meaning."""
