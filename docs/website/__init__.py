"""How the pages become a site: what Sphinx and MyST are told, and what they are taught."""
