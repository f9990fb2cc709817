"""Lab 1, pruning."""
