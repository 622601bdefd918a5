"""The commands of `parcours`, one module each."""
