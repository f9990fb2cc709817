"""How alike the answers of a lab's submissions are: a hint where to look, never a verdict."""
