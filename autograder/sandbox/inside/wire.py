"""Values as JSON, with explicit types: what may pass between the judge and the sandbox.

A list is a JSON list; scalars are themselves. Every other type is an object of one key that names
it: ``{"tuple": [...]}``, ``{"dict": [[key, value], ...]}``, ``{"float": "nan"}`` and
``{"array": [dtype, shape, base64]}``. Nothing is ever unpickled, and no class is looked up.
"""

import base64
import json
import math
import struct
import sys
from typing import Any

MAX_DEPTH = 12
MAX_ELEMENTS = 1_000_000
MAX_TEXT = 100_000
MAX_INTEGER_BITS = 4096
BLOCKED = "blocked while its question is judged: "
"""What a blocked function of the library says, before its name."""
HEADER = struct.Struct("!I")
DTYPES = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
)


class WireError(ValueError):
    """A value that has no form on the wire, or JSON that stands for no value."""


def frame(message: dict[str, Any]) -> bytes:
    """A message with its length before it."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def encode(value: object) -> Any:
    """A value as JSON; exact types only, since a subclass may redefine what it holds.

    Raises:
        WireError: another class, too deep or too many elements. The message is for the learner.
    """
    return _Encoder().encode(value, 0)


class _Encoder:
    """One value; counts elements, so that a deep or cyclic one ends."""

    def __init__(self) -> None:
        self.elements = 0

    def encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            if len(value) > MAX_TEXT:
                raise WireError("the answer is too large")
            return value
        if kind is int:
            if value.bit_length() > MAX_INTEGER_BITS:
                raise WireError(f"the answer has more than {MAX_INTEGER_BITS} bits")
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if depth >= MAX_DEPTH:
            raise WireError(f"the answer is nested deeper than {MAX_DEPTH} levels")
        if kind is list or kind is tuple:
            self._count(len(value))
            items = [self.encode(item, depth + 1) for item in value]
            return items if kind is list else {"tuple": items}
        if kind is dict:
            self._count(len(value))
            pairs = value.items()
            return {
                "dict": [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in pairs]
            }
        return self._numpy(value, kind)

    def _numpy(self, value: Any, kind: type) -> Any:
        numpy = sys.modules.get("numpy")  # who holds an array has imported it
        if numpy is not None and (kind is numpy.ndarray or kind in numpy.sctypeDict.values()):
            if str(value.dtype) in DTYPES and value.ndim <= MAX_DEPTH:
                self._count(value.size)
                raw = base64.b64encode(numpy.ascontiguousarray(value).tobytes()).decode()
                return {"array": [str(value.dtype), list(value.shape), raw]}
            raise WireError(f"an array of type {str(value.dtype)[:40]} with {value.ndim} axes")
        name = str(type.__getattribute__(kind, "__name__"))[:80]
        raise WireError(
            f"the answer holds an object of class {name}; numbers, text, lists, tuples, dicts and "
            "NumPy arrays are understood"
        )

    def _count(self, elements: int) -> None:
        self.elements += elements
        if self.elements > MAX_ELEMENTS:
            raise WireError(f"the answer has more than {MAX_ELEMENTS:,} elements")


def decode(data: Any) -> Any:
    """The value that JSON stands for. What it came from may be hostile.

    Raises:
        WireError: it stands for none.
    """
    if data is None or type(data) in (bool, int, float, str):
        return data
    if type(data) is list:
        return [decode(item) for item in data]
    if type(data) is not dict or len(data) != 1:
        raise WireError("an object must have one key, the type's name")
    ((kind, content),) = data.items()
    if kind == "float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if kind == "tuple" and type(content) is list:
        return tuple(decode(item) for item in content)
    if kind == "dict" and type(content) is list:
        return dict(_pair(item) for item in content)
    if kind == "array" and type(content) is list and len(content) == 3:
        return _array(*content)
    raise WireError(f"no type on the wire: {str(kind)[:40]!r}")


def _pair(item: Any) -> tuple[Any, Any]:
    if type(item) is not list or len(item) != 2:
        raise WireError("an item of a dict must be a pair")
    key = decode(item[0])
    if type(key) not in (str, int, bool, float, tuple):
        raise WireError("a dict's key must be text or a number")
    try:
        hash(key)
    except TypeError as error:
        raise WireError("a dict's key must be hashable") from error
    return key, decode(item[1])


def _array(dtype: Any, shape: Any, raw: Any) -> Any:
    import numpy

    whole = type(shape) is list and all(type(n) is int and 0 <= n <= MAX_ELEMENTS for n in shape)
    known = type(dtype) is str and dtype in DTYPES
    if not known or not whole or len(shape) > MAX_DEPTH or type(raw) is not str:
        raise WireError("an array must have a known type, a shape and bytes")
    try:
        content = base64.b64decode(raw, validate=True)
    except ValueError as error:
        raise WireError("an array's bytes must be base64") from error
    if len(content) != math.prod(shape) * numpy.dtype(dtype).itemsize:
        raise WireError(f"{len(content)} bytes are no {dtype} array of shape {shape}")
    array = numpy.frombuffer(content, dtype).reshape(shape).copy()
    return array if shape else array[()]
