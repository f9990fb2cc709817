"""TinyML Course: how a neural network is made to fit a microcontroller.

Importing this package is cheap: torch and matplotlib are imported by the modules that use them.
"""

__version__ = "0.1.0"
