"""What everybody uses: errors, paths, locks, progress, and running other programs."""
