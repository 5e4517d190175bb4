"""The machine: its properties (target), code compiled for it (objects) and cached (disk_cache), its cores (threads)."""
