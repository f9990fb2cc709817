"""Int8 kernels in C, and the orders in which they want their constants."""
