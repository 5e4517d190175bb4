"""Drawings of computation graphs. The tape becomes records, records become text, DOT, and pictures."""

from .api import graph
from .recording import Recording, record
from .records import EdgeView, NodeView, ScopeView
from .view import GraphView

__all__ = ["EdgeView", "GraphView", "NodeView", "Recording", "ScopeView", "graph", "record"]
