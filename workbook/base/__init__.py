"""Basic functions for all other packages: errors, paths, locks, progress, and running other programs."""
