"""One small shop in each framework, with the same routes; each runs in a process of its own."""
