"""Fine-grained pruning: any weight may go."""

from tinyml_course.pruning.counts import Floats, Mask, importance_of, keep_most, pruned_count


def fine_grained_mask(w: Floats, sparsity: float, importance: Floats | None = None) -> Mask:
    """Keep the most important weights, wherever they are (Han et al. 2015, section 3).

    Args:
        w: weights of any shape.
        sparsity: share to prune, in 0..1; exactly ``round(sparsity * w.size)`` weights go, of
            equally important ones the first in row-major order.
        importance: of each weight, shape of ``w``; by default its magnitude.

    Returns:
        Bool of ``w``'s shape, true where a weight is kept.

    Raises:
        SparsityError: a sparsity outside of 0..1.
        WeightError: no weights, or NaN or infinity among them.

    >>> fine_grained_mask(np.array([3.0, -1.0, 1.0, 2.0]), 0.5)
    array([ True, False, False,  True])
    """
    scores = importance_of(w, importance, power=1)
    return keep_most(scores, pruned_count(w.size, sparsity))
