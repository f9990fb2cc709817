"""Question 5: a step of fine-tuning that holds the mask."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.masked_sgd import fine_tuning_step

Array = NDArray[Any]
Step = tuple[Array, Array]


def array(*values: float) -> Array:
    """Numbers of a case, in double precision."""
    return np.array(values, np.float64)


class _Given(NamedTuple):
    """The arguments of a step."""

    w: Array
    mask: Array
    gradient: Array
    velocity: Array
    learning_rate: float
    momentum: float
    weight_decay: float


def _taking_its_arguments(wrong: Callable[[_Given], Step]) -> Callable[..., Step]:
    def step(
        w: Array,
        mask: Array,
        gradient: Array,
        velocity: Array,
        *,
        learning_rate: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> Step:
        return wrong(_Given(w, mask, gradient, velocity, learning_rate, momentum, weight_decay))

    return step


def _velocity(g: _Given) -> Array:
    return g.momentum * g.velocity + g.gradient + g.weight_decay * g.w


def _stepped(g: _Given, velocity: Array) -> Array:
    return g.w - g.learning_rate * velocity


def _masked_step(g: _Given, changed: _Given) -> Step:
    """Both masked, with the velocity that other numbers give."""
    moved = g.mask * _velocity(changed)
    return g.mask * _stepped(g, moved), moved


@_taking_its_arguments
def _unmasked(g: _Given) -> Step:
    moved = _velocity(g)
    return _stepped(g, moved), moved


@_taking_its_arguments
def _gradient_only(g: _Given) -> Step:
    moved = _velocity(g._replace(gradient=g.gradient * g.mask))
    return _stepped(g, moved), moved


@_taking_its_arguments
def _weights_only(g: _Given) -> Step:
    moved = _velocity(g)
    return g.mask * _stepped(g, moved), moved


@_taking_its_arguments
def _velocity_only(g: _Given) -> Step:
    moved = g.mask * _velocity(g)
    return _stepped(g, moved), moved


@_taking_its_arguments
def _old_velocity(g: _Given) -> Step:
    return g.mask * _stepped(g, g.velocity), g.mask * _velocity(g)


@_taking_its_arguments
def _without_decay(g: _Given) -> Step:
    return _masked_step(g, g._replace(weight_decay=0.0))


@_taking_its_arguments
def _damped(g: _Given) -> Step:
    return _masked_step(g, g._replace(gradient=(1 - g.momentum) * g.gradient))


@_taking_its_arguments
def _without_momentum(g: _Given) -> Step:
    return _masked_step(g, g._replace(momentum=0.0))


@_taking_its_arguments
def _uphill(g: _Given) -> Step:
    moved = g.mask * _velocity(g)
    return g.mask * (g.w + g.learning_rate * moved), moved


@_taking_its_arguments
def _decoupled(g: _Given) -> Step:
    moved = g.mask * _velocity(g._replace(weight_decay=0.0))
    return g.mask * _stepped(g, moved + g.weight_decay * g.w), moved


@_taking_its_arguments
def _rate_in_velocity(g: _Given) -> Step:
    rate = g.learning_rate
    scaled = g._replace(gradient=rate * g.gradient, weight_decay=rate * g.weight_decay)
    moved = g.mask * _velocity(scaled)
    return g.mask * (g.w - moved), moved


@_taking_its_arguments
def _nesterov(g: _Given) -> Step:
    moved = g.mask * _velocity(g)
    ahead = g.gradient + g.weight_decay * g.w + g.momentum * moved
    return g.mask * _stepped(g, ahead), moved


@_taking_its_arguments
def _velocity_first(g: _Given) -> Step:
    weights, moved = _masked_step(g, g)
    return moved, weights


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
