"""Drawings of computation graphs. The tape becomes records, records become text, DOT, and pictures."""

from .api import graph
from .records import EdgeView, NodeView, ScopeView
from .training_record import TrainingRecord, record
from .view import GraphView

__all__ = ["EdgeView", "GraphView", "NodeView", "TrainingRecord", "ScopeView", "graph", "record"]
