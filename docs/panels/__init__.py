"""Live panels: compiled functions of the library, and the pages' scripts that run them in a browser."""
