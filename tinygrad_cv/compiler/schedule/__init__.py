"""Graph to plan: what is stored, the loops that compute it, where it lies, how the loops run, in which order."""
