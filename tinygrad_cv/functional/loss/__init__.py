"""Losses, composed. ``reduction`` is "mean", "sum" or "none"."""
