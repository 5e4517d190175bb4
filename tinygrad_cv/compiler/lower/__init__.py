"""How the machine spells what is elementwise: one row a primitive."""
