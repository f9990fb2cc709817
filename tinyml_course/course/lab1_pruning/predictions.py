"""What a learner commits to before each experiment of Lab 1."""

from tinyml_course.course.question import Prediction

PREDICTIONS = (
    Prediction(
        "p1",
        "One layer loses the half of its weights that is smallest. Nothing is trained. How much "
        "accuracy is lost?",
        {"A": "less than 2 points", "B": "about 10 points", "C": "about half of it"},
        "A",
        "The smallest half of the weights holds a small part of the layer's squares.",
    ),
    Prediction(
        "p2",
        "The same number of weights goes, once wherever they are small, once as whole channels. "
        "Nothing is trained. Which keeps more accuracy?",
        {"A": "any weight", "B": "whole channels", "C": "no difference"},
        "A",
        "Who may choose freely keeps the largest weights; a channel that goes takes large weights "
        "with it.",
    ),
    Prediction(
        "p3",
        "Half of the weights are zero. They are int8, stored with 4-bit gaps. How many of the "
        "dense bytes does the sparse layer take?",
        {"A": "about half", "B": "about three quarters", "C": "more than all"},
        "B",
        "Each weight that stays takes 12 bits instead of 8: half of the weights, times 1.5.",
    ),
    Prediction(
        "p4",
        "Four of five weights are zero, anywhere. The board runs its dense kernels on them. What "
        "happens to the latency?",
        {"A": "it falls to a fifth", "B": "it falls to about half", "C": "nothing"},
        "C",
        "A dense kernel multiplies by a zero as it does by any other number.",
    ),
)
