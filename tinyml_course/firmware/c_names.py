"""Names of operators as identifiers of C."""

import re
from collections.abc import Iterable

_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z_]+")


def c_names(names: Iterable[str]) -> dict[str, str]:
    """For each name an identifier of its own: ``block0.depthwise`` becomes ``block0_depthwise``.

    All begin with ``network_``, so that none is a word of the language or of its library.
    """
    taken: set[str] = set()
    found = {}
    for name in names:
        stem = f"network_{_NOT_IN_A_NAME.sub('_', name)}"
        identifier, count = stem, 1
        while identifier in taken:
            count += 1
            identifier = f"{stem}_{count}"
        taken.add(identifier)
        found[name] = identifier
    return found
