"""From notebooks to what is given to readers: recorded outputs, pages, the handout, the bundle."""
