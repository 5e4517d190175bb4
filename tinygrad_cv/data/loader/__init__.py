"""Batches, made in the loop, by threads or by processes. ``api.py`` has the loader."""

from .api import DataLoader
from .worker_info import WorkerInfo, get_worker_info

__all__ = ["DataLoader", "WorkerInfo", "get_worker_info"]
