# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 2: quantization
# ### Integers all the way
#
# A weight is trained as a float32 of 4 bytes. On a microcontroller it is an int8 of one byte, or
# a few bits, and the core computes with integers only. In this lab you write each step from the
# float to the byte that comes out, and find that very little accuracy is lost on the way.
#
# **You will be able to**
# - put real numbers on a grid of integers, and say what is lost by rounding and by saturation;
# - explain why weights have a scale for each channel, and where a grid should end;
# - compute a layer in integers alone, equal to the bit with the deployed network;
# - train through the rounding, and share weights in a codebook with Huffman's words;
# - give each layer the bits that it needs, within a budget of flash.
#
# **What you need:** about two hours. The computation of the whole notebook takes under two
# minutes on two cores and under 800 MiB of memory; no GPU, no network, no board. The last cell
# tells what it took here.
#
# **How it works.** Each idea has four steps: *predict*, *build*, *observe*, *explain*. You write
# fourteen short functions. After each one, `check` shows at once what it gives, what is expected,
# and the likely mistake. Points (100): fourteen functions 70, a design 20, a written answer 10.
# The points for functions come from hidden inputs of the same kinds as the visible ones.
#
# **Stuck?** Go on. `check.use("q3", quantize_per_channel)` gives your function if it passes its
# check, and otherwise the library's, so no figure waits for you. That question just has no points
# yet.

# %% [markdown]
# ## Set-up
# Run this cell first. The network is a small MobileNetV2 for handwritten digits of 8 x 8 pixels.
# It was trained before (`tools/train_models.py`), and its weights came with the course. Its batch
# norms are folded into the weights, as for a board.
#
# `trial` tries it with fewer bits: `trial.accuracy({"stem": 3})` is the validation accuracy with
# the stem's weights on a grid of 3 bits and all others in float. `trial.layers` are the names,
# `trial.weights` the float weights by name.

# %%
import math

import numpy as np
from tqdm.auto import tqdm

from tinyml_course import quantization as quant
from tinyml_course.course import checker
from tinyml_course.mcu import Emulator, board, packed_schedule, plan, reference, report
from tinyml_course.mcu.scheduling import Schedule
from tinyml_course.plots import quantization as figures
from tinyml_course.plots.board_costs import before_and_after
from tinyml_course.plots.quantization_slider import grid_slider
from tinyml_course.plots.show import show

check = checker("lab2")
trial = quant.trained_trial("digit_mobilenet")
in_float = trial.accuracy({})
weights = trial.weights
for name, weight in weights.items():
    print(f"{name:18} {weight.shape!s:18} {weight.size:6,} weights")
print(f"validation accuracy with float weights: {in_float:.1%}")

# %% [markdown]
# Weights are written as a board keeps them: `(C_out, rows, columns, C_in)` for a convolution,
# `(1, rows, columns, C_out)` for a depthwise one, `(C_out, C_in)` for a linear layer.
#
# ---
# ## 1. A grid
#
# An integer $q$ stands for a real number $r$ by a *scale* $S$ and a *zero point* $Z$:
#
# $$ r = S \, (q - Z) $$
#
# With $b$ bits there are $2^b$ integers, from $-2^{b-1}$ to $2^{b-1} - 1$. The grid must cover
# the range of the numbers and **hit 0 exactly**: padding writes 0, a ReLU gives many of them.
#
# ### q1 (5 points): scale and zero point of a range
#
# Widen the range to hold 0. Its ends belong to the smallest and the largest integer. The zero
# point is a whole number: round it.


# %% nbgrader={"grade_id": "q1", "solution": true}
def scale_and_zero_point(low: float, high: float, bits: int = 8) -> tuple[float, int]:
    """The grid that covers a range.

    low, high: of the real numbers; low < high.
    bits: of an integer.

    Returns (scale, zero point): a float and the integer that stands for 0.
    scale_and_zero_point(0.0, 6.0) is about (0.02353, -128).
    """
    ### BEGIN SOLUTION
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bits - 1)
    return scale, round(-(2 ** (bits - 1)) - low / scale)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q1-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q1", scale_and_zero_point)
### BEGIN HIDDEN TESTS
judge("q1", scale_and_zero_point)
### END HIDDEN TESTS

# %% [markdown]
# ### q2 (5 points): real numbers to integers
#
# $q = \mathrm{clip}(\mathrm{round}(r / S) + Z)$. Two rules decide whether you are right to the
# bit: halves go **away from zero** (2.5 to 3, -2.5 to -3; NumPy's `round` sends both to even
# numbers), and what does not fit **saturates** at the nearest end instead of wrapping around.


# %% nbgrader={"grade_id": "q2", "solution": true}
def quantize_linear(x, scale: float, zero_point: int = 0, bits: int = 8) -> np.ndarray:
    """Integers of one grid.

    x: real numbers, a list or an array of any shape.
    scale, zero_point: of the grid.
    bits: of an integer.

    quantize_linear([0.6, 2.5, -2.5, 900], 1.0) is [1, 3, -3, 127].
    """
    ### BEGIN SOLUTION
    steps = np.asarray(x) / scale
    rounded = np.trunc(steps + np.copysign(0.5, steps))
    most = 2 ** (bits - 1) - 1
    return np.clip(rounded + zero_point, -most - 1, most).astype(int)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q2-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q2", quantize_linear)
### BEGIN HIDDEN TESTS
judge("q2", quantize_linear)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** A range from -1 to 2, there and back, with 3 and 4 bits.

# %%
grid_of = check.use("q1", scale_and_zero_point)
integers_of = check.use("q2", quantize_linear)


def there_and_back(x: np.ndarray, bits: int) -> np.ndarray:
    """What is left of x on the grid of -1 to 2."""
    scale, zero_point = grid_of(-1.0, 2.0, bits)
    return scale * (np.asarray(integers_of(x, scale, zero_point, bits)) - zero_point)


x = np.linspace(-1.5, 2.5, 801)
show(
    figures.staircase(x, {f"{bits} bits": there_and_back(x, bits) for bits in (3, 4)}),
    look_at="the saw of rounding inside the range, never more than half a step, and the ramps "
    "outside, which grow without bound.",
)

# %% [markdown]
# **Explain.** There are two kinds of error. *Rounding* is at most half a step; *saturation* has
# no bound, but only meets what lies outside. A wide range has coarse steps, a narrow one
# saturates: you will meet this choice again for weights, for maps, and in training. With 3 bits
# the grid reaches from -0.86 to 2.14: to hit 0, it moved by a third of a step.
#
# ---
# ## 2. A scale for each channel
#
# Weights lie around 0 on both sides, so their grid is *symmetric*: zero point 0, from
# $-(2^{b-1}-1)$ to $2^{b-1}-1$. Then the board has no zero point to subtract from any weight.
#
# **Predict.** One scale for a whole layer must serve its largest weight. Which layers suffer
# most?

# %%
check.predict("p1", "")

# %% [markdown]
# ### q3 (6 points): a scale for each channel
#
# A channel's largest magnitude becomes the largest integer. `axis` says where the output channels
# are: 0 for a convolution, 3 for a depthwise one. Halves go away from zero again. No channel is
# all zeros here.


# %% nbgrader={"grade_id": "q3", "solution": true}
def quantize_per_channel(w: np.ndarray, bits: int = 8, axis: int = 0) -> dict[str, np.ndarray]:
    """Symmetric integers with a scale for each output channel.

    w: weights of any shape.
    bits: of an integer; 8 bits go from -127 to 127.
    axis: of the output channels.

    Returns a dict: "scales" (C_out,), and "integers" of the shape of w.
    """
    ### BEGIN SOLUTION
    most = 2 ** (bits - 1) - 1
    others = tuple(a for a in range(w.ndim) if a != axis)
    scales = np.abs(w).max(axis=others, keepdims=True) / most
    steps = w / scales
    return {
        "scales": scales.ravel(),
        "integers": np.trunc(steps + np.copysign(0.5, steps)).astype(int),
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "q3-test", "grade": true, "locked": true, "points": 6}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q3", quantize_per_channel)
### BEGIN HIDDEN TESTS
judge("q3", quantize_per_channel)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The channels of one depthwise layer, and the error of all layers by their kind.

# %%
per_channel_of = check.use("q3", quantize_per_channel)
depthwise = [name for name in trial.layers if "depthwise" in name]
others = [name for name in trial.layers if name not in depthwise]


def channels_of(name: str, weight: np.ndarray) -> np.ndarray:
    """Weights with a row for each output channel."""
    first = np.moveaxis(weight, 3, 0) if name in depthwise else weight
    return first.reshape(len(first), -1)


def lost(name: str, bits: int, per_channel: bool) -> float:
    """Root mean square error of a layer's weights, relative to their size."""
    rows = channels_of(name, weights[name])
    if not per_channel:
        rows = rows.reshape(1, -1)
    found = per_channel_of(rows, bits)
    back = np.asarray(found["integers"]) * np.asarray(found["scales"])[:, None]
    return float(np.sqrt(((back - rows) ** 2).mean() / (rows**2).mean()))


def mean_lost(names: list[str], per_channel: bool) -> list[float]:
    """Mean over layers, for each number of bits."""
    return [float(np.mean([lost(name, b, per_channel) for name in names])) for b in range(2, 9)]


show(
    figures.channel_ranges(weights["block0.depthwise"], 3, 2, "block0.depthwise"),
    look_at="the red channels: they lie inside the band, so one grid for all makes them vanish.",
)
curves = {
    "depthwise, one scale": mean_lost(depthwise, False),
    "depthwise, one a channel": mean_lost(depthwise, True),
    "others, one scale": mean_lost(others, False),
    "others, one a channel": mean_lost(others, True),
}
show(
    figures.error_against_bits(range(2, 9), curves, "the digits network", in_pairs=True),
    look_at="how far apart the two lines of one colour are, and their slope: in the end a factor "
    "2 for each bit.",
)
for kind, names in {"depthwise": depthwise, "others": others}.items():
    gain = curves[f"{kind}, one scale"][1] / curves[f"{kind}, one a channel"][1]
    pair = [trial.accuracy(dict.fromkeys(names, 2), per_channel) for per_channel in (False, True)]
    print(f"{kind} ({len(names)} layers): with 3 bits the error falls {gain:.1f} times;")
    print(f"   2 bits in these alone: one scale {pair[0]:.1%}, one a channel {pair[1]:.1%}")
check.reveal("p1")

# %% [markdown]
# **Explain.** With $2^{b-1} - 1$ steps on each side, a bit more halves the step and so the error;
# with few bits it does even better, since 1, 3 and 7 steps are more than a factor 2 apart. A
# scale for each channel shifts the whole line down, for 4 bytes a channel. (By accuracy, the
# other layers win as much: they are 11, with five times as many weights.)
#
# **Observe.** The gain is larger in depthwise layers, but not by much: in this network the
# channels of a layer happen to be alike. They need not be. ReLU lets a positive factor pass, so
# what makes a channel may be multiplied by 3 and what reads it divided by 3, and the network
# computes the same. Now every channel between two layers gets a factor of chance from 1/4 to 4.
# (ReLU6 becomes ReLU for that; fewer than one in 10,000 values behind one reaches 6.)

# %%
other = trial.unequalized(4, seed=0)


def spread(of: dict[str, np.ndarray], names: list[str]) -> str:
    """The largest magnitude of the widest channel over that of the narrowest, layer by layer."""
    sizes = [np.abs(channels_of(name, of[name])).max(1) for name in names]
    ratios = [size.max() / size.min() for size in sizes]
    return f"{min(ratios):.1f} to {max(ratios):.1f}"


for label, one in {"as trained": trial, "with factors": other}.items():
    print(f"{label}: float weights {one.accuracy({}):.1%}")
    for bits in (8, 4):
        each = dict.fromkeys(one.layers, bits)
        pair = [one.accuracy(each, per_channel) for per_channel in (False, True)]
        print(f"   {bits} bits: one scale {pair[0]:.1%}, one a channel {pair[1]:.1%}")
    print(
        f"   widest over narrowest channel: depthwise layers {spread(one.weights, depthwise)}, "
        f"others {spread(one.weights, others)}"
    )
show(
    figures.channel_ranges(other.weights["block1.depthwise"], 3, 4, "block1.depthwise, factors"),
    look_at="how many channels are left, with 4 bits, of a layer that computes the same as before.",
)

# %% [markdown]
# **Explain.** One scale for a layer works as long as the factors happen to be kind; a scale for
# each channel takes them out of the weights. (Maps keep one scale here, so much larger factors
# would hurt them in turn.) A depthwise channel reads one channel and makes one, so the factors of
# both sides meet in its 9 weights. A dense channel reads all inputs, whose factors mix. Keep your
# observations: the written question asks why a scale for each channel helps depthwise layers
# most.
#
# ---
# ## 3. Where the grid ends
#
# The largest weight decides the step of all others. With few bits it may be better to cut it off.
#
# **Predict.** Where should a grid end?

# %%
check.predict("p2", "")

# %% [markdown]
#
# ### q4 (5 points): the limit of least error
#
# For each candidate limit $L$ the scale is $L / (2^{b-1} - 1)$. Round, clip, go back, and take
# the mean squared error. Return the limit with the least; the first among equals.


# %% nbgrader={"grade_id": "q4", "solution": true}
def mse_clip(w: np.ndarray, limits: list[float], bits: int = 8) -> float:
    """Where a symmetric grid should end.

    w: weights of any shape.
    limits: the candidates, above 0, in any order.
    bits: of an integer.

    Returns one of the limits.
    """
    ### BEGIN SOLUTION
    most = 2 ** (bits - 1) - 1

    def error(limit: float) -> float:
        scale = limit / most
        back = np.clip(np.rint(w / scale), -most, most) * scale
        return float(((back - w) ** 2).mean())

    return min(limits, key=error)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q4-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q4", mse_clip)
### BEGIN HIDDEN TESTS
judge("q4", mse_clip)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The best limit of one layer for each number of bits, and the weights on both grids.

# %%
clip_of = check.use("q4", mse_clip)
layer = "block4.expand"
w = weights[layer]
largest = float(np.abs(w).max())
shares = [share / 20 for share in range(20, 1, -1)]
for bits in range(2, 9):
    best = clip_of(w, [share * largest for share in shares], bits)
    print(f"{bits} bits: the best limit is {best / largest:.0%} of the largest weight")
narrow = clip_of(w, [share * largest for share in shares], 3)
show(
    figures.histogram_on_grid(w, {"largest weight": largest, "least error": narrow}, 3, layer),
    look_at="above, the outermost lines, near which there are hardly any weights; below, the few "
    "red weights that are cut off, and the smaller error.",
)
check.reveal("p2")

# %% [markdown]
# Move the sliders and find the least error by hand.

# %%
grid_slider(w, layer)

# %% [markdown]
# **Explain.** With 8 bits there are lines enough for the whole range. With 3 bits there are 7,
# and it pays to spend them where the weights are.
#
# ---
# ## 4. A layer in integers alone
#
# Now the core's work. With $r = S(q - Z)$ for input and output, and weights without zero point,
#
# $$ q_\text{out} = Z_\text{out} + \frac{S_\text{in} S_w}{S_\text{out}}
#    \Big( \sum (q_\text{in} - Z_\text{in})\, q_w + q_\text{bias} \Big) $$
#
# The sum is exact in int32. Only the fraction in front is a real number.
#
# ### q5 (4 points): the bias
#
# It is added to the sum, so it must be counted in the sum's steps. Return integers, rounded;
# `scale` holds one scale for each channel, or one for all.


# %% nbgrader={"grade_id": "q5", "solution": true}
def quantize_bias(bias: np.ndarray, input_scale: float, scale: np.ndarray) -> np.ndarray:
    """Integers of a bias, in the steps of the accumulator.

    bias: real numbers (C_out,).
    input_scale: of the layer's input.
    scale: of the weights, (C_out,) or (1,).
    """
    ### BEGIN SOLUTION
    return np.rint(bias / (input_scale * scale.astype(np.float64))).astype(np.int64)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q5-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q5", quantize_bias)
### BEGIN HIDDEN TESTS
judge("q5", quantize_bias)
### END HIDDEN TESTS

# %% [markdown]
# ### q6 (6 points): a real number as an integer and a shift
#
# Without a floating-point unit, the fraction becomes an int32 `multiplier` and a `shift`:
#
# $$ M \approx \text{multiplier} \cdot 2^{\,\text{shift} - 31}, \qquad
#    2^{30} \le \text{multiplier} < 2^{31} $$
#
# `math.frexp(real)` gives a fraction from 0.5 to 1 and its exponent. Two cases are special: the
# fraction may round up to $2^{31}$, which int32 does not hold (halve it, and add 1 to the shift);
# and 0 and all below $2^{-32}$ give `(0, 0)`.


# %% nbgrader={"grade_id": "q6", "solution": true}
def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real number, not negative, as (multiplier, shift).

    quantize_multiplier(0.5) is (1073741824, 0).
    """
    ### BEGIN SOLUTION
    if real < 2.0**-32:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return multiplier, shift
    ### END SOLUTION


# %% nbgrader={"grade_id": "q6-test", "grade": true, "locked": true, "points": 6}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q6", quantize_multiplier)
### BEGIN HIDDEN TESTS
judge("q6", quantize_multiplier)
### END HIDDEN TESTS

# %% [markdown]
# ### q7 (7 points): an accumulator back to int8
#
# Here two boards differ if one of them rounds otherwise, so do exactly this, for each channel
# (the last axis):
#
# 1. a positive `shift` shifts the accumulator left by so many places;
# 2. multiply by `multiplier`, add $2^{30}$, shift right by 31: `>>`, which rounds down;
# 3. a negative `shift` divides by $2^{-\text{shift}}$ to the nearest, halves **away from zero**;
# 4. add the zero point, and clip to -128..127.
#
# Compute in `int64`. (On a Cortex-M4, step 2 is one instruction, `SMMULR`, on twice the
# accumulator.)


# %% nbgrader={"grade_id": "q7", "solution": true}
def requantize(
    accumulator: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, zero_point: int
) -> np.ndarray:
    """Accumulators to int8.

    accumulator: integers, channels on the last axis.
    multiplier, shift: integers (C_out,), as q6 gives them.
    zero_point: of the output.
    """
    ### BEGIN SOLUTION
    shifts = shift.astype(np.int64)
    left, right = np.maximum(shifts, 0), np.maximum(-shifts, 0)
    wide = accumulator.astype(np.int64) << left
    high = (wide * multiplier.astype(np.int64) + 2**30) >> 31
    half = np.where(right > 0, 1 << np.maximum(right - 1, 0), 0)
    rounded = np.sign(high) * ((np.abs(high) + half) >> right)
    return np.clip(rounded + zero_point, -128, 127)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q7-test", "grade": true, "locked": true, "points": 7}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q7", requantize)
### BEGIN HIDDEN TESTS
judge("q7", requantize)
### END HIDDEN TESTS

# %% [markdown]
# ### q8 (7 points): a convolution in integers
#
# Padding writes the real 0, which is the input's zero point. Take care that
# `x - input_zero_point` does not wrap around in int8. The first line gives you `to_int8`: your q7
# if it passes, else the library's. A linear layer is the case of a 1x1 kernel on a map of one
# place.

# %% nbgrader={"grade_id": "q8", "solution": true}
to_int8 = check.use("q7", requantize)


def integer_conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    input_zero_point: int,
    multiplier: np.ndarray,
    shift: np.ndarray,
    output_zero_point: int,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """A convolution of integers.

    x: int8 (H, W, C_in).                 weight: int8 (C_out, K, K, C_in).
    bias: int32 (C_out,).                 stride: of rows and columns.
    multiplier, shift: (C_out,).          padding: rows and columns added on each side.

    Returns integers (H_out, W_out, C_out).
    """
    ### BEGIN SOLUTION
    size, edges = weight.shape[1], ((padding, padding), (padding, padding), (0, 0))
    centred = np.pad(x.astype(np.int64) - input_zero_point, edges)
    rows = (centred.shape[0] - size) // stride + 1
    columns = (centred.shape[1] - size) // stride + 1
    sums = np.empty((rows, columns, len(weight)), np.int64)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            window = centred[top : top + size, left : left + size]
            sums[i, j] = np.tensordot(weight.astype(np.int64), window, 3) + bias
    return to_int8(sums, multiplier, shift, output_zero_point)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q8-test", "grade": true, "locked": true, "points": 7}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q8", integer_conv2d)
### BEGIN HIDDEN TESTS
judge("q8", integer_conv2d)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** All layers of the deployed network, from float biases to bytes, by your functions.
# (In a depthwise layer each channel is a convolution of its own.) Is every byte the same? The
# other side is the reference of the emulated board, which agrees with the C code on the core.

# %%
conv_of = check.use("q8", integer_conv2d)
multiplier_of = check.use("q6", quantize_multiplier)
bias_of = check.use("q5", quantize_bias)
deployed = trial.deployed(dict.fromkeys(trial.layers, 8))


def by_hand(name: str, maps: dict[str, np.ndarray]) -> np.ndarray:
    """A layer's output, computed by the functions of this lab from the map that it reads."""
    layer = quant.one_layer(deployed, name)
    scales = layer.weight_scale.astype(np.float64)
    bias = np.asarray(bias_of(trial.biases[name], layer.input_scale, scales)).astype(np.int64)
    reals = layer.input_scale * scales / layer.output_scale
    table = np.array([multiplier_of(float(real)) for real in reals]).astype(np.int64)
    x = maps[layer.source].reshape(layer.input_shape)
    parts = []
    for group in range(layer.groups):
        part = slice(group, group + 1) if layer.groups > 1 else slice(None)
        numbers = (layer.input_zero_point, *table[part].T, layer.output_zero_point)
        kernel = (x[:, :, part], layer.weight[part], bias[part])
        parts.append(conv_of(*kernel, *numbers, layer.stride, layer.padding))
    return np.concatenate(parts, axis=-1)


equal = places = 0
for image in trial.data.validation.channels_last()[:5]:
    maps = reference.run_all(deployed, image)
    for name in trial.layers:
        ours, theirs = by_hand(name, maps).ravel(), maps[name].ravel()
        equal, places = equal + int((ours == theirs).sum()), places + theirs.size
print(f"{len(trial.layers)} layers, 5 images: {equal:,} of {places:,} bytes are equal")

# %% [markdown]
# **Explain.** Nothing here is approximate. The scales were chosen with care before, and are
# constants in flash now; what remains are integers, and they come out the same on every machine.
# And where is the ReLU? A map behind one has no values below 0, so its grid begins at 0, which is
# -128: the clip to -128..127 does the ReLU's work.
#
# ### Where maps saturate
#
# A map's range is not known before images flow. It is *calibrated* on training images: by the
# smallest and largest value (`minmax`), without the outermost ones (`percentile`), by least error
# as in q4 (`mse`), or such that the histogram keeps its shape (`entropy`, by the Kullback-Leibler
# divergence).

# %%
show(
    figures.saturations(
        {
            "minmax of 4 images": trial.saturating("minmax", 4),
            "percentile of all": trial.saturating("percentile"),
            "mse of all": trial.saturating("mse"),
        },
        "calibrated on training images, values of all training images",
    ),
    look_at="how much more saturates with too few images: a long tick of the axis is a factor 10.",
)
errors = {"minmax of 4 images": trial.output_error("minmax", 4)}
for method in tqdm(("minmax", "percentile", "mse", "entropy"), desc="calibrations"):
    errors[f"{method} of all"] = trial.output_error(method)
for label, error in errors.items():
    print(f"{label:20} error of the outputs {error:.1%}")

# %% [markdown]
# **Explain.** `minmax` cuts off nothing of the images that it has seen (so it has no dots when it
# has seen all), but four are too few: others go beyond, and the error of the outputs is several
# times as large. `mse` has seen all and still gives up a few values, for finer steps of all
# others. With 8 bits and images enough there is little to gain over `minmax` here, and `entropy`,
# which looks at the shape of a histogram and not at the values, even loses. Which is best is for
# validation images to say, network by network.
#
# ---
# ## 5. Fewer bits, and training through the rounding
#
# **Predict.** All weights get 3 bits instead of 8, a scale for each channel. What is left of the
# accuracy, before any training?

# %%
check.predict("p3", "")

# %% [markdown]
# Rounding is a staircase. Its slope is 0 everywhere, so no gradient comes through. The
# *straight-through estimator* pretends that the slope is 1 on the grid and 0 where values
# saturate.
#
# ### q9 (5 points): a gradient through the rounding
#
# Return the values after a way there and back (as in q2, halves away from zero), and the
# gradient: 1 where the integer, zero point included, lies on the grid, else 0.


# %% nbgrader={"grade_id": "q9", "solution": true}
def straight_through(
    x: np.ndarray, scale: float, zero_point: int = 0, bits: int = 8
) -> dict[str, np.ndarray]:
    """Fake quantization and its gradient.

    x: real numbers of any shape.
    scale, zero_point, bits: of the grid.

    Returns a dict: "values", real numbers on the grid, and "gradient", 0 or 1, both of x's shape.
    """
    ### BEGIN SOLUTION
    most = 2 ** (bits - 1) - 1
    steps = np.trunc(x / scale + np.copysign(0.5, x)) + zero_point
    clipped = np.clip(steps, -most - 1, most)
    return {"values": (clipped - zero_point) * scale, "gradient": (clipped == steps).astype(float)}
    ### END SOLUTION


# %% nbgrader={"grade_id": "q9-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q9", straight_through)
### BEGIN HIDDEN TESTS
judge("q9", straight_through)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Accuracy against bits: weights put on the grid as they are, with one scale or one
# for each channel, and after 3 epochs of training through the rounding (*quantization-aware
# training*, QAT). The next cell trains four networks.

# %%
all_bits = (2, 3, 4, 5, 6, 8)
after = {"one scale": [], "one a channel": [], "one a channel, trained (QAT)": []}
for bits in tqdm(all_bits, desc="bits"):
    each = dict.fromkeys(trial.layers, bits)
    one_scale, one_a_channel = trial.accuracy(each, False), trial.accuracy(each)
    trained = trial.tuned_accuracy(each, epochs=3, seed=0) if bits < 6 else one_a_channel
    for curve, accuracy in zip(after.values(), (one_scale, one_a_channel, trained), strict=True):
        curve.append(accuracy)
for label, curve in after.items():
    print(f"{label:30} with 2 bits {curve[0]:6.1%}, with 3 bits {curve[1]:6.1%}")
show(
    figures.accuracy_against_bits(all_bits, after, in_float, "digits, validation images"),
    look_at="the knee between 3 bits and 2, and how much of the way back training finds at 2.",
)
check.reveal("p3")

# %% [markdown]
# **Explain.** With 8 bits nothing happens. Below the knee the accuracy falls within one bit.
# Training moves the weights to where the grid hurts least; it does not make the grid finer. (From
# 6 bits on there was nothing to repair, so nothing was trained.)
#
# ---
# ## 6. Shared weights
#
# A grid need not be even. *Deep Compression* lets all weights of a layer share a few values, the
# **centroids**: the flash holds the centroids and, for each weight, an index.
#
# ### q10 (5 points): a step of k-means
#
# Each weight goes to its nearest centroid. Then each centroid moves to the mean of its weights;
# one without weights stays where it is. Return the indices of the assignment (before the move),
# and the centroids after it.


# %% nbgrader={"grade_id": "q10", "solution": true}
def codebook_step(w: np.ndarray, centroids: np.ndarray) -> dict[str, np.ndarray]:
    """One step of k-means.

    w: weights of any shape.
    centroids: (k,), ascending.

    Returns a dict: "indices" of the shape of w, and "centroids" (k,), moved.
    """
    ### BEGIN SOLUTION
    indices = np.abs(w[..., None] - centroids).argmin(axis=-1)
    moved = [
        w[indices == k].mean() if (indices == k).any() else centroid
        for k, centroid in enumerate(centroids)
    ]
    return {"indices": indices, "centroids": np.array(moved)}
    ### END SOLUTION


# %% nbgrader={"grade_id": "q10-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q10", codebook_step)
### BEGIN HIDDEN TESTS
judge("q10", codebook_step)
### END HIDDEN TESTS

# %% [markdown]
# ### q11 (3 points): the bytes of a codebook
#
# The indices are packed without gaps into whole bytes; each centroid is a float32.


# %% nbgrader={"grade_id": "q11", "solution": true}
def codebook_bytes(weights: int, bits: int, centroids: int | None = None) -> int:
    """Bytes of a layer with shared weights.

    weights: how many.
    bits: of an index.
    centroids: how many are stored; by default all that the bits can name.

    codebook_bytes(1000, 4) is 564.
    """
    ### BEGIN SOLUTION
    entries = 2**bits if centroids is None else centroids
    return math.ceil(weights * bits / 8) + 4 * entries
    ### END SOLUTION


# %% nbgrader={"grade_id": "q11-test", "grade": true, "locked": true, "points": 3}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q11", codebook_bytes)
### BEGIN HIDDEN TESTS
judge("q11", codebook_bytes)
### END HIDDEN TESTS

# %% [markdown]
# ### q12 (4 points): the gradient of a centroid
#
# Centroids can be trained. If a centroid moves, all its weights move by as much. So its gradient
# is the sum of theirs; 0 for a centroid without weights.


# %% nbgrader={"grade_id": "q12", "solution": true}
def centroid_gradients(gradient: np.ndarray, indices: np.ndarray, clusters: int) -> np.ndarray:
    """Gradients of the centroids.

    gradient: of the loss with respect to each weight.
    indices: of the same shape, the centroid of each weight.
    clusters: number of centroids.
    """
    ### BEGIN SOLUTION
    return np.bincount(indices.ravel(), weights=gradient.ravel(), minlength=clusters)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q12-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q12", centroid_gradients)
### BEGIN HIDDEN TESTS
judge("q12", centroid_gradients)
### END HIDDEN TESTS

# %% [markdown]
# ### q13 (4 points): the bits of Huffman's words
#
# Some indices are frequent. Huffman's code gives them short words: merge the two rarest trees
# into one, again and again, until one is left. Each merge makes all words below it one bit
# longer. Return the bits of all words together; a code that is alone has a word of 1 bit.


# %% nbgrader={"grade_id": "q13", "solution": true}
def huffman_bits(counts: list[int]) -> int:
    """Bits of all words together.

    counts: how often each code occurs, at least once each.

    huffman_bits([5, 2, 1]) is 11: words of 1, 2 and 2 bits.
    """
    ### BEGIN SOLUTION
    if len(counts) == 1:
        return counts[0]
    trees, total = sorted(counts), 0
    while len(trees) > 1:
        merged = trees[0] + trees[1]
        total += merged
        trees = sorted([*trees[2:], merged])
    return total
    ### END SOLUTION


# %% nbgrader={"grade_id": "q13-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q13", huffman_bits)
### BEGIN HIDDEN TESTS
judge("q13", huffman_bits)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** One layer as 16 shared values: error and bytes beside an even grid of 4 bits.

# %%
step_of = check.use("q10", codebook_step)
bytes_of = check.use("q11", codebook_bytes)
words_of = check.use("q13", huffman_bits)
gradients_of = check.use("q12", centroid_gradients)

w = weights[layer]
centroids = np.linspace(w.min(), w.max(), 16)
for _ in range(30):
    found = step_of(w, centroids)
    centroids = np.asarray(found["centroids"])
indices = np.asarray(found["indices"])
even = per_channel_of(w.reshape(1, -1), 4)
on_grid = (np.asarray(even["integers"]) * np.asarray(even["scales"])[0]).reshape(w.shape)
occurring = [int(count) for count in np.bincount(indices.ravel()) if count]
entropy = -sum(count / w.size * math.log2(count / w.size) for count in occurring)
print(f"error of an even grid, one scale: {np.sqrt(((on_grid - w) ** 2).mean()):.4f}")
print(f"error of 16 shared values:        {np.sqrt(((centroids[indices] - w) ** 2).mean()):.4f}")
even_bytes = quant.linear_bytes(w.size, 4)
print(f"bytes: float {4 * w.size:,}, even grid {even_bytes:,}, codebook {bytes_of(w.size, 4):,}")
print(f"bits an index: fixed 4, Huffman {words_of(occurring) / w.size:.3f}, bound {entropy:.3f}")
# The gradient of half the squared error is the error itself.
pull = gradients_of(centroids[indices] - w, indices, 16)
print(f"largest pull on a centroid after k-means: {np.abs(pull).max():.2g}")
show(
    figures.histogram_of_values(
        w,
        {
            "even grid, 4 bits": np.asarray(even["scales"])[0] * np.arange(-7, 8),
            "16 shared values": centroids,
        },
        layer,
    ),
    look_at="where the shared values stand close together and where far apart, and why.",
)

# %% [markdown]
# **Explain.** Shared values stand densely where the weights do, so the error is smaller with as
# many bits. It pulls no centroid any more: the gradient is 0 where each centroid is the mean of
# its weights. Huffman's words come close to the entropy, the bound for words that stand for one
# index each. On a board, looked-up weights cost time and Huffman's words must be decoded first,
# so engines for microcontrollers prefer even grids, with bits that differ from layer to layer.
#
# ---
# ## 7. Bits for each layer
#
# **Predict.** Which layers should keep the most bits?

# %%
check.predict("p4", "")

# %% [markdown]
# ### q14 (4 points): bits within a budget
#
# For each layer and number of bits you have what it costs (in accuracy, loss or error) and how
# many bytes it takes. Choose bits for each layer, such that the costs add up to the least and the
# bytes to at most the budget. You may try all assignments: there are few in this question. (In
# the final task there are too many: think of layers one after the other, and of what is left of
# the budget.)


# %% nbgrader={"grade_id": "q14", "solution": true}
def least_cost_bits(
    costs: dict[str, dict[int, float]], sizes: dict[str, dict[int, int]], budget_bytes: int
) -> dict[str, int]:
    """Bits of least cost that fit.

    costs: for each layer, the cost of each number of bits.
    sizes: for each layer, the bytes of each number of bits.
    budget_bytes: at most; the fewest bits always fit.

    Returns the number of bits of each layer.
    """
    ### BEGIN SOLUTION
    best = {0: (0.0, {})}  # bytes used: (cost, bits), the best for the layers so far
    for name in sizes:
        found = {}
        for used, (cost, bits) in best.items():
            for number, size in sizes[name].items():
                total, sum_of_costs = used + size, cost + costs[name][number]
                better = total not in found or sum_of_costs < found[total][0]
                if total <= budget_bytes and better:
                    found[total] = (sum_of_costs, {**bits, name: number})
        best = found
    return min(best.values(), key=lambda pair: pair[0])[1]
    ### END SOLUTION


# %% nbgrader={"grade_id": "q14-test", "grade": true, "locked": true, "points": 4}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("q14", least_cost_bits)
### BEGIN HIDDEN TESTS
judge("q14", least_cost_bits)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** What each layer alone costs: how much the loss on training images grows with this
# layer on a grid and all others in float. (A number below 0 is luck: rounding helped these
# images.)

# %%
base = trial.loss({})
costs = {
    name: {bits: trial.loss({name: bits}) - base for bits in table}
    for name, table in tqdm(trial.sizes.items(), desc="layers")
}
print(f"{'layer':18}{'bytes at 8 bits':>16}   loss added by 2, 3, 4 bits, in thousandths")
for name, table in costs.items():
    more = "".join(f"{1000 * table[bits]:9.2f}" for bits in (2, 3, 4))
    print(f"{name:18}{trial.sizes[name][8]:16,}   {more}")
check.reveal("p4")

# %% [markdown]
# ---
# ## Final task (20 points): the best accuracy in 8,100 bytes
#
# Give each layer from 2 to 8 bits, such that all weights and scales together take at most **8,100
# bytes** of flash (with 8 bits they take 20,952, with 2 bits 7,500), and the validation accuracy
# is best. No training: the weights stay as they are.
#
# - `trial.sizes[layer][bits]` are the bytes, `trial.accuracy(bits)` the accuracy,
#   `trial.loss(bits)` the loss on 360 training images; `bits` is a dict of layer to number of
#   bits.
# - The score is recomputed from your dict. 50 % validation accuracy and below have no points,
#   95 % and above all 20, in proportion between. What does not fit has none.
# - The test images are not looked at. You will see them once, below.
#
# The answer is a plain dict. You may use your q14, a search, or your own idea.

# %% nbgrader={"grade_id": "final", "solution": true}
design = dict.fromkeys(trial.layers)
### BEGIN SOLUTION
whole = trial.loss({})
alone = {
    name: {bits: trial.loss({name: bits}) - whole for bits in table}
    for name, table in trial.sizes.items()
}
design = check.use("q14", least_cost_bits)(alone, trial.sizes, 8_100)
### END SOLUTION
design

# %% nbgrader={"grade_id": "final-test", "grade": true, "locked": true, "points": 20}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab2")
### END HIDDEN TESTS
check("final", design)
### BEGIN HIDDEN TESTS
judge("final", design)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Your design beside one number of bits for all, on the test images. A layer that you
# left open has 8 bits here.

# %%
mixed = {name: bits or 8 for name, bits in design.items()}
show(
    figures.bits_per_layer(trial.sizes, mixed, 8_100, "digits"),
    look_at="which layers gave up bits: compare with the table above.",
)
test = trial.data.test
for label, bits in {
    "8 bits": dict.fromkeys(trial.layers, 8),
    "4 bits": dict.fromkeys(trial.layers, 4),
    "3 bits": dict.fromkeys(trial.layers, 3),
    "2 bits": dict.fromkeys(trial.layers, 2),
    "your design": mixed,
}.items():
    flash = quant.total_bytes(trial.sizes, bits)
    right = trial.accuracy(bits, split=test)
    print(f"{label:12} {flash:7,} B of weights and scales, test accuracy {right:.1%}")


# %% [markdown]
# And the board? In the graph each weight has a byte of its own, with its bits at the top. In flash
# the weights may lie packed; a layer's are then unpacked into SRAM each time before it runs. The
# same bytes come out. What packing takes off the flash, it costs in SRAM and time, so it pays
# where SRAM is free: late layers have the most weights and the smallest maps.

# %%
graph = trial.deployed(mixed)
stm32 = board("stm32f746")
ways = {
    "a byte each": Schedule(graph),
    "packed if free": packed_schedule(graph),
    "all packed": packed_schedule(graph, stm32.sram_bytes),
}
on_board = {way: report(plan(schedule, stm32), stm32) for way, schedule in ways.items()}
show(
    before_and_after(on_board, stm32, "your design"),
    look_at="flash against SRAM: what the layers that were left out would have cost.",
)
emulator = Emulator(graph, plan(ways["all packed"], stm32), stm32)
right = sum(
    int(np.argmax(emulator.run(image).output) == label)
    for image, label in zip(test.channels_last(), test.labels, strict=True)
)
print(f"emulated {stm32.title}, all packed: {right} of {len(test.labels)} test images right")

# %% [markdown]
# **Explain.** Biases, multipliers and shifts stay what they are (9 bytes a channel), so even 2 bits
# do not make the constants a quarter. (The count of right images may differ by one or two from the
# accuracy above, which was computed in floats on the same grids: a byte in between may round the
# other way.)
#
# ---
# ## Written answer (10 points)
#
# **Why does a scale for each channel help depthwise layers most?** In 100 to 200 words:
# - what one scale for the whole layer does to a channel of small weights;
# - why the channels of a depthwise layer can differ more in size than those of other layers
#   (think of what makes a channel, what reads it, and of batch norm);
# - why an error in a depthwise channel is not averaged away as in a dense layer;
# - what a scale for each channel costs in flash and in time.
#
# Use numbers from your figures.

# %% [markdown] nbgrader={"grade_id": "written", "grade": true, "solution": true, "points": 10}
# ### BEGIN SOLUTION
# **Sample answer.** With one scale, the largest weight of the layer decides the step. A channel
# whose weights are all below half a step becomes 0 as a whole; one a little above is left with
# the integers -1, 0 and 1. In block0.depthwise the widest channel is 3.8 times as wide as the
# narrowest, and with 2 bits 8 of 16 channels vanish. A depthwise channel has 9 weights, one input
# channel and one output channel. Folding batch norm multiplies them by gamma over the standard
# deviation, and any factor between two layers can be undone by the next one: nothing ties the
# channels together. A dense channel reads all inputs, so their factors mix. With factors from 1/4
# to 4 the widest depthwise channel was up to 431 times the narrowest, in other layers up to 30
# times; at 4 bits one scale was left with 9.7 % accuracy, one a channel with 96.9 %. An error in
# a depthwise channel also averages out less: 9 products, where a 1x1 convolution sums up to 128,
# and no other channel stands in for one that is lost. A scale for each channel gives each its own
# step. In the network as trained that makes the error 1.7 times smaller in depthwise layers and
# 1.4 times in others. It costs 4 bytes a channel in flash (and a multiplier and shift each), and
# no time in the inner loop: the multiplier is applied once for each output anyway.
#
# **Rubric** (2 points each)
# 1. One scale: the largest weight decides the step, small channels become coarse or 0.
# 2. Depthwise channels differ in size (a free factor on both sides, folded batch norm, few
#    weights), with a number.
# 3. Errors average out less: 9 products, and each channel stands alone.
# 4. A scale for each channel gives each its own step; the error falls (number from a figure).
# 5. Cost: bytes for a scale each; no work in the inner loop.
# ### END SOLUTION

# %% [markdown]
# ---
# ## Summary
#
# - An integer stands for $S(q - Z)$. **Rounding** costs at most half a step, **saturation** has
#   no bound, and every range is a choice between them.
# - Weights are symmetric with **a scale for each channel**; maps have one scale and a zero point.
# - A layer is an int32 sum, a **multiplier and a shift**: the same bytes on every machine.
# - **QAT** trains through the rounding with a gradient that ignores the steps.
# - **Codebooks** and Huffman's words store less, but cost time. **Mixed precision** gives bits to
#   the layers that need them.
#
# ### Reading
# - B. Jacob et al., *Quantization and Training of Neural Networks for Efficient
#   Integer-Arithmetic-Only Inference*, CVPR 2018. Sections 2 and 3.
# - S. Han et al., *Deep Compression*, ICLR 2016. Sections 3 and 4.
# - M. Nagel et al., *Data-Free Quantization Through Weight Equalization and Bias Correction*,
#   ICCV 2019. Section 4.1: the factors of section 2, used to make channels alike.
# - R. Krishnamoorthi, *Quantizing Deep Convolutional Networks for Efficient Inference*, 2018.
# - K. Wang et al., *HAQ: Hardware-Aware Automated Quantization*, CVPR 2019.

# %%
check.summary()
