"""From notebooks to what readers get: recorded outputs, pages, the handout, the bundle."""
