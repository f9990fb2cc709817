"""Questions 9 to 11: channels: how important, coupled, taken out."""

# ruff: noqa: ARG005 - a planted mistake leaves out what it should use

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.coupling.plain import MAKERS, coupled_channels, take_channels
from tinyml_course.pruning.importance.magnitude import channel_importance

Array = NDArray[Any]
Layer = dict[str, Any]
Places = Mapping[str, Sequence[tuple[str, int]]]


def _rows(w: Array, axis: int) -> Array:
    return np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)


def _other_axis(w: Array, order: int = 2, axis: int = 0) -> Array:
    norms: Array = np.linalg.norm(_rows(w, 1 - axis), order, axis=1)
    return norms


def _reshaped(w: Array, order: int = 2, axis: int = 0) -> Array:
    norms: Array = np.linalg.norm(w.reshape(w.shape[axis], -1), order, axis=1)
    return norms


_KERNELS = np.array([[[[3.0, -4.0]], [[0.0, 1.0]]], [[[2.0, 2.0]], [[-2.0, 1.0]]]])

IMPORTANCE = Question(
    name="q9",
    title="importance of channels",
    points=4,
    reference=channel_importance,
    tolerance=1e-6,
    cases=(
        case(np.array([[3.0, -4.0], [1.0, 1.0], [0.0, -6.0]])),
        case(np.array([[3.0, -4.0], [1.0, 1.0], [0.0, -6.0]]), 1),
        case(np.array([[3.0, -4.0], [1.0, 1.0], [0.0, -6.0]]), 2, 1),
        case(_KERNELS, 1),
        case(_KERNELS, 2, 1),
    ),
    mistakes=(
        Mistake(
            "`axis` is not used: 1 asks for the input channels.",
            lambda w, order=2, axis=0: np.linalg.norm(_rows(w, 0), order, axis=1),
        ),
        Mistake("Rows and columns are swapped: axis 0 are the output channels.", _other_axis),
        Mistake(
            "`reshape` cuts the array in memory's order; it does not bring axis 1 to the front. "
            "Move the axis first, as `np.moveaxis` does.",
            _reshaped,
        ),
        Mistake(
            "This is always the L2 norm. `order=1` asks for the sum of magnitudes.",
            lambda w, order=2, axis=0: np.linalg.norm(_rows(w, axis), 2, axis=1),
        ),
        Mistake(
            "The root is missing. The L2 norm is the root of the sum of squares.",
            lambda w, order=2, axis=0: (np.abs(_rows(w, axis)) ** order).sum(1),
        ),
        Mistake(
            "Weights of different sign cancel. Take magnitudes before you add them.",
            lambda w, order=2, axis=0: (
                _rows(w, axis).sum(1) if order == 1 else np.linalg.norm(_rows(w, axis), axis=1)
            ),
        ),
        Mistake(
            "This is the mean. A norm is a sum.",
            lambda w, order=2, axis=0: (np.abs(_rows(w, axis)) ** order).mean(1) ** (1 / order),
        ),
        Mistake(
            "This is the largest weight of each channel. All of them count.",
            lambda w, order=2, axis=0: np.abs(_rows(w, axis)).max(1),
        ),
    ),
)


def _coupled(
    layers: Sequence[Layer], makers: Sequence[str] = MAKERS, joins: str = "all", late: bool = False
) -> dict[str, str]:
    """Groups as the reference finds them, with a mistake.

    joins: "all", "first" (only the first input of an addition), "direct" (no further than the
    layers that are read), "none" (an addition has channels of its own).
    """
    first: dict[str, str] = {}
    for layer in layers:
        name, reads = layer["name"], layer["reads"]
        first[name] = name
        if layer["kind"] in makers or not reads or (joins == "none" and layer["kind"] == "add"):
            continue
        sources = reads[:1] if joins == "first" else reads
        joined = {first[read] for read in sources} | {name}
        order = list(first)
        chosen = min(joined, key=order.index)
        if late:
            chosen = first[sources[-1]]
        for other in [*sources, name] if joins == "direct" else order:
            if first[other] in joined:
                first[other] = chosen
    return first


def layer(name: str, kind: str, *reads: str) -> Layer:
    """A layer of a case."""
    return {"name": name, "kind": kind, "reads": list(reads)}


_RESIDUAL = [
    layer("stem", "conv"),
    layer("a", "conv", "stem"),
    layer("b", "conv", "a"),
    layer("sum", "add", "stem", "b"),
    layer("out", "linear", "sum"),
]
_TWO_BLOCKS = [
    *_RESIDUAL[:4],
    layer("c", "conv", "sum"),
    layer("sum2", "add", "sum", "c"),
    layer("relu", "relu", "sum2"),
]
_BRANCHES = [
    layer("x", "input"),
    layer("p", "conv", "x"),
    layer("p_relu", "relu", "p"),
    layer("q", "conv", "x"),
    layer("q_relu", "relu", "q"),
    layer("sum", "add", "q_relu", "p_relu"),
]
_MOBILE = [
    layer("x", "input"),
    layer("expand", "conv", "x"),
    layer("depthwise", "depthwise", "expand"),
    layer("project", "conv", "depthwise"),
]

COUPLED = Question(
    name="q10",
    title="channels that go together",
    points=8,
    reference=coupled_channels,
    cases=(
        case(_MOBILE),
        case(_RESIDUAL),
        case(_TWO_BLOCKS),
        case(_BRANCHES),
    ),
    mistakes=(
        Mistake(
            "A depthwise convolution makes channels of its own here. It filters each channel by "
            "itself, so it has those it reads.",
            lambda layers: _coupled(layers, (*MAKERS, "depthwise")),
        ),
        Mistake(
            "Both inputs of an addition must have the same channels; you follow only the first.",
            lambda layers: _coupled(layers, joins="first"),
        ),
        Mistake(
            "An addition joins two groups, not two layers: everything that had the channels of "
            "one of them changes its group.",
            lambda layers: _coupled(layers, joins="direct"),
        ),
        Mistake(
            "An addition has channels of its own here. It adds channel 3 to channel 3: all it "
            "reads and itself have the same.",
            lambda layers: _coupled(layers, joins="none"),
        ),
        Mistake(
            "A group is named after its first layer in execution order, not after the last one "
            "that joined.",
            lambda layers: _coupled(layers, late=True),
        ),
        Mistake(
            "A convolution follows its input here. Its output channels are its own: it makes them "
            "anew.",
            lambda layers: _coupled(layers, ("input", "linear")),
        ),
        Mistake(
            "A ReLU has channels of its own here. It works on each value by itself.",
            lambda layers: _coupled(layers, (*MAKERS, "relu")),
        ),
        Mistake(
            "A linear layer follows its input here. It makes channels of its own, like a "
            "convolution.",
            lambda layers: _coupled(layers, ("input", "conv")),
        ),
    ),
)


def _take(array: Array, indices: Sequence[int], axis: int) -> Array:
    return np.take(array, np.asarray(indices, np.int64), axis)


def _from_the_original(
    parameters: Mapping[str, Array], places: Places, channels: Mapping[str, Sequence[int]]
) -> dict[str, Array]:
    result = dict(parameters)
    for group, indices in channels.items():
        for name, axis in places[group]:
            result[name] = _take(parameters[name], indices, axis)
    return result


def _each_place(
    parameters: Mapping[str, Array],
    places: Places,
    channels: Mapping[str, Sequence[int]],
    *,
    ordered: bool = True,
    first: bool = False,
    axes: Sequence[int] = (0, 1),
) -> dict[str, Array]:
    result = dict(parameters)
    for group, indices in channels.items():
        for name, axis in places[group][:1] if first else places[group]:
            if axis in axes:
                chosen = list(indices) if ordered else sorted(indices)
                result[name] = _take(result[name], chosen, axis)
    return result


def _deleted(
    parameters: Mapping[str, Array], places: Places, channels: Mapping[str, Sequence[int]]
) -> dict[str, Array]:
    result = dict(parameters)
    for group, indices in channels.items():
        for name, axis in places[group]:
            result[name] = np.delete(result[name], indices, axis)
    return result


def _zeroed(
    parameters: Mapping[str, Array], places: Places, channels: Mapping[str, Sequence[int]]
) -> dict[str, Array]:
    result = {name: array.copy() for name, array in parameters.items()}
    for group, indices in channels.items():
        for name, axis in places[group]:
            gone = sorted(set(range(result[name].shape[axis])) - set(indices))
            np.moveaxis(result[name], axis, 0)[gone] = 0
    return result


def _always_rows(
    parameters: Mapping[str, Array], places: Places, channels: Mapping[str, Sequence[int]]
) -> dict[str, Array]:
    result = dict(parameters)
    for group, indices in channels.items():
        for name, _ in places[group]:
            inside = [i for i in indices if i < len(result[name])]
            result[name] = _take(result[name], inside, 0)
    return result


def _changed_only(
    parameters: Mapping[str, Array], places: Places, channels: Mapping[str, Sequence[int]]
) -> dict[str, Array]:
    right = _each_place(parameters, places, channels)
    touched = {name for group in channels for name, _ in places[group]}
    return {name: array for name, array in right.items() if name in touched}


_PARAMETERS = {
    "first.weight": np.arange(6.0).reshape(3, 2),
    "first.bias": np.array([10.0, 20.0, 30.0]),
    "second.weight": np.arange(6.0).reshape(2, 3) - 3,
    "second.bias": np.array([1.0, 2.0]),
}
_PLACES = {
    "first": [("first.weight", 0), ("first.bias", 0), ("second.weight", 1)],
    "second": [("second.weight", 0), ("second.bias", 0)],
}

TAKE = Question(
    name="q11",
    title="taking channels",
    points=6,
    reference=take_channels,
    cases=(
        case(_PARAMETERS, _PLACES, {"first": [0, 2]}),
        case(_PARAMETERS, _PLACES, {"first": [2, 0, 1]}),
        case(_PARAMETERS, _PLACES, {"second": [1]}),
        case(_PARAMETERS, _PLACES, {"first": [1], "second": [0]}),
        case(_PARAMETERS, _PLACES, {"second": [1, 0], "first": [2, 1, 0]}),
    ),
    mistakes=(
        Mistake(
            "A parameter that two groups hold loses what the first one did. Take from the result "
            "so far, not from the parameters as they came.",
            _from_the_original,
        ),
        Mistake(
            "Only what makes the channels is changed. The layers that read them hold them too, "
            "along axis 1.",
            lambda parameters, places, channels: _each_place(
                parameters, places, channels, axes=(0,)
            ),
        ),
        Mistake(
            "Only the first place of each group is changed.",
            lambda parameters, places, channels: _each_place(
                parameters, places, channels, first=True
            ),
        ),
        Mistake(
            "The channels are sorted. They should come in the order in which they are named: that "
            "makes the same function reorder a network.",
            lambda parameters, places, channels: _each_place(
                parameters, places, channels, ordered=False
            ),
        ),
        Mistake("The channels that are named are removed. They are the ones that stay.", _deleted),
        Mistake(
            "Channels are set to zero and still there. Take them out: the arrays become smaller.",
            _zeroed,
        ),
        Mistake("The axis is not used: with readers the channels lie along axis 1.", _always_rows),
        Mistake(
            "Parameters that hold none of the channels are missing. Give back all of them.",
            _changed_only,
        ),
    ),
)

QUESTIONS = (IMPORTANCE, COUPLED, TAKE)
