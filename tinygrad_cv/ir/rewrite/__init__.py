"""Graph to graph: the same function, with fewer passes over memory. Each pass is one function in a file of its own."""
