"""Timings and memory of tinygrad_cv against other systems, each checked for agreement before it is measured."""
