"""What a learner commits to before each experiment of Lab 2."""

from tinyml_course.course.question import Prediction

PREDICTIONS = (
    Prediction(
        "p1",
        "All channels of a layer share one scale instead of each having its own. In which layers "
        "does the error of the weights grow most?",
        {"A": "depthwise layers", "B": "1x1 convolutions", "C": "in all about the same"},
        "A",
        "A depthwise channel has 9 weights of its own and a batch norm factor of its own, so its "
        "channels differ most in size, and small ones suffer from the step of the largest. How "
        "much they differ, though, is luck: see below.",
    ),
    Prediction(
        "p2",
        "The weights of one layer get 3 bits, one scale for all. Where should the grid end, for "
        "the least squared error?",
        {
            "A": "at the largest weight",
            "B": "at about two thirds of the largest weight",
            "C": "at about a tenth of the largest weight",
        },
        "B",
        "Few weights are large. Cutting off some of them costs less than finer steps win for all "
        "others. With 8 bits the steps are fine enough, and the grid ends at the largest weight.",
    ),
    Prediction(
        "p3",
        "The weights of all layers get 3 bits, with a scale for each channel. The network has "
        "98.6 % in float. What is left before any training?",
        {"A": "about 10 %, as by chance", "B": "about 60 %", "C": "more than 95 %"},
        "C",
        "Three bits are seven values for each weight, and the errors of the weights that are added "
        "up cancel in part. With one bit less, three values, most is lost: the knee is sharp.",
    ),
    Prediction(
        "p4",
        "Only one layer gets 2 bits. Where does it hurt most?",
        {
            "A": "in the large 1x1 convolutions at the end",
            "B": "in the small layers at the beginning",
            "C": "in the classifier",
        },
        "B",
        "Everything later is computed from the first maps, and their few weights have few others "
        "to average with. They take a few hundred bytes: more bits for them cost next to nothing.",
    ),
)
