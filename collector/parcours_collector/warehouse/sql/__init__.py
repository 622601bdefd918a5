"""The SQL of the warehouse, read from the files beside this module."""
