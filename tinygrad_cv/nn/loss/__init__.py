"""Losses as modules, configured once. ``reduction`` is "mean", "sum" or "none"."""
