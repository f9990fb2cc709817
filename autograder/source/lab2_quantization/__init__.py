"""Lab 2, quantization: source, hidden inputs, right answers written otherwise."""
