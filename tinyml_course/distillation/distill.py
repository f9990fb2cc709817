"""Training a student beside a teacher."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tinyml_course.data import DataSet
from tinyml_course.distillation.term import Term
from tinyml_course.errors import CompressionError, lookup
from tinyml_course.models.fit import Fit, fit

Maps = dict[str, Tensor]


def distill(
    student: nn.Module,
    teacher: nn.Module,
    data: DataSet,
    terms: Sequence[Term],
    *,
    epochs: int,
    seed: int,
    label_weight: float = 1.0,
    **options: Any,
) -> Fit:
    """Train ``student`` in place on the labels and on what ``teacher`` makes of the same images.

    Neither the teacher's weights nor its batch norm's statistics change.

    Args:
        student: images ``(N, C, H, W)`` to logits; left in eval mode.
        teacher: the same, trained.
        data: the data set; its test split is not looked at.
        terms: what the two shall have in common, at least one.
        epochs: passes over the training split.
        seed: of the shuffling and of the regressors.
        label_weight: of the true labels' cross entropy; 0 learns from the teacher alone.
        options: others of `fit`: ``batch_size``, ``learning_rate``, ``progress``, ...

    Raises:
        CompressionError: no terms; layers whose maps differ in size.
        UnknownNameError: a layer that a network does not have.
    """
    if not terms:
        raise CompressionError("distill needs at least one term, such as soft_labels()")
    was_training = teacher.training
    teacher.eval()
    names = [[t.layers[i] for t in terms if t.layers is not None] for i in (0, 1)]
    try:
        with _watched(student, names[0]) as seen, _watched(teacher, names[1]) as shown:
            sample = torch.from_numpy(data.train.images[:2])
            with torch.no_grad():  # one look, for the sizes of the maps
                student.eval()(sample), teacher(sample)
            pupil = _Pupil(student, _regressors(terms, seen, shown, seed))

            def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
                said = model(images)
                with torch.no_grad():
                    meant = teacher(images)
                total = label_weight * nn.functional.cross_entropy(said, labels)
                for index, term in enumerate(terms):
                    own, other = said, meant
                    if term.layers is not None:
                        own, other = seen[term.layers[0]], shown[term.layers[1]]
                    own = pupil.regressors[index](own)
                    total = total + term.weight * term.loss(own, other)
                return total

            return fit(pupil, data, epochs=epochs, seed=seed, loss=loss, **options)
    finally:
        teacher.train(was_training)


class _Pupil(nn.Module):
    """The student, and what is learned beside it and thrown away."""

    def __init__(self, student: nn.Module, regressors: nn.ModuleList) -> None:
        super().__init__()
        self.student, self.regressors = student, regressors

    def forward(self, x: Tensor) -> Tensor:
        """The student's logits."""
        logits: Tensor = self.student(x)
        return logits


def _regressors(terms: Sequence[Term], seen: Maps, shown: Maps, seed: int) -> nn.ModuleList:
    """For each term what it applies to the student's value; also finds maps that do not fit."""
    found = nn.ModuleList()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for term in terms:
            module: nn.Module = nn.Identity()
            if term.layers is not None:
                own, other = seen[term.layers[0]], shown[term.layers[1]]
                if term.regress:
                    module = nn.Conv2d(own.shape[1], other.shape[1], 1)
                with torch.no_grad():
                    term.loss(module(own), other)
            found.append(module)
    return found


@contextmanager
def _watched(model: nn.Module, names: Sequence[str]) -> Iterator[Maps]:
    """The outputs of layers, by name, of the latest run."""
    seen: Maps = {}
    modules = dict(model.named_modules())
    handles = []
    try:
        for name in names:
            layer = lookup("layer", name, modules)
            handles.append(layer.register_forward_hook(_keeper(seen, name)))
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _keeper(seen: Maps, name: str) -> Any:
    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:  # noqa: ARG001
        seen[name] = output

    return keep
