"""Questions 5 to 7: training on with a mask, importance from gradients, the gradual schedule."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.importance.taylor import taylor_importance
from tinyml_course.pruning.masked_sgd import fine_tuning_step
from tinyml_course.pruning.schedules import cubic_sparsity

Array = NDArray[Any]
Step = tuple[Array, Array]


def _array(*values: float) -> Array:
    return np.array(values, np.float64)


def _velocity(
    w: Array, gradient: Array, velocity: Array, momentum: float, weight_decay: float
) -> Array:
    return momentum * velocity + gradient + weight_decay * w


def _unmasked(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = _velocity(w, gradient, velocity, momentum, weight_decay)
    return w - learning_rate * moved, moved


def _gradient_only(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = _velocity(w, gradient * mask, velocity, momentum, weight_decay)
    return w - learning_rate * moved, moved


def _weights_only(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = _velocity(w, gradient, velocity, momentum, weight_decay)
    return mask * (w - learning_rate * moved), moved


def _velocity_only(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = mask * _velocity(w, gradient, velocity, momentum, weight_decay)
    return w - learning_rate * moved, moved


def _old_velocity(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = mask * _velocity(w, gradient, velocity, momentum, weight_decay)
    return mask * (w - learning_rate * velocity), moved


def _without_decay(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = mask * _velocity(w, gradient, velocity, momentum, 0.0)
    return mask * (w - learning_rate * moved), moved


def _damped(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    scaled = (1 - momentum) * gradient
    moved = mask * _velocity(w, scaled, velocity, momentum, weight_decay)
    return mask * (w - learning_rate * moved), moved


def _without_momentum(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = mask * _velocity(w, gradient, velocity, 0.0, weight_decay)
    return mask * (w - learning_rate * moved), moved


def _uphill(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    moved = mask * _velocity(w, gradient, velocity, momentum, weight_decay)
    return mask * (w + learning_rate * moved), moved


_W, _KEPT = _array(1, -2, 0.5, 3), np.array([True, False, True, False])
_ZEROED = _array(1, 0, 0.5, 0)
_GRADIENT, _MOVING = _array(0.5, 2, -1, 4), _array(2, -3, 1, 5)

STEP = Question(
    name="q5",
    title="a step that holds the mask",
    points=8,
    reference=fine_tuning_step,
    tolerance=1e-6,
    cases=(
        case(_ZEROED, _KEPT, _GRADIENT, _array(0, 0, 0, 0), learning_rate=0.1),
        case(_ZEROED, _KEPT, _GRADIENT, _MOVING, learning_rate=0.1),
        case(_W, _KEPT, _GRADIENT, _MOVING, learning_rate=0.1, momentum=0.5),
        case(_W, _KEPT, _GRADIENT, _MOVING, learning_rate=0.1, weight_decay=0.2),
    ),
    mistakes=(
        Mistake("The mask is not used: pruned weights come back.", _unmasked),
        Mistake(
            "Only the gradient is masked. The velocity from before pruning still moves pruned "
            "weights: mask the new velocity and the new weights too.",
            _gradient_only,
        ),
        Mistake(
            "The weights are masked, the velocity is not. It goes on growing where nothing may "
            "move: mask it too.",
            _weights_only,
        ),
        Mistake(
            "The velocity is masked, the weights are not. What is not zero yet where the mask is "
            "false must become zero.",
            _velocity_only,
        ),
        Mistake(
            "The step goes by the old velocity. Update the velocity first, then step by the new.",
            _old_velocity,
        ),
        Mistake(
            "The weight decay is missing: `weight_decay * w` adds to the gradient.", _without_decay
        ),
        Mistake(
            "The gradient is multiplied by `1 - momentum`. torch adds it whole: "
            "`momentum * velocity + gradient`.",
            _damped,
        ),
        Mistake(
            "The momentum is missing: `momentum * velocity` stays of the old velocity.",
            _without_momentum,
        ),
        Mistake("The step goes uphill. Subtract it: the loss should fall.", _uphill),
    ),
)

TAYLOR = Question(
    name="q6",
    title="Taylor importance",
    points=4,
    reference=taylor_importance,
    tolerance=1e-6,
    cases=(
        case(_array(2, -1, 0.5), _array(0.5, 3, -4)),
        case(_array(0, 3, 3), _array(5, 0, -1)),
        case(np.array([[1.5, -2.0], [0.25, 4.0]]), np.array([[-2.0, 0.5], [8.0, 0.1]])),
    ),
    mistakes=(
        Mistake(
            "The product is not squared, so a harmful weight and a useful one can both look "
            "unimportant. Any change of the loss counts.",
            lambda w, gradient: gradient * w,
        ),
        Mistake(
            "This is the magnitude of the product. The order is the same, but the importance "
            "that is summed up over a channel is the square.",
            lambda w, gradient: np.abs(gradient * w),
        ),
        Mistake(
            "Only the gradient counts here. How much the loss changes without the weight is "
            "gradient times weight.",
            lambda w, gradient: gradient**2,
        ),
        Mistake("Only the weight counts here. That is magnitude again.", lambda w, gradient: w**2),
        Mistake(
            "Only the weight is squared. Square the product.", lambda w, gradient: gradient * w**2
        ),
        Mistake(
            "Only the gradient is squared. Square the product.", lambda w, gradient: gradient**2 * w
        ),
        Mistake(
            "This is one number. Give the importance of each weight.",
            lambda w, gradient: ((gradient * w) ** 2).sum(),
        ),
    ),
)


def _progress(step: int, begin: int, end: int) -> float:
    return min(max((step - begin) / (end - begin), 0.0), 1.0)


CUBIC = Question(
    name="q7",
    title="the cubic schedule",
    points=4,
    reference=cubic_sparsity,
    tolerance=1e-9,
    cases=(
        case(0, begin=0, end=10, final=0.8),
        case(5, begin=0, end=10, final=0.8),
        case(20, begin=10, end=30, final=0.9),
        case(3, begin=10, end=30, final=0.9),
        case(45, begin=10, end=30, final=0.9),
        case(7, begin=0, end=10, final=0.9, initial=0.3),
    ),
    mistakes=(
        Mistake(
            "The sparsity grows evenly. The cubic schedule is fast at first: what is left of the "
            "way is `(1 - progress) ** 3`.",
            lambda step, *, begin, end, final, initial=0.0: (
                initial + (final - initial) * _progress(step, begin, end)
            ),
        ),
        Mistake(
            "The sparsity is slow at first and fast at the end. It is what is left of the way that "
            "is cubed, not the way.",
            lambda step, *, begin, end, final, initial=0.0: (
                initial + (final - initial) * _progress(step, begin, end) ** 3
            ),
        ),
        Mistake(
            "The way is squared, not cubed.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - _progress(step, begin, end)) ** 2
            ),
        ),
        Mistake(
            "Before `begin` the sparsity is `initial`, not less.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - min((step - begin) / (end - begin), 1)) ** 3
            ),
        ),
        Mistake(
            "After `end` the sparsity stays `final`; the curve must not go on.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - max((step - begin) / (end - begin), 0)) ** 3
            ),
        ),
        Mistake(
            "The schedule does not begin at `begin`: count steps from there.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - _progress(step, 0, end)) ** 3
            ),
        ),
        Mistake(
            "`initial` is not used.",
            lambda step, *, begin, end, final, initial=0.0: (
                final * (1 - (1 - _progress(step, begin, end)) ** 3)
            ),
        ),
    ),
)

QUESTIONS = (STEP, TAYLOR, CUBIC)
