"""Rows of the comparison with PyTorch whose arguments Hypothesis draws."""
