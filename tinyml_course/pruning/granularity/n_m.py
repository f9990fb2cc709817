"""N:M pruning: of every M neighbours N stay, as sparse tensor cores read them."""

import numpy as np

from tinyml_course.pruning.counts import Floats, Mask, check_weight, divisors, importance_of
from tinyml_course.pruning.errors import SparsityError


def nm_mask(w: Floats, n: int, m: int, axis: int = 1, importance: Floats | None = None) -> Mask:
    """Keep the ``n`` most important of every ``m`` neighbours (Mishra et al. 2021: 2:4).

    Args:
        w: ``(C_out, C_in)`` or ``(C_out, C_in, K_h, K_w)``.
        n: kept of each group, 1 to ``m``; the sparsity is ``1 - n / m``.
        m: neighbours in a group.
        axis: along which they are neighbours; by default the input channels, over which a
            multiplication sums up.
        importance: of each weight, shape of ``w``; by default its magnitude.

    Returns:
        Bool of ``w``'s shape, true where a weight is kept; of equally important neighbours the
        first goes first.

    Raises:
        SparsityError: ``n`` outside of 1..``m``, or an axis that ``m`` does not divide.
        WeightError: no weights, NaN or infinity.

    >>> nm_mask(np.array([[1.0, 4.0, 3.0, 2.0]]), 2, 4)
    array([[False,  True,  True, False]])
    """
    check_weight(w)
    if not 0 <= axis < w.ndim:
        raise SparsityError(f"weights of shape {w.shape} have no axis {axis}")
    if m < 1 or not 1 <= n <= m:
        nearest = f"{min(max(n, 1), max(m, 1))}:{max(m, 1)}"
        raise SparsityError(f"{n}:{m} keeps {n} of {m}; the nearest that can be is {nearest}")
    if w.shape[axis] % m:
        length = w.shape[axis]
        near = sorted(divisors(length), key=lambda d: (abs(d - m), d))[:2]
        raise SparsityError(
            f"axis {axis} of {w.shape} has {length} weights, which do not divide into groups of "
            f"{m}; groups of {' or '.join(map(str, near))} do"
        )
    scores = np.moveaxis(importance_of(w, importance, power=1), axis, -1)
    groups = scores.reshape(*scores.shape[:-1], -1, m)
    order = np.argsort(groups, axis=-1, kind="stable")
    mask = np.ones(groups.shape, np.bool_)
    np.put_along_axis(mask, order[..., : m - n], False, axis=-1)
    return np.ascontiguousarray(np.moveaxis(mask.reshape(scores.shape), -1, axis))
