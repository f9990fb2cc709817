"""STRIDED_SLICE: negative indices, open ends and masks resolved into plain indices."""

from tinyml_course.graph.operators import Operator, StridedSlice
from tinyml_course.graph.tflite_importer.site import Site


def strided_slice(site: Site) -> Operator:
    """The operator, with where it begins and how many elements it takes along each axis.

    Raises:
        UnsupportedOperatorError: an ellipsis, a new axis or relative ends; TF-Lite Micro runs none.
        GraphError: begin, end and strides do not fit the input, or nothing is taken.
    """
    for option in ("EllipsisMask", "NewAxisMask", "Offset"):
        if site.option(option):
            raise site.unsupported(f"{option} has no kernel here; write begin and end in full")
    shape = site.tensor(0).shape
    begin, end, strides = (site.integers(position) for position in (1, 2, 3))
    if not len(begin) == len(end) == len(strides) == len(shape) or 0 in strides:
        raise site.fail(f"begin {begin}, end {end}, strides {strides} for an input {shape}")
    open_begin, open_end = int(site.option("BeginMask")), int(site.option("EndMask"))
    shrink_mask = int(site.option("ShrinkAxisMask"))
    firsts, sizes, shrink = [], [], []
    for axis, length in enumerate(shape):
        bit, step = 1 << axis, strides[axis]
        first = None if open_begin & bit else begin[axis]
        if shrink_mask & bit:
            shrink.append(axis)
            if first is None or not -length <= first < length:
                raise site.fail(f"index {first} along axis {axis}, which has {length}")
            taken = range(first % length, first % length + 1)
        else:
            # Python resolves indices as TF-Lite does.
            last = None if open_end & bit else end[axis]
            taken = range(*slice(first, last, step).indices(length))
        firsts.append(taken.start)
        sizes.append(len(taken))
    return StridedSlice(
        name=site.name,
        inputs=(site.source(),),
        outputs=(site.name,),
        begin=tuple(firsts),
        size=tuple(sizes),
        strides=tuple(1 if axis in shrink else strides[axis] for axis in range(len(shape))),
        shrink_axes=tuple(shrink),
    )
