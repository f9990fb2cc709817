# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 1: pruning
# ### Fewer weights, and what a microcontroller makes of it
#
# A trained network has many weights that hardly matter. Taking them out is easy. Getting something
# for it is not: a zero is still a number that is stored and multiplied, unless storage and kernels
# know about it. In this lab you prune one network in six ways, and read off a board what each is
# worth.
#
# **You will be able to**
# - prune weights anywhere, N of M, by pattern and as channels, with exact counts;
# - choose how much each layer loses, from a sensitivity scan;
# - fine-tune a pruned network so that what is zero stays zero;
# - count the bytes that a sparse layer really takes;
# - take channels out of a network with shortcuts, and see MACs, latency, SRAM and flash fall;
# - find the most accurate network within a budget of MACs and flash.
#
# **What you need:** about two hours, and Lab 0. The computation of the whole notebook takes about a
# minute on two cores and under 700 MiB of memory; no GPU, no network, no board. The last cell tells
# what it took here.
#
# **How it works.** Each idea has four steps: *predict*, *build*, *observe*, *explain*. You write
# eleven short functions. After each one, `check` shows at once what it gives, what is expected,
# and the likely mistake. Points (100): eleven functions 70, a design 20, a written answer 10. The
# points for functions come from hidden inputs of the same kinds as the visible ones.
#
# **Stuck?** Go on. `check.use("q1", fine_grained_mask)` gives your function if it passes its check,
# and otherwise the library's, so no figure waits for you. That question just has no points yet.

# %% [markdown]
# ## Set-up
# Run this cell first. The network is a small ResNet for handwritten digits of 8 x 8 pixels, trained
# beforehand. It learned from the *training* images. Everything that we choose in this lab, we
# choose by the *validation* images. The *test* images are looked at once, at the end.

# %%
import copy

import numpy as np
import torch

from tinyml_course import mcu, pruning
from tinyml_course.course import checker
from tinyml_course.data import load
from tinyml_course.graph import from_torch
from tinyml_course.models.fit import accuracy, predict
from tinyml_course.models.trained import load_trained
from tinyml_course.plots import pruning as figures
from tinyml_course.plots.board_costs import before_and_after
from tinyml_course.plots.pruning_masks import mask_picture
from tinyml_course.plots.pruning_slider import sparsity_slider
from tinyml_course.plots.show import show
from tinyml_course.pruning import digit_candidates

check = checker("lab1")
data, dense = load("digits"), load_trained("digit_resnet")


def validation(network: torch.nn.Module) -> float:
    """Share of right answers on the validation images."""
    return accuracy(predict(network, data.validation), data.validation.labels)


def with_masks(masks: dict) -> torch.nn.Module:
    """A copy of the dense network with zeros outside of the masks, its statistics taken anew."""
    network = copy.deepcopy(dense)
    pruning.apply_masks(network, {name: torch.as_tensor(mask) for name, mask in masks.items()})
    pruning.settle_statistics(network, torch.from_numpy(data.train.images[:256]))
    return network


weights = pruning.weight_arrays(dense)
for name, w in weights.items():
    print(f"{name:22} {w.shape!s:16} {w.size:6,} weights")
print(f"validation accuracy {validation(dense):.1%} on {len(data.validation)} images")

# %% [markdown]
# A weight of a convolution has the shape `(output channels, input channels, rows, columns)`. A
# **mask** has the same shape; it is true where a weight stays. The **sparsity** is the share that
# goes.
#
# `with_masks` trains no weight, but it takes one thing anew: zeros change the mean and variance of
# what each batch norm sees, so these are measured again on some training images. That is cheap, and
# without it the accuracy says more about the batch norms than about the weights.

# %% [markdown]
# ---
# ## 1. Any weight may go
#
# The simplest rule: what is small in magnitude matters little (Han et al. 2015). That is
# *fine-grained* pruning.
#
# **Predict.** Write `A`, `B` or `C` between the quotes *before* you go on.

# %%
check.predict("p1", "")

# %% [markdown]
# ### q1 (8 points): fine-grained pruning
#
# Take out exactly `round(sparsity * w.size)` weights. A threshold does not give an exact count:
# where weights are equal, it takes all of them or none. So sort. Of equal weights the first in
# memory goes first; `np.argsort(..., kind="stable")` keeps equal ones in order.


# %% nbgrader={"grade_id": "q1", "solution": true}
def fine_grained_mask(w: np.ndarray, sparsity: float) -> np.ndarray:
    """Which weights stay when the smallest in magnitude go.

    w: weights of any shape.
    sparsity: share to prune, in 0..1; exactly round(sparsity * w.size) weights go.

    Returns a bool array of w's shape, True where a weight stays.

    fine_grained_mask(np.array([3, -1, 0.5, 2]), 0.5) is [True, False, False, True].
    """
    ### BEGIN SOLUTION
    mask = np.ones(w.size, bool)
    order = np.argsort(np.abs(w), axis=None, kind="stable")
    mask[order[: round(sparsity * w.size)]] = False
    return mask.reshape(w.shape)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q1-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q1", fine_grained_mask)
### BEGIN HIDDEN TESTS
judge("q1", fine_grained_mask)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** One layer, half of its weights gone, nothing trained.

# %%
mask_of = check.use("q1", fine_grained_mask)
LAYER = "block1.first.weight"
half = with_masks({LAYER: mask_of(weights[LAYER], 0.5)})
show(
    figures.weight_histogram(weights[LAYER], pruning.weight_arrays(half)[LAYER], LAYER),
    look_at="the hole in the middle: the weights that went were many, and all small.",
)
print(f"validation accuracy {validation(dense):.1%} dense, {validation(half):.1%} pruned")
check.reveal("p1")

# %% [markdown]
# **Explain.** Half of the weights are smaller than a quarter of the largest one. How large is the
# share of the layer's squares that went with that half? Guess it from the histogram, then compute
# it in a cell of your own.

# %% [markdown]
# ---
# ## 2. How much of each layer
#
# Layers differ. Some read the image and have few weights; others have weights to spare. A
# **sensitivity scan** prunes one layer at a time and leaves all else as it is, batch norms too.

# %%
SPARSITIES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
print(f"{len(weights)} layers, each at {len(SPARSITIES)} sparsities: a few seconds")
scan = pruning.sensitivity_scan(
    dense,
    data.validation,
    SPARSITIES,
    make_mask=lambda w, sparsity, _: mask_of(w, sparsity),
    progress=False,
)

# %% [markdown]
# ### q2 (6 points): ratios from the scan
#
# For each layer: the highest sparsity up to which the accuracy is never below a bound. A curve that
# dips and recovers behind the dip did so by chance, so stop at the dip.


# %% nbgrader={"grade_id": "q2", "solution": true}
def sensitivity_ratios(
    sparsities: list[float], accuracies: dict[str, list[float]], least_accuracy: float
) -> dict[str, float]:
    """The sparsity that each layer bears.

    sparsities: that were tried, rising.
    accuracies: by layer, one for each sparsity.
    least_accuracy: what has to be left; exactly so much is enough.

    Returns the sparsity by layer, 0 where not even the first keeps the bound.
    """
    ### BEGIN SOLUTION
    ratios = {}
    for name, curve in accuracies.items():
        ratios[name] = 0.0
        for sparsity, left in zip(sparsities, curve, strict=True):
            if left < least_accuracy:
                break
            ratios[name] = sparsity
    return ratios
    ### END SOLUTION


# %% nbgrader={"grade_id": "q2-test", "grade": true, "locked": true, "points": 6}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q2", sensitivity_ratios)
### BEGIN HIDDEN TESTS
judge("q2", sensitivity_ratios)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The curves, and what a loss of one point at most would allow each layer.

# %%
ratios_of = check.use("q2", sensitivity_ratios)
ratios = ratios_of(list(scan.sparsities), dict(scan.accuracies), scan.baseline - 0.01)
show(
    figures.sensitivity_curves(scan, ratios, "Digit ResNet"),
    look_at="the knee of each curve, and how far apart the knees lie. Layers near the image are "
    "dark, those near the output light; a ring marks the ratio of each.",
)
pruned_count = sum(ratios[name] * w.size for name, w in weights.items())
overall = pruned_count / sum(w.size for w in weights.values())
by_layer = with_masks({name: mask_of(w, ratios[name]) for name, w in weights.items()})
evenly = with_masks({name: mask_of(w, overall) for name, w in weights.items()})
print(f"{overall:.0%} of all weights pruned, without training:")
print(f"  each layer by its own ratio {validation(by_layer):.1%}")
print(f"  the same ratio everywhere   {validation(evenly):.1%}")
alone = with_masks({LAYER: mask_of(weights[LAYER], SPARSITIES[-1])})
print(f"{LAYER} alone at {SPARSITIES[-1]:.0%}:")
print(f"  in the scan                 {scan.accuracies[LAYER][-1]:.1%}")
print(f"  with statistics taken anew  {validation(alone):.1%}")

# %% [markdown]
# **Explain.** Which layers bear almost nothing, which bear everything, and where in the network do
# they stand? Each layer alone lost at most one point. Why is the loss of all together larger than
# that, and what does the scan therefore not tell?
#
# The last two lines show that much of a curve's fall is the batch norms': they still divide by the
# spread that the dense layer gave. That makes the scan strict, and strict is useful. With
# statistics taken anew, nine of the eleven curves would stay within two points of the dense network
# up to 95 %, and hardly tell one layer from another.
#
# Move the slider: one layer's histogram, and its curve from the scan.

# %%
sparsity_slider(
    weights[LAYER], (0.0, *scan.sparsities), (scan.baseline, *scan.accuracies[LAYER]), LAYER
)

# %% [markdown]
# ---
# ## 3. Granularity: which weights go together
#
# Zeros in random places are hard to use. Hardware wants order:
#
# | granularity | what goes together | who can use it |
# | --- | --- | --- |
# | fine-grained | nothing | special hardware, storage |
# | N:M | of every M neighbours N stay | GPUs with sparse tensor cores (2:4) |
# | pattern | each 3x3 kernel has one of a few masks | compilers that unroll each pattern |
# | vector, kernel | a row of a kernel, a kernel | kernels that skip them |
# | channel | everything a channel has | everyone: the network is just smaller |
#
# The further down, the easier to use, and by and large the less free to choose. How free, we shall
# count.
#
# **Predict.** How much does that freedom matter?

# %%
check.predict("p2", "")

# %% [markdown]
# ### q3 (7 points): N of M
#
# Of every `m` *input channels* in a row, `n` stay: the largest in magnitude, of each group. The
# input channels are axis 1. With kernels, each tap has groups of its own. Of equal ones the first
# goes first.


# %% nbgrader={"grade_id": "q3", "solution": true}
def nm_mask(w: np.ndarray, n: int, m: int) -> np.ndarray:
    """Which weights stay when n of every m input channels do.

    w: (C_out, C_in) or (C_out, C_in, rows, columns); m divides C_in.
    n: how many of each group stay.
    m: neighbours in a group.

    Returns a bool array of w's shape, True where a weight stays.

    nm_mask(np.array([[1, 4, 3, 2]]), 2, 4) is [[False, True, True, False]].
    """
    ### BEGIN SOLUTION
    scores = np.moveaxis(np.abs(w), 1, -1)
    groups = scores.reshape(*scores.shape[:-1], -1, m)
    order = np.argsort(groups, axis=-1, kind="stable")
    mask = np.ones(groups.shape, bool)
    np.put_along_axis(mask, order[..., : m - n], False, axis=-1)
    return np.moveaxis(mask.reshape(scores.shape), -1, 1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q3-test", "grade": true, "locked": true, "points": 7}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q3", nm_mask)
### BEGIN HIDDEN TESTS
judge("q3", nm_mask)
### END HIDDEN TESTS

# %% [markdown]
# ### q4 (7 points): a pattern for each kernel
#
# A 3x3 kernel keeps 4 of its 9 weights, in one of a few fixed patterns. The middle weight is in
# each of them, so 56 are possible; `pruning.select_patterns` takes the eight that suit the most
# kernels of a layer (Niu et al. 2020, section 4.1). You choose for each kernel the pattern that
# keeps the most of it: the largest sum of squares. Of equal ones, take the first.


# %% nbgrader={"grade_id": "q4", "solution": true}
def pattern_mask(w: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """Which weights stay when each kernel has one of a few patterns.

    w: (C_out, C_in, 3, 3).
    patterns: bool (P, 3, 3), True where a weight stays.

    Returns a bool array of w's shape, True where a weight stays.
    """
    ### BEGIN SOLUTION
    squares = w.reshape(-1, 9) ** 2
    kept = squares @ patterns.reshape(-1, 9).T
    return patterns[kept.argmax(axis=1)].reshape(w.shape)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q4-test", "grade": true, "locked": true, "points": 7}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q4", pattern_mask)
### BEGIN HIDDEN TESTS
judge("q4", pattern_mask)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Six masks of the same layer: half of it pruned with 2:4, five ninths with the others,
# or as near to that as whole kernels and channels come. Before them, this layer's eight patterns
# (`#` stays).

# %%
nm_mask_of = check.use("q3", nm_mask)
pattern_mask_of = check.use("q4", pattern_mask)


def by_patterns(w: np.ndarray) -> np.ndarray:
    """Patterns of four weights out of nine, eight patterns a layer."""
    return pattern_mask_of(w, pruning.select_patterns(w, count=8, entries=4))


eight = pruning.select_patterns(weights[LAYER], count=8, entries=4)
for row in range(3):
    print("   ".join("".join("#" if stays else "." for stays in kernel[row]) for kernel in eight))
best = pattern_mask_of(weights[LAYER], pruning.all_patterns(4))
as_good = (best == by_patterns(weights[LAYER])).all(axis=(2, 3)).mean()
print(f"{as_good:.0%} of the kernels would not choose otherwise if they had all 56")

FIVE_NINTHS = 5 / 9
masks_of_layer = {
    "fine-grained": mask_of(weights[LAYER], FIVE_NINTHS),
    "2:4": nm_mask_of(weights[LAYER], 2, 4),
    "pattern": by_patterns(weights[LAYER]),
    "vector": pruning.vector_mask(weights[LAYER], FIVE_NINTHS),
    "kernel": pruning.kernel_mask(weights[LAYER], FIVE_NINTHS),
    "channel": pruning.channel_mask(weights[LAYER], FIVE_NINTHS),
}
show(
    mask_picture(masks_of_layer, LAYER),
    look_at="how the masks become coarser from panel to panel; whole rows of empty kernels are "
    "output channels.",
)

# %% [markdown]
# The same six, in all 3x3 convolutions behind the first one. No weight is trained yet. Beside them,
# how free each one is: how many masks a kernel of nine weights has to choose from. With 2:4 and
# patterns that is a plain count. The others choose among all weights, rows, kernels or channels of
# a layer, so it is a mean: each of these adds $h$ bits, the entropy of a coin that says *go* five
# times out of nine.

# %%
conv_names = [name for name, w in weights.items() if w.ndim == 4 and w.shape[1] > 1]
makers = {
    "fine-grained": lambda w: mask_of(w, FIVE_NINTHS),
    "2:4": lambda w: nm_mask_of(w, 2, 4),
    "pattern": by_patterns,
    "vector": lambda w: pruning.vector_mask(w, FIVE_NINTHS),
    "kernel": lambda w: pruning.kernel_mask(w, FIVE_NINTHS),
    "channel": lambda w: pruning.channel_mask(w, FIVE_NINTHS),
}
h = -FIVE_NINTHS * np.log2(FIVE_NINTHS) - (1 - FIVE_NINTHS) * np.log2(1 - FIVE_NINTHS)
choices = {
    "fine-grained": 2 ** (9 * h),
    "2:4": 6 ** (9 / 4),  # 2 of 4 in 6 ways, 9 / 4 groups a kernel
    "pattern": 8,
    "vector": 2 ** (3 * h),  # 3 rows
    "kernel": 2**h,
    "channel": 2 ** (h / 32),  # 32 kernels a channel, in the largest layers
}
print(f"{'':13} {'pruned':>7} {'masks a kernel':>15} {'squares left':>13} {'accuracy':>9}")
for name, make in makers.items():
    masks = {layer: make(weights[layer]) for layer in conv_names}
    kept = sum((weights[n][mask] ** 2).sum() for n, mask in masks.items())
    share = kept / sum((weights[n] ** 2).sum() for n in conv_names)
    sparsity = 1 - np.mean(np.concatenate([mask.ravel() for mask in masks.values()]))
    right = validation(with_masks(masks))
    print(f"{name:13} {sparsity:7.0%} {choices[name]:15.3g} {share:13.0%} {right:9.1%}")
check.reveal("p2")

# %% [markdown]
# **Explain.** The more masks to choose from, the more squares are left. Which two granularities are
# equally free, so that the count does not decide between them, though they stand on different lines
# of the table above? 2:4 is far freer than patterns, and it loses fewer weights here. The accuracy
# follows the squares, but roughly: near the top a point is three or four images of 360.

# %% [markdown]
# ---
# ## 4. Fine-tuning
#
# A pruned network is trained on, at a low learning rate, and gets much of its accuracy back. The
# zeros must stay zeros: a mask that is applied once is undone by the next step.
#
# ### q5 (8 points): a step that holds the mask
#
# One step of SGD with momentum, as torch has it, for the weights that stay:
#
# $$ v' = \mu v + g + \lambda w \qquad w' = w - \eta v' $$
#
# Where the mask is false, the new velocity and the new weight are both zero. **Mind the momentum:**
# to mask the gradient alone is not enough. A velocity from before pruning goes on pushing weights
# that should be gone.


# %% nbgrader={"grade_id": "q5", "solution": true}
def fine_tuning_step(
    w: np.ndarray,
    mask: np.ndarray,
    gradient: np.ndarray,
    velocity: np.ndarray,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """One step of SGD with momentum that keeps pruned weights at zero.

    w, gradient, velocity: of one shape; velocity is that of the step before.
    mask: bool, same shape, True where a weight stays.

    Returns the weights and the velocity after the step.
    """
    ### BEGIN SOLUTION
    new_velocity = np.where(mask, momentum * velocity + gradient + weight_decay * w, 0.0)
    return np.where(mask, w - learning_rate * new_velocity, 0.0), new_velocity
    ### END SOLUTION


# %% nbgrader={"grade_id": "q5-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q5", fine_tuning_step)
### BEGIN HIDDEN TESTS
judge("q5", fine_tuning_step)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Three epochs of fine-tuning by your step, at a sparsity of 90 %.

# %%
step_of = check.use("q5", fine_tuning_step)
masks = {name: mask_of(weights[name], 0.9) for name in conv_names}
network = with_masks(masks)
before_tuning = validation(network)
parameters = dict(network.named_parameters())
velocity = {name: np.zeros_like(weights[name]) for name in conv_names}
order = np.random.default_rng(0)
network.train()
for _ in range(3):
    for batch in np.array_split(order.permutation(len(data.train)), 17):
        images, labels = data.train.images[batch], data.train.labels[batch]
        logits = network(torch.from_numpy(images))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        gradients = torch.autograd.grad(loss, [parameters[name] for name in conv_names])
        for name, gradient in zip(conv_names, gradients, strict=True):
            w = parameters[name].detach().numpy()
            moved = step_of(w, masks[name], gradient.numpy(), velocity[name], learning_rate=0.02)
            velocity[name] = moved[1]
            parameters[name].data = torch.from_numpy(moved[0].astype(np.float32))
network.eval()
show(
    figures.weight_histogram(
        weights[LAYER] * masks[LAYER], parameters[LAYER].detach().numpy(), f"{LAYER}, fine-tuning"
    ),
    look_at="the number of zeros, which is still that of the mask, and how far the weights that "
    "stayed have moved: out, and into the gap.",
)
print(f"validation accuracy {before_tuning:.1%} pruned, {validation(network):.1%} fine-tuned")

# %% [markdown]
# Now the granularities again, at several sparsities, each fine-tuned for two epochs. A line comes
# every few seconds.

# %%
SETTINGS = {
    "fine-grained": (mask_of, (0.5, 0.7, 0.8, 0.9, 0.95)),
    "N:4": (lambda w, sparsity: nm_mask_of(w, round(4 * (1 - sparsity)), 4), (0.5, 0.75)),
    "pattern": (lambda w, _: by_patterns(w), (FIVE_NINTHS,)),
    "kernel": (pruning.kernel_mask, (0.5, 0.7, 0.8, 0.9, 0.95)),
    "channel": (pruning.channel_mask, (0.25, 0.5, 0.75, 0.875)),
}


def tuned(masks: dict) -> float:
    """Validation accuracy after two epochs with the masks held."""
    network = copy.deepcopy(dense)
    held = {name: torch.as_tensor(mask) for name, mask in masks.items()}
    pruning.fine_tune(network, held, data, epochs=2, seed=0, progress=False)
    return validation(network)


curves = {}
for name, (make, sparsities) in SETTINGS.items():
    found = [tuned({n: make(weights[n], s) for n in conv_names}) for s in sparsities]
    print(f"{name:13}", *(f"{s:.0%}: {a:.1%}  " for s, a in zip(sparsities, found, strict=True)))
    curves[name] = figures.Curve(sparsities, found)
show(
    figures.accuracy_against_sparsity(curves, validation(dense), "Digit ResNet, validation images"),
    look_at="where each curve leaves the dashed line: that is how much sparsity comes for free.",
)

# %% [markdown]
# **Explain.** Training closes most of the gap that you saw in section 3: where about half of the
# weights went, all but the channels are back at the dashed line. What is left of the order further
# right? And why is the accuracy of one network on 360 images not the last word on which of two
# points is higher?
#
# ### q6 (4 points): Taylor importance
#
# Magnitude does not ask what a weight does. How much would the loss change without it? To first
# order by gradient times weight. Its square is the weight's importance (Molchanov et al. 2019,
# equation 8):
#
# $$ I = (g \, w)^2 $$


# %% nbgrader={"grade_id": "q6", "solution": true}
def taylor_importance(w: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """How much the loss changes without each weight, to first order, squared.

    w: weights of any shape.
    gradient: of the loss, same shape.

    Returns an array of the same shape.
    """
    ### BEGIN SOLUTION
    return (gradient * w) ** 2
    ### END SOLUTION


# %% nbgrader={"grade_id": "q6-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q6", taylor_importance)
### BEGIN HIDDEN TESTS
judge("q6", taylor_importance)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The mean over batches of the training split decides, at 80 % and without training.

# %%
importance_of = check.use("q6", taylor_importance)
scores = {name: np.zeros(weights[name].shape) for name in conv_names}
table = dict(dense.named_parameters())
for batch in np.array_split(np.arange(len(data.train)), 17):
    logits = dense(torch.from_numpy(data.train.images[batch]))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(data.train.labels[batch]))
    gradients = torch.autograd.grad(loss, [table[name] for name in conv_names])
    for name, g in zip(conv_names, gradients, strict=True):
        scores[name] += importance_of(weights[name], g.numpy())
by_taylor = {name: mask_of(scores[name], 0.8) for name in conv_names}
by_magnitude = {name: mask_of(weights[name], 0.8) for name in conv_names}
print(f"by magnitude {validation(with_masks(by_magnitude)):.1%}")
print(f"by Taylor    {validation(with_masks(by_taylor)):.1%}")

# %% [markdown]
# **Explain.** Which one wins changes with the network, with the sparsity, and with how far it has
# been trained. This one gets every training image right: its loss is nearly zero, and so are its
# gradients, which then tell little. Simple magnitude is hard to beat.
#
# ### q7 (4 points): the cubic schedule
#
# Instead of all at once, sparsity can grow while the network is trained: fast at first, where there
# is much to spare, and slowly at the end (Zhu and Gupta 2017, equation 1). With the share $p$ of
# the way from `begin` to `end` that is done:
#
# $$ s = s_\text{final} + (s_\text{initial} - s_\text{final}) (1 - p)^3 $$
#
# Before `begin` the sparsity is `initial`, from `end` on it is `final`.


# %% nbgrader={"grade_id": "q7", "solution": true}
def cubic_sparsity(step: int, *, begin: int, end: int, final: float, initial: float = 0.0) -> float:
    """The sparsity at a training step.

    begin, end: steps between which it grows.
    initial, final: sparsities before and after.

    cubic_sparsity(2, begin=0, end=4, final=0.8) is 0.7.
    """
    ### BEGIN SOLUTION
    done = min(max((step - begin) / (end - begin), 0.0), 1.0)
    return final + (initial - final) * (1 - done) ** 3
    ### END SOLUTION


# %% nbgrader={"grade_id": "q7-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q7", cubic_sparsity)
### BEGIN HIDDEN TESTS
judge("q7", cubic_sparsity)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The way to 95 %, in one step or by the schedule, with equally much training.

# %%
sparsity_at = check.use("q7", cubic_sparsity)
STEPS, END = 6 * 17, 71  # 6 epochs of 17 batches; the last three tenths recover
print("step    ", *(f"{step:4}" for step in range(0, STEPS, 10)))
ramp = [sparsity_at(step, begin=0, end=END, final=0.95) for step in range(0, STEPS, 10)]
print("sparsity", *(f"{sparsity:4.0%}" for sparsity in ramp))


def layer_masks(network: torch.nn.Module, sparsity: float) -> dict:
    """Fine-grained masks, the same sparsity for each layer."""
    found = pruning.weight_arrays(network, conv_names)
    return {name: torch.as_tensor(mask_of(w, sparsity)) for name, w in found.items()}


at_once, gradually = copy.deepcopy(dense), copy.deepcopy(dense)
options = {"epochs": 6, "seed": 0, "learning_rate": 0.02, "progress": False}
options["make_masks"] = layer_masks
pruning.prune_iteratively(at_once, data, 0.95, rounds=1, **options)
print(f"validation accuracy {validation(at_once):.1%} at once")
pruning.prune_gradually(gradually, data, 0.95, every=2, ramp=0.7, **options)
print(f"validation accuracy {validation(gradually):.1%} gradually")

# %% [markdown]
# **Explain.** Gradual pruning decides late which weights go, when training has already moved them,
# but it leaves fewer steps for the final masks to recover in. Which of the two effects was stronger
# here? With another seed or more epochs the answer may differ: try it.

# %% [markdown]
# ---
# ## 5. Bytes
#
# A zero that is stored takes as many bytes as any other number. To save them, only what is not
# zero is stored, and beside it where it stands. That *where* has a price.
#
# **Predict.** What is left of the saving?

# %%
check.predict("p3", "")

# %% [markdown]
# ### q8 (8 points): bytes of relative-index storage
#
# EIE and Deep Compression store a matrix column by column. An **entry** is a value and a **gap**:
# how many zeros stand before it in its column. A gap of `index_bits` bits counts from 0 to
# `2 ** index_bits - 1`. Where more zeros follow each other, a **filler** is stored: a zero as value
# with the largest gap, an entry like any other.
#
# Example, 4 bits: `0 0 1 2 0 0 ... 0 3` with 18 zeros before the 3 has four entries: gap 2 value 1,
# gap 0 value 2, gap 15 value 0 (the filler: 15 zeros and itself), gap 2 value 3.
#
# Zeros behind a column's last weight need nothing. In flash lie
# - a pointer of 2 bytes for the beginning of each column, and one more for the end;
# - all gaps, packed, rounded up to whole bytes;
# - all values, packed, rounded up to whole bytes.


# %% nbgrader={"grade_id": "q8", "solution": true}
def relative_index_bytes(w: np.ndarray, index_bits: int = 4, value_bits: int = 8) -> int:
    """Bytes of a sparse matrix with relative indices.

    w: (rows, columns); only where it is zero matters.
    index_bits: of each gap.
    value_bits: of each value.
    """
    ### BEGIN SOLUTION
    entries = 0
    for column in w.T:
        zeros_before = np.diff(np.flatnonzero(column), prepend=-1) - 1
        entries += int((zeros_before // 2**index_bits + 1).sum())
    packed = (entries * index_bits + 7) // 8 + (entries * value_bits + 7) // 8
    return 2 * (w.shape[1] + 1) + packed
    ### END SOLUTION


# %% nbgrader={"grade_id": "q8-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q8", relative_index_bytes)
### BEGIN HIDDEN TESTS
judge("q8", relative_index_bytes)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** All 3x3 convolutions in int8, each stored as one long column, as Deep Compression
# does it.

# %%
bytes_of = check.use("q8", relative_index_bytes)
dense_bytes = sum(weights[name].size for name in conv_names)
print(f"{'pruned':>8}{'dense B':>10}{'sparse B':>10}{'share':>8}")
for sparsity in (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97):
    runs = [(weights[n] * mask_of(weights[n], sparsity)).reshape(-1, 1) for n in conv_names]
    stored = sum(bytes_of(run) for run in runs)
    print(f"{sparsity:8.0%}{dense_bytes:10,}{stored:10,}{stored / dense_bytes:8.0%}")
check.reveal("p3")

# %% [markdown]
# **Explain.** At which sparsity does sparse storage begin to pay? Each entry takes 12 bits where a
# dense weight takes 8. And look at the last line: why is it more than 3 % x 1.5?

# %% [markdown]
# ---
# ## 6. Channels, and what the board makes of it
#
# Flash can be saved by storage. What about time?
#
# **Predict.**

# %%
check.predict("p4", "")

# %% [markdown]
# ### q9 (4 points): the importance of channels
#
# A channel's importance is the norm of its weights. `order` 1 is the sum of magnitudes, 2 the root
# of the sum of squares. `axis` 0 asks for output channels, 1 for input channels.


# %% nbgrader={"grade_id": "q9", "solution": true}
def channel_importance(w: np.ndarray, order: int = 2, axis: int = 0) -> np.ndarray:
    """The norm of each channel.

    w: (C_out, C_in) or (C_out, C_in, rows, columns).
    order: 1 or 2.
    axis: 0 for output channels, 1 for input channels.

    Returns an array with one number a channel.
    """
    ### BEGIN SOLUTION
    rows = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)
    return np.linalg.norm(rows, ord=order, axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q9-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q9", channel_importance)
### BEGIN HIDDEN TESTS
judge("q9", channel_importance)
### END HIDDEN TESTS

# %% [markdown]
# ### q10 (8 points): channels that go together
#
# If output channel 3 of a layer goes, every layer that reads it loses input channel 3. With a
# shortcut there is more: an addition adds channel 3 to channel 3. Whoever makes one of the two must
# lose it too, and so must everything that shares channels with them.
#
# A network is a list of layers in execution order, each a dict:
# - `"input"`, `"conv"` and `"linear"` layers make channels of their own;
# - an `"add"` has the channels of all layers that it reads, and makes their groups one;
# - all others (`"depthwise"`, `"relu"`, `"pool"`, ...) have the channels of the one they read.
#
# Name each group after its first layer.


# %% nbgrader={"grade_id": "q10", "solution": true}
def coupled_channels(layers: list[dict]) -> dict[str, str]:
    """For each layer the first layer that has the same channels.

    layers: in execution order, each with "name", "kind" and "reads", the names of the layers that
        it reads.

    Returns the name of the group's first layer by layer's name.
    """
    ### BEGIN SOLUTION
    group = {}
    for layer in layers:
        name = layer["name"]
        group[name] = name
        if layer["kind"] not in ("input", "conv", "linear"):
            joined = {group[read] for read in layer["reads"]} | {name}
            first = min(joined, key=list(group).index)
            group = {n: first if own in joined else own for n, own in group.items()}
    return group
    ### END SOLUTION


# %% nbgrader={"grade_id": "q10-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q10", coupled_channels)
### BEGIN HIDDEN TESTS
judge("q10", coupled_channels)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Our network, written down by hand, against the groups that the library finds by
# following the channels through the traced network.

# %%
group_of = check.use("q10", coupled_channels)


def block(name: str, source: str) -> list[dict]:
    """A residual block as layers."""
    return [
        {"name": f"{name}.first", "kind": "conv", "reads": [source]},
        {"name": f"{name}.relu", "kind": "relu", "reads": [f"{name}.first"]},
        {"name": f"{name}.second", "kind": "conv", "reads": [f"{name}.relu"]},
        {"name": name, "kind": "add", "reads": [source, f"{name}.second"]},
    ]


layers = [
    {"name": "image", "kind": "input", "reads": []},
    {"name": "stem", "kind": "conv", "reads": ["image"]},
    *block("block0", "stem"),
    *block("block1", "block0"),
    {"name": "down", "kind": "conv", "reads": ["block1"]},
    *block("block2", "down"),
    *block("block3", "block2"),
    {"name": "pool", "kind": "pool", "reads": ["block3"]},
    {"name": "classifier", "kind": "linear", "reads": ["pool"]},
]
mine = group_of(layers)
groups = pruning.channel_groups(dense, torch.from_numpy(data.train.images[:1]))
for group in groups:
    if group.prunable:
        makes = [place.layer for place in group.of("makes")]
        agree = all(mine[layer] == group.name for layer in makes)
        print(
            f"{group.name:14} {group.size} channels, made by {', '.join(makes)}: "
            f"{'as yours' if agree else 'not as yours'}"
        )

# %% [markdown]
# ### q11 (6 points): taking channels
#
# One function that prunes and reorders. A group's channels are held in several *places*: a
# parameter, and the axis along which they lie there. Take the channels that are named, in the
# order in which they are named, in every place. Some of them: the network is pruned. All of them
# in another order: the network computes the same.


# %% nbgrader={"grade_id": "q11", "solution": true}
def take_channels(
    parameters: dict[str, np.ndarray],
    places: dict[str, list[tuple[str, int]]],
    channels: dict[str, list[int]],
) -> dict[str, np.ndarray]:
    """Keep the channels that are named, wherever they are held.

    parameters: arrays by name.
    places: by group, where its channels are held: (name of the parameter, axis). One parameter
        may hold two groups, along two axes.
    channels: by group, the indices that stay; groups that are not in it stay as they are.

    Returns all parameters by name.
    """
    ### BEGIN SOLUTION
    result = dict(parameters)
    for group, indices in channels.items():
        for name, axis in places[group]:
            result[name] = np.take(result[name], indices, axis)
    return result
    ### END SOLUTION


# %% nbgrader={"grade_id": "q11-test", "grade": true, "locked": true, "points": 6}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("q11", take_channels)
### BEGIN HIDDEN TESTS
judge("q11", take_channels)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** First all channels, the most important first: the outputs must not change.

# %%
take = check.use("q11", take_channels)
norms_of = check.use("q9", channel_importance)
state = {name: value.numpy() for name, value in dense.state_dict().items()}
places = {g.name: [(s.parameter, s.axis) for s in g.slices] for g in groups if g.prunable}
importance = {
    g.name: sum(norms_of(state[s.parameter]) ** 2 for s in g.of("makes"))
    for g in groups
    if g.prunable
}
ranking = {name: np.argsort(-scores).tolist() for name, scores in importance.items()}
reordered = copy.deepcopy(dense)
reordered.load_state_dict(
    {name: torch.from_numpy(value) for name, value in take(state, places, ranking).items()}
)
some_images = torch.from_numpy(data.validation.images[:100])
with torch.no_grad():
    difference = (dense(some_images) - reordered(some_images)).abs().max()
print(f"largest difference of the outputs after reordering: {difference:.1e}")

# %% [markdown]
# Then the stronger half of them. `smaller_network` does what you did, and makes torch's layers
# follow. The board is the STM32F412, and the networks are int8.

# %%
half_of = {name: sorted(order[: len(order) // 2]) for name, order in ranking.items()}
smaller = pruning.smaller_network(dense, groups, half_of)
shapes = {name: value.shape for name, value in take(state, places, half_of).items()}
same_shapes = all(shapes[name] == tuple(v.shape) for name, v in smaller.state_dict().items())
print(f"your parameters have the shapes of the smaller network: {same_shapes}")
pruning.fine_tune(smaller, {}, data, epochs=6, seed=0, learning_rate=0.05, progress=False)
print(f"half the channels, fine-tuned: validation accuracy {validation(smaller):.1%}")
masked = copy.deepcopy(dense)
zeros = {name: torch.as_tensor(mask_of(weights[name], 0.8)) for name in conv_names}
pruning.fine_tune(masked, zeros, data, epochs=6, seed=0, learning_rate=0.05, progress=False)
print(f"80 % zeros, fine-tuned:        validation accuracy {validation(masked):.1%}")

f412 = mcu.board("stm32f412")
networks = {"dense": dense, "80 % zeros": masked, "half the channels": smaller}
example = torch.from_numpy(data.train.images[:64])
reports = {
    name: mcu.report(mcu.plan(from_torch(network, example), policy="tight"), f412)
    for name, network in networks.items()
}
show(
    before_and_after(reports, f412, "Digit ResNet"),
    look_at="the bars in the middle of each panel, and that half the channels leave about a "
    "quarter of MACs and weights, but half of the SRAM.",
)
check.reveal("p4")

# %% [markdown]
# **Explain.** Why a quarter and not a half? And why did the zeros save nothing at all here, where
# section 5 had saved flash with them? (The board's kernels read dense weights. A kernel that
# decodes gaps would save flash, and spend time on finding out where each weight belongs.)

# %% [markdown]
# ---
# ## Final task (20 points): the most accurate within a budget
#
# Choose how many channels each of the six groups keeps, for **the best validation accuracy within
# 200,000 MACs and 24,576 bytes of flash** on the STM32F412.
#
# - `digit_candidates.CHANNELS` tells the groups and how many channels they have.
# - `digit_candidates.costs(counts)` takes milliseconds and gives `macs`, `flash_bytes`,
#   `sram_bytes` and `latency_ms`. `digit_candidates.candidate(counts)` takes a fraction of a second
#   and gives `validation_accuracy` as well.
# - Nothing is trained for it: the strongest channels stay by L2 norm, and the weights that read
#   them are chosen anew by least squares on some training images. So a design has one accuracy.
# - What is above the budget has no points. Points go from 85 % accuracy (none) to 90 % (all 20), in
#   proportion between.
#
# The answer is a plain dict, one whole number a group. By hand, by the sensitivity of the groups,
# or by a search: you have 60 seconds when it is graded; put the numbers in if yours takes longer.

# %% nbgrader={"grade_id": "final", "solution": true}
design = dict.fromkeys(digit_candidates.CHANNELS)
### BEGIN SOLUTION
best, rng = 0.0, np.random.default_rng(0)
sizes, limits = digit_candidates.CHANNELS, digit_candidates.BUDGET
for _ in range(40):
    shares = dict(zip(sizes, np.exp(rng.uniform(np.log(0.3), 0, 6)), strict=True))
    scale = 1 / max(shares.values())
    option = {n: max(1, round(scale * shares[n] * size)) for n, size in sizes.items()}
    spent = digit_candidates.costs(option)
    while spent["macs"] > limits.macs or spent["flash_bytes"] > limits.flash_bytes:
        scale *= 0.96
        option = {n: max(1, round(scale * shares[n] * size)) for n, size in sizes.items()}
        spent = digit_candidates.costs(option)
    reached = digit_candidates.candidate(option)["validation_accuracy"]
    if reached > best:
        best, design = reached, option
        print(f"{best:.1%} with {option}")
### END SOLUTION
design

# %% nbgrader={"grade_id": "final-test", "grade": true, "locked": true, "points": 20}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab1")
### END HIDDEN TESTS
check("final", design)
### BEGIN HIDDEN TESTS
judge("final", design)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The test images, once: what your design would be worth where nothing was chosen.

# %%
if check("final", design).status in ("right", "note"):
    ranks = {name: sorted(ranking[name][: design[name]]) for name in design}
    chosen = pruning.smaller_network(dense, groups, ranks)
    pruning.fine_tune(chosen, {}, data, epochs=6, seed=0, learning_rate=0.05, progress=False)
    for name, network in (("dense", dense), ("your design, fine-tuned", chosen)):
        right = accuracy(predict(network, data.test), data.test.labels)
        print(f"{name:24} test accuracy {right:.1%}")
else:
    print("This waits for a design that has points.")

# %% [markdown]
# ---
# ## Written answer (10 points)
#
# **Which granularity of pruning makes a Cortex-M faster, and why?** In 100 to 200 words:
# - what fine-grained zeros save on the board as it is, and what they could save with other kernels;
# - what channel pruning saves in MACs, latency, SRAM and flash, and why MACs fall faster than SRAM;
# - what it costs in accuracy against fine-grained pruning at the same number of weights, and why.
#
# Use numbers from your figures.

# %% [markdown] nbgrader={"grade_id": "written", "grade": true, "solution": true, "points": 10}
# ### BEGIN SOLUTION
# **Sample answer.** Channel pruning. A Cortex-M has no hardware that skips zeros: its dense kernels
# load every weight and multiply by it, so a network with 80 % zeros has the same MACs, latency,
# SRAM and, as dense arrays, flash. Stored with relative indices, its weights take about a third of
# the flash, but each must then be decoded and placed, work that can cost more than the
# multiplications it saves. Removing channels leaves a smaller dense network that the same kernels
# run: half the channels leave half the inputs and half the outputs of each layer, so about a
# quarter of the MACs (25 %) and weights (26 %). Maps have one axis of channels, so SRAM falls to
# half. The latency falls to 27 %, a little less than the MACs, since each layer has costs that do
# not depend on its channels. The price is accuracy: channels take large weights with them. At five
# ninths pruned, 48 % of the squares are left instead of 88 %, and before training 62 % accuracy
# instead of 99 %. Fine-tuning gives most of it back.
#
# **Rubric** (2 points each)
# 1. Names channel pruning, and that its result is a smaller dense network for the same kernels.
# 2. Dense kernels multiply by zeros: no change of MACs, latency and SRAM (number from a figure).
# 3. Sparse storage can save flash, at 12 bits instead of 8 for each weight, and costs decoding.
# 4. MACs and weights fall with the square of the channels, SRAM in proportion (numbers).
# 5. Coarser granularity loses more accuracy at equal sparsity, for it cannot choose freely.
# ### END SOLUTION

# %% [markdown]
# ---
# ## Summary
#
# - **Sparsity** is not speed. On a microcontroller a zero costs what any weight costs.
# - **Granularity** trades freedom of choice against use. Only channels make a dense kernel faster.
# - **Ratios** differ by layer; a scan shows which, layer by layer but not together.
# - **Fine-tuning** brings accuracy back, if weights, gradients and velocity all obey the mask.
# - **Sparse storage** pays from a sparsity of about a third on, in flash only.
# - **Shortcuts** couple channels: they go everywhere or nowhere.
#
# ### Reading
# - S. Han et al., *Learning both Weights and Connections for Efficient Neural Networks*, NIPS 2015.
# - S. Han et al., *Deep Compression*, ICLR 2016; *EIE: Efficient Inference Engine*, ISCA 2016.
# - H. Mao et al., *Exploring the Granularity of Sparsity in Convolutional Neural Networks*, 2017.
# - P. Molchanov et al., *Importance Estimation for Neural Network Pruning*, CVPR 2019.
# - M. Zhu, S. Gupta, *To prune, or not to prune*, 2017.
# - A. Mishra et al., *Accelerating Sparse Deep Neural Networks*, 2021 (2:4).
# - W. Niu et al., *PatDNN: Achieving Real-Time DNN Execution on Mobile Devices*, ASPLOS 2020.
# - Y. He et al., *AMC: AutoML for Model Compression*, ECCV 2018.

# %%
check.summary()
