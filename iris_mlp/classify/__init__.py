"""Many flowers at once: a table read as people write it, and its answers."""
