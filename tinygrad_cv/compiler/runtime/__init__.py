"""The machine underneath: what it is (target), code made and kept for it (objects), all its cores at work (threads)."""
