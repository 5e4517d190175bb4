"""The interactive page of a graph: one HTML file that needs no network."""
