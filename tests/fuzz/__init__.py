"""Hostile input through the whole request path of a real collector: `make fuzz` runs the long form."""
