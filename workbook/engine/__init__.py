"""The container engine: find it, start it, pull and build images."""
