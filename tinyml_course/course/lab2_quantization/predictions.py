"""What a learner commits to before each experiment of Lab 2."""

from tinyml_course.course.question import Prediction

PREDICTIONS: tuple[Prediction, ...] = ()
