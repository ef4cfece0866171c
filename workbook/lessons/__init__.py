"""What the cells of the notebooks import."""
