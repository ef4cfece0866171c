"""Prepare one cluster for a whole class."""
