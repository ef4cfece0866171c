"""What all other rooms use: errors, paths, locks, progress, and running other programs."""
