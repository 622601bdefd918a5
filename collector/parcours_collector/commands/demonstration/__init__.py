"""What `parcours demo` tells: one person's journey over five channels, and a population that behaves as people do."""
