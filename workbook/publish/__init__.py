"""Publish the notebooks: recorded outputs, pages, the handout, the bundle."""
