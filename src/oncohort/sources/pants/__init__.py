"""PanTS: one file per structure."""
