"""Lab 0, memory_gap."""
