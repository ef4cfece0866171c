"""A class on one cluster."""
