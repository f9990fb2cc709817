"""Question 5: a step of fine-tuning that holds the mask."""

# ruff: noqa: ARG001 - a planted mistake leaves out what it should use

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.masked_sgd import fine_tuning_step

Array = NDArray[Any]
Step = tuple[Array, Array]


def array(*values: float) -> Array:
    """Numbers of a case, in double precision."""
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


def _decoupled(
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
    return mask * (w - learning_rate * (moved + weight_decay * w)), moved


def _rate_in_velocity(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Step:
    scaled, decay = learning_rate * gradient, learning_rate * weight_decay
    moved = mask * _velocity(w, scaled, velocity, momentum, decay)
    return mask * (w - moved), moved


def _nesterov(
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
    ahead = gradient + weight_decay * w + momentum * moved
    return mask * (w - learning_rate * ahead), moved


def _velocity_first(
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
    return moved, mask * (w - learning_rate * moved)


_W, _KEPT = array(1, -2, 0.5, 3), np.array([True, False, True, False])
_ZEROED = array(1, 0, 0.5, 0)
_GRADIENT, _MOVING = array(0.5, 2, -1, 4), array(2, -3, 1, 5)

STEP = Question(
    name="q5",
    title="a step that holds the mask",
    points=8,
    reference=fine_tuning_step,
    tolerance=1e-6,
    cases=(
        case(_ZEROED, _KEPT, _GRADIENT, array(0, 0, 0, 0), learning_rate=0.1),
        case(_ZEROED, _KEPT, _GRADIENT, _MOVING, learning_rate=0.1),
        case(_W, _KEPT, _GRADIENT, _MOVING, learning_rate=0.1, momentum=0.5),
        case(_W, _KEPT, _GRADIENT, _MOVING, learning_rate=0.1, weight_decay=0.1),
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
        Mistake(
            "The weight decay passes the velocity by, as in AdamW. torch's SGD adds it to the "
            "gradient: it belongs into the velocity.",
            _decoupled,
        ),
        Mistake(
            "The learning rate is inside the velocity, as some books have it. torch multiplies by "
            "it only when it steps: `w - learning_rate * velocity`.",
            _rate_in_velocity,
        ),
        Mistake(
            "This looks ahead, as Nesterov's momentum does. Plain momentum steps by the new "
            "velocity alone.",
            _nesterov,
        ),
        Mistake("The velocity comes first. Give the weights first.", _velocity_first),
    ),
)

QUESTIONS = (STEP,)
