"""What runs inside the sandbox: the standard library alone, each file readable by itself.

In the sandbox these files are all there is of this package. The judge outside imports `wire` and
`slicing` from here too, so that both ends speak one language.
"""
