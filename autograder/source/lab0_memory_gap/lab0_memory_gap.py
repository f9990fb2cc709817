# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 0: the memory gap
# ### Why a phone's network does not fit a microcontroller
#
# A phone has gigabytes of memory. A microcontroller such as the STM32F746 has 320 KiB that its
# programs can write to. In this lab you count, byte by byte, what stands between the two.
#
# **You will be able to**
# - count the parameters and multiply-accumulates (MACs) of convolutions, and of whole networks;
# - find the *peak activation memory* of a network, with shortcuts that wait in memory;
# - say whether a network fits a board, and if not, how many bytes are missing;
# - explain what int8 changes, what training costs, and how width and resolution scale each cost;
# - design the largest MobileNetV2 that fits an STM32F746.
#
# **What you need:** about 90 minutes. The computation of the whole notebook takes under half a
# minute on two cores and under 200 MiB of memory; no GPU, no network, no board. The last cell
# tells what it took here.
#
# **How it works.** Each idea has four steps: *predict*, *build*, *observe*, *explain*. You write
# ten short functions. After each one, `check` shows at once what it gives, what is expected, and
# the likely mistake. Points (100): ten functions 70, a design 20, a written answer 10. The points
# for functions come from hidden inputs of the same kinds as the visible ones.
#
# **Stuck?** Go on. `check.use("q3", conv_macs)` gives your function if it passes its check, and
# otherwise the library's, so no figure waits for you. That question just has no points yet.

# %% [markdown]
# ## Set-up
# Run this cell first. The networks have random weights: memory and MACs do not depend on them.

# %%
import math

from tinyml_course import mcu, memory_gap, models
from tinyml_course.course import checker
from tinyml_course.memory_gap.explorer import explorer, limit_of
from tinyml_course.plots import memory_gap as figures
from tinyml_course.plots.show import show

check = checker("lab0")
KIB = 1024

networks = {
    "ResNet-50": memory_gap.layers(models.random_resnet50()),
    "MobileNetV2-1.4": memory_gap.layers(models.random_graph(models.mobilenet_v2(1.4))),
    "MobileNetV2": memory_gap.layers(models.random_graph(models.mobilenet_v2(1.0))),
    "MCUNet-in3": memory_gap.layers(models.random_graph(models.definition("in3@176"))),
}
for board in mcu.BOARDS.values():
    print(board.title)

# %% [markdown]
# A board has two memories, and the difference between them is what this lab is about:
#
# | memory | may be written | holds | STM32F746 |
# | --- | --- | --- | --- |
# | **flash** | no, only read while running | weights and code | 1024 KiB |
# | **SRAM** | yes | activations: what flows between layers | 320 KiB |
#
# A network is a list of layers, each a plain dict. Look at three of them: they are all you need
# to count everything in this lab, and they are taken from the very graph that would be deployed.

# %%
for layer in networks["MobileNetV2"][3:6]:
    print(layer)

# %% [markdown]
# ---
# ## 1. What a layer costs
#
# A convolution slides a kernel over a map. Its output is as large as the number of places where
# the kernel can stand. With input size $n$, kernel $k$, stride $s$ and padding $p$:
#
# $$ n_\text{out} = \left\lfloor \frac{n + p - k}{s} \right\rfloor + 1 $$
#
# **Mind the padding.** Here $p$ is the *total* of both sides. PyTorch's `padding=1` adds a row
# above and one below, so it is $p = 2$ here. TF-Lite often pads on one side only, and then $p$ is
# odd; a number per side could not say that.
#
# ### q1 (6 points): the output size of a convolution


# %% nbgrader={"grade_id": "q1", "solution": true}
def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Rows (or columns) that a convolution gives.

    size: rows of the input.         stride: step between two output rows.
    kernel: rows of the kernel.      padding: rows added in all, above and below together.

    conv_output_size(224, 3, 2, 2) is 112.
    """
    ### BEGIN SOLUTION
    return (size + padding - kernel) // stride + 1
    ### END SOLUTION


# %% nbgrader={"grade_id": "q1-test", "grade": true, "locked": true, "points": 6}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q1", conv_output_size)
### BEGIN HIDDEN TESTS
judge("q1", conv_output_size)
### END HIDDEN TESTS

# %% [markdown]
# ### q2 (6 points): the parameters of a convolution
#
# An output channel has one kernel, which reaches through all the input channels it reads, and one
# bias. With `groups`, channels are split into groups that do not see each other: an output channel
# reads `c_in / groups` input channels. `groups=1` is the ordinary *dense* convolution, and
# `groups=c_in` the *depthwise* one, where each channel is filtered by itself.


# %% nbgrader={"grade_id": "q2", "solution": true}
def conv_params(
    c_in: int, c_out: int, kernel: tuple[int, int], groups: int = 1, bias: bool = True
) -> int:
    """Weights and biases of a convolution.

    c_in, c_out: input and output channels, both multiples of groups.
    kernel: (rows, columns).
    bias: whether each output channel has a bias.

    conv_params(3, 32, (3, 3)) is 896.
    """
    ### BEGIN SOLUTION
    weights = c_out * (c_in // groups) * kernel[0] * kernel[1]
    return weights + c_out if bias else weights
    ### END SOLUTION


# %% nbgrader={"grade_id": "q2-test", "grade": true, "locked": true, "points": 6}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q2", conv_params)
### BEGIN HIDDEN TESTS
judge("q2", conv_params)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Does the formula agree with the graph on every convolution of ResNet-50?

# %%
params_of = check.use("q2", conv_params)
convs = [layer for layer in networks["ResNet-50"] if layer["kind"] == "conv"]
agree = sum(
    params_of(layer["input_shape"][2], layer["output_shape"][2], layer["kernel"]) == layer["params"]
    for layer in convs
)
print(f"{agree} of {len(convs)} convolutions agree")

# %% [markdown]
# ### Multiply-accumulates
#
# The work of a network is counted in MACs: one multiplication and one addition,
# $a \leftarrow a + w \cdot x$. (FLOPs count both, so they are twice as many. Papers mix the two
# up; the numbers of MobileNetV2's paper are MACs.)
#
# **Predict.** MobileNets replace a dense 3x3 convolution by a depthwise 3x3 and a 1x1 convolution.
# Write `A`, `B` or `C` between the quotes *before* you go on.

# %%
check.predict("p1", "")

# %% [markdown]
# ### q3 (8 points): the MACs of a convolution
#
# Each element of the output is one walk over a kernel. A tap that falls on padding counts too: the
# published counts include it, and the kernels of a microcontroller do not skip it.


# %% nbgrader={"grade_id": "q3", "solution": true}
def conv_macs(
    output_size: tuple[int, int],
    c_in: int,
    c_out: int,
    kernel: tuple[int, int],
    groups: int = 1,
) -> int:
    """Multiply-accumulates of a convolution.

    output_size: (rows, columns) of the output map.
    c_in, c_out: input and output channels, both multiples of groups.
    kernel: (rows, columns).
    groups: 1 for a dense convolution, c_in for a depthwise one.

    conv_macs((112, 112), 3, 32, (3, 3)) is 10,838,016.
    """
    ### BEGIN SOLUTION
    positions = output_size[0] * output_size[1]
    return positions * c_out * (c_in // groups) * kernel[0] * kernel[1]
    ### END SOLUTION


# %% nbgrader={"grade_id": "q3-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q3", conv_macs)
### BEGIN HIDDEN TESTS
judge("q3", conv_macs)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Four layers as they occur in mobile networks, built both ways.

# %%
macs_of = check.use("q3", conv_macs)
pairs = {}
for side, channels in ((112, 32), (56, 64), (28, 128), (14, 256)):
    size = (side, side)
    dense = macs_of(size, channels, channels, (3, 3))
    depthwise = macs_of(size, channels, channels, (3, 3), channels)
    pointwise = macs_of(size, channels, channels, (1, 1))
    pairs[f"{side}x{side}, {channels} channels"] = (dense, depthwise + pointwise)
show(
    figures.separable(pairs),
    look_at="how the saving grows with the number of channels, and the value it cannot exceed.",
)
check.reveal("p1")

# %% [markdown]
# **Explain.** Per output element the dense layer needs $9C$ MACs and the pair $9 + C$. The ratio
# is $\frac{9C}{9 + C}$. Which value does it approach for many channels, and what does that say
# about a 3x3 kernel? Say it in one sentence before you read on.
#
# ### q4 (7 points): the MACs of a network
#
# Now the sum. A linear layer has one MAC for each pair of input and output. Adding, pooling and
# reshaping have none. The first line of the cell gives you `one_conv_macs`: your q3 if it passes,
# else the library's, so q4 does not depend on q3.

# %% nbgrader={"grade_id": "q4", "solution": true}
one_conv_macs = check.use("q3", conv_macs)


def network_macs(network: list[dict]) -> int:
    """Multiply-accumulates of one inference.

    network: layers, each a dict with the keys
        kind: "conv", "depthwise", "linear", or another one that has no MACs.
        input_shape, output_shape: (rows, columns, channels); (features,) for "linear".
        kernel: (rows, columns).
        groups: of "conv" and "depthwise".
    """
    ### BEGIN SOLUTION
    total = 0
    for layer in network:
        source, output = layer["input_shape"], layer["output_shape"]
        if layer["kind"] == "linear":
            total += source[0] * output[0]
        elif layer["kind"] in ("conv", "depthwise"):
            channels = (source[2], output[2])
            total += one_conv_macs(output[:2], *channels, layer["kernel"], layer["groups"])
    return total
    ### END SOLUTION


# %% nbgrader={"grade_id": "q4-test", "grade": true, "locked": true, "points": 7}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q4", network_macs)
### BEGIN HIDDEN TESTS
judge("q4", network_macs)
### END HIDDEN TESTS

# %%
network_macs_of = check.use("q4", network_macs)
for name, network in networks.items():
    params, macs = sum(layer["params"] for layer in network), network_macs_of(network)
    print(f"{name:16} {params / 1e6:5.2f} M parameters {macs / 1e6:7.1f} M MACs")

# %% [markdown]
# MobileNetV2 comes out at 300 million MACs, the figure of its paper; ResNet-50 at 4.1 billion (its
# paper counts 3.8, for a version that takes its strides one layer earlier). MobileNetV2-1.4, with
# all channels times 1.4, has 4.2 times fewer parameters than ResNet-50 at about the same ImageNet
# accuracy. For a phone that settles it. For a microcontroller it does not, as you will see now.

# %% [markdown]
# ---
# ## 2. Activations
#
# Weights lie in flash and are never written. Activations are written by every layer, so they must
# lie in SRAM, which is three times smaller.
#
# ### q5 (5 points): the bytes of an activation
#
# A map of shape `(H, W, C)` has `H * W * C` elements. In float32 an element takes 32 bits, in int8
# it takes 8; some engines pack 4, 2 or even 1 bit. A byte that is only partly used is used.


# %% nbgrader={"grade_id": "q5", "solution": true}
def activation_bytes(shape: tuple[int, ...], bits: int = 8) -> int:
    """Bytes of an activation, its elements packed, rounded up to whole bytes.

    shape: (rows, columns, channels), or any other number of axes.
    bits: of one element.

    activation_bytes((112, 112, 32)) is 401,408; activation_bytes((7, 7, 5), 4) is 123.
    """
    ### BEGIN SOLUTION
    return (math.prod(shape) * bits + 7) // 8
    ### END SOLUTION


# %% nbgrader={"grade_id": "q5-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q5", activation_bytes)
### BEGIN HIDDEN TESTS
judge("q5", activation_bytes)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** Where does MobileNetV2 keep its activations, and where its weights?

# %%
bytes_of = check.use("q5", activation_bytes)
network = networks["MobileNetV2"]
activations = [bytes_of(layer["output_shape"]) for layer in network]
weights = [layer["params"] for layer in network]
show(
    figures.along_the_network(activations, weights, "MobileNetV2 at 224, int8"),
    look_at="the two ends: the large activations are at the image, the large weights at the "
    "classifier.",
)

# %% [markdown]
# **Explain.** Each stride of 2 leaves a quarter of the positions, while the number of channels
# grows slowly. Weights do not care about positions, only about channels. So the two memories are
# filled by opposite ends of the network.

# %% [markdown]
# ---
# ## 3. The peak
#
# Activations do not all live at once. A layer needs its input and its output; when it has run, its
# input's place is free again. So SRAM must hold the *largest moment*, the **peak**.
#
# ### q6 (8 points): the peak of a chain
#
# In a chain each layer reads what the one before has written.


# %% nbgrader={"grade_id": "q6", "solution": true}
def peak_chain(sizes: list[int]) -> int:
    """Peak activation memory of a chain, in bytes.

    sizes: bytes of each activation, the image first. Layer i reads sizes[i] and writes
        sizes[i + 1]. There are at least two.

    peak_chain([3, 8, 4]) is 12.
    """
    ### BEGIN SOLUTION
    return max(sizes[i] + sizes[i + 1] for i in range(len(sizes) - 1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "q6-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q6", peak_chain)
### BEGIN HIDDEN TESTS
judge("q6", peak_chain)
### END HIDDEN TESTS

# %% [markdown]
# Most networks are no chains. In a residual block the input waits for the addition at the block's
# end, and all the while it takes its bytes.
#
# **Predict.** How much SRAM do the activations of MobileNetV2-1.4 need, compared to ResNet-50's?

# %%
check.predict("p2", "")

# %% [markdown]
# ### q7 (12 points): the peak with activations that wait
#
# An activation is held from the step that writes it to the *last* step that reads it. What no step
# writes (the image) is held from the first step on. While a step runs, its inputs and its output
# are there together.
#
# A way that works: first note for each name its last step. Then walk through the steps with a set
# of live names: add what is written, sum the sizes, drop what is no longer needed.


# %% nbgrader={"grade_id": "q7", "solution": true}
def peak_live(sizes: dict[str, int], steps: list[tuple[list[str], str]]) -> int:
    """Peak activation memory of any network, in bytes.

    sizes: bytes of each activation by name.
    steps: in execution order, one tuple a layer: (the names it reads, the name it writes).

    peak_live({"x": 4, "y": 6, "z": 4}, [(["x"], "y"), (["y", "x"], "z")]) is 14.
    """
    ### BEGIN SOLUTION
    last_step = {}
    for step, (reads, writes) in enumerate(steps):
        for name in [*reads, writes]:
            last_step[name] = step
    live = set(last_step) - {writes for _, writes in steps}
    peak = 0
    for step, (_, writes) in enumerate(steps):
        live.add(writes)
        peak = max(peak, sum(sizes[name] for name in live))
        live = {name for name in live if last_step[name] > step}
    return peak
    ### END SOLUTION


# %% nbgrader={"grade_id": "q7-test", "grade": true, "locked": true, "points": 12}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q7", peak_live)
### BEGIN HIDDEN TESTS
judge("q7", peak_live)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The map of the memory gap: each network by what it needs of flash and of SRAM.

# %%
bytes_of = check.use("q5", activation_bytes)
peak_of = check.use("q7", peak_live)


def sizes_of(network: list[dict], bits: int = 8) -> dict[str, int]:
    """Bytes of every activation of a network, by name."""
    shapes = memory_gap.activation_shapes(network)
    return {name: bytes_of(shape, bits) for name, shape in shapes.items()}


peaks = {name: peak_of(sizes_of(n), memory_gap.steps(n)) for name, n in networks.items()}
points = [
    figures.Point(name, sum(layer["params"] for layer in network), peaks[name])
    for name, network in networks.items()
]
show(
    figures.gap(points, [limit_of("stm32h743"), limit_of("stm32f746")]),
    look_at="how far MobileNetV2-1.4 is to the left of ResNet-50, and how little it is below it.",
)
check.reveal("p2")

# %% [markdown]
# **Explain.** MobileNetV2-1.4 has a quarter of ResNet-50's weights and nearly the same peak. The
# review of Lin et al. (2023, figure 2) even reports a peak 2.3 times *larger* than ResNet-50's,
# without saying how shortcuts that wait are counted. It matters: by q7, ResNet-50's peak is an
# addition that reads two maps of 784 KiB and writes a third.
#
# The MCUNet network was searched for small peaks. It comes close to the corner, yet by the
# textbook rule it still lies just above the line of 320 KiB. Remember that for section 4.
#
# **Predict.** Which part of MobileNetV2 makes the peak?

# %%
check.predict("p3", "")

# %% [markdown]
# **Observe.** The bytes held in each block, for a MobileNetV2 as narrow as an MCU network.

# %%
small = memory_gap.layers(models.random_graph(models.mobilenet_v2(0.35, 176)))
panels = {
    title: memory_gap.block_peaks(network, sizes_of(network))
    for title, network in (
        ("MobileNetV2-0.35 at 176", small),
        ("MCUNet-in3", networks["MCUNet-in3"]),
    )
}
show(
    figures.block_peaks(panels, limit_of("stm32f746")),
    look_at="how few blocks of MobileNetV2 decide, and how much more evenly MCUNet spreads its "
    "bytes.",
)
check.reveal("p3")

# %% [markdown]
# **Explain.** One block of MobileNetV2 decides the whole bill, and from block 4 on two thirds of
# the SRAM lie idle. MCUNet's search evens the blocks out, so that the same memory carries a
# stronger network (Lin et al. 2020, figure 11). Lab 4 attacks the same few blocks by running them
# in patches.

# %% [markdown]
# ---
# ## 4. Bits, and the board's verdict
#
# **Observe.** What int8 does for the peak, and what it does not.

# %%
peaks_by_bits = {
    name: {bits: peak_of(sizes_of(n, bits), memory_gap.steps(n)) for bits in (32, 8, 4)}
    for name, n in networks.items()
}
show(
    figures.bit_widths(peaks_by_bits, limit_of("stm32f746")),
    look_at="the distance of MobileNetV2's int8 bar from the line: a factor 4 is not enough.",
)

# %% [markdown]
# int8 divides every size by 4, in SRAM and in flash, at the price of a careful rounding that
# Lab 2 is about. It is where networks for microcontrollers begin. It does not close the gap.
#
# ### q8 (5 points): does it fit?
#
# Data sheets give KiB: 1024 bytes. A memory that is exactly full suffices. Where there is room to
# spare, 0 bytes are missing.


# %% nbgrader={"grade_id": "q8", "solution": true}
def fits(network: dict[str, int], board: dict[str, int]) -> dict:
    """Whether a network fits a board, and how many bytes are missing.

    network: "peak_bytes" in SRAM; "weight_bytes" and "code_bytes", both in flash.
    board: "sram_kib" and "flash_kib".

    Returns a dict: "fits" (True or False), "sram_missing_bytes", "flash_missing_bytes".
    """
    ### BEGIN SOLUTION
    flash_bytes = network["weight_bytes"] + network["code_bytes"]
    sram = max(0, network["peak_bytes"] - 1024 * board["sram_kib"])
    flash = max(0, flash_bytes - 1024 * board["flash_kib"])
    fitting = sram == 0 and flash == 0
    return {"fits": fitting, "sram_missing_bytes": sram, "flash_missing_bytes": flash}
    ### END SOLUTION


# %% nbgrader={"grade_id": "q8-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q8", fits)
### BEGIN HIDDEN TESTS
judge("q8", fits)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The verdict of the STM32F746, by the textbook's plan and by that of TinyEngine, the
# engine MCUNet was designed together with. The bytes come from the memory planner, which decides
# for each activation where in SRAM it lies; the code is an estimate.

# %%
verdict_of = check.use("q8", fits)
f746 = memory_gap.board_kib(mcu.board("stm32f746"))
graphs = {
    "ResNet-50": models.random_resnet50(),
    "MobileNetV2": models.random_graph(models.mobilenet_v2(1.0)),
    "MobileNetV2-0.35 at 144": models.random_graph(models.mobilenet_v2(0.35, 144)),
    "MCUNet-in3": models.random_graph(models.definition("in3@176")),
}
print(f"{'':24}{'plan':12}{'peak KiB':>9}{'SRAM missing B':>16}{'flash missing B':>17}")
for name, graph in graphs.items():
    for policy in ("per_layer", "tinyengine"):
        need = memory_gap.needs(graph, policy)
        said = verdict_of(need, f746)
        missing = f"{said['sram_missing_bytes']:16,}{said['flash_missing_bytes']:17,}"
        mark = "  fits" if said["fits"] else ""
        print(f"{name:24}{policy:12}{need['peak_bytes'] / KIB:9.0f}{missing}{mark}")

# %% [markdown]
# **Explain.** MCUNet-in3 fits by one plan and not by the other, and it is the same network. (The
# textbook's plan even needs 363 KiB where at most 333 are held at once: the maps do not pack
# without gaps. Lab 6 is about that.) TinyEngine lets a depthwise convolution write over its own
# input, channel by channel, so that one map is held instead of two. Network and engine were
# designed together: that is MCUNet's idea.
#
# For ResNet-50 the same engine needs *more*, since it keeps a rearranged copy of a 3x3 kernel in
# SRAM: small beside MCUNet's only 3x3 convolution, huge beside ResNet-50's last ones.

# %% [markdown]
# ---
# ## 5. Training
#
# A device that learns from its own user must train. Backpropagation goes through the layers in
# reverse and reads every activation again. None of them can be thrown away early.
#
# **Predict.** How much memory is that?

# %%
check.predict("p4", "")

# %% [markdown]
# ### q9 (8 points): the memory of a training step
#
# All numbers are float32. A step holds, at its largest moment,
# - the weights and, for each, its gradient;
# - the optimizer's state: nothing for `"sgd"`, one number a parameter for `"momentum"`, two for
#   `"adam"`;
# - every activation of every image of the batch.


# %% nbgrader={"grade_id": "q9", "solution": true}
def training_bytes(params: int, activations: int, batch: int, optimizer: str = "sgd") -> int:
    """Bytes that a float32 training step needs.

    params: number of weights and biases.
    activations: number of elements of all activations of one image.
    batch: images in a step.
    optimizer: "sgd", "momentum" or "adam".

    training_bytes(100, 1000, 8, "adam") is 33,600.
    """
    ### BEGIN SOLUTION
    state = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
    return 4 * (params * (2 + state) + batch * activations)
    ### END SOLUTION


# %% nbgrader={"grade_id": "q9-test", "grade": true, "locked": true, "points": 8}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q9", training_bytes)
### BEGIN HIDDEN TESTS
judge("q9", training_bytes)
### END HIDDEN TESTS

# %%
step_bytes = check.use("q9", training_bytes)
learner = memory_gap.layers(models.random_graph(models.mobilenet_v2(0.35, 144)))
shapes = memory_gap.activation_shapes(learner)
elements = sum(math.prod(shape) for shape in shapes.values())
params = sum(layer["params"] for layer in learner)
inference = peak_of(sizes_of(learner), memory_gap.steps(learner))


def parts_of(batch: int, optimizer: str) -> dict[str, int]:
    """What a training step holds, by what it is."""
    return {
        "weights and gradients": step_bytes(params, 0, batch),
        "optimizer": step_bytes(params, 0, batch, optimizer) - step_bytes(params, 0, batch),
        "stored activations": step_bytes(0, elements, batch),
    }


steps = {
    "inference,\nint8": {"peak of activations": inference},
    "training,\n1 image, SGD": parts_of(1, "sgd"),
    "training,\n8 images, SGD": parts_of(8, "sgd"),
    "training,\n8 images, Adam": parts_of(8, "adam"),
}
ratio = step_bytes(params, elements, 8) / inference
show(
    figures.training(steps, limit_of("stm32f746")),
    look_at="which part grows with the batch, and that inference is hardly visible.",
)
print(f"8 images with SGD need {ratio:.0f} times the SRAM of int8 inference")
check.reveal("p4")

# %% [markdown]
# **Explain.** Which of the three factors (float32, stored activations, batch) could one give up?
# All three, as it turns out: Lab 5 trains in int8, with one image a step, and stores activations
# for a few chosen layers only. It ends inside 256 KiB.

# %% [markdown]
# ---
# ## 6. Width and resolution
#
# Two knobs make any network smaller. The *width* multiplies every channel count, the *resolution*
# is the image's side.
#
# **Predict.** The SRAM is too small by half. Which knob helps more?

# %%
check.predict("p5", "")

# %% [markdown]
# ### q10 (5 points): the laws of scaling
#
# Think of one convolution in the middle of the network. How many of its four sizes (rows, columns,
# input channels, output channels) does a cost contain? Each that it contains multiplies it by the
# factor once.


# %% nbgrader={"grade_id": "q10", "solution": true}
def scaled(costs: dict[str, float], width: float, resolution: float) -> dict[str, float]:
    """Costs of a network whose channels and image are multiplied by a factor, by the law.

    costs: "params", "macs" and "peak_bytes" of the network as it is.
    width: factor of every channel count.
    resolution: factor of the image's rows and of its columns.

    Returns a dict with the same keys.
    """
    ### BEGIN SOLUTION
    area = resolution * resolution
    return {
        "params": costs["params"] * width**2,
        "macs": costs["macs"] * width**2 * area,
        "peak_bytes": costs["peak_bytes"] * width * area,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "q10-test", "grade": true, "locked": true, "points": 5}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("q10", scaled)
### BEGIN HIDDEN TESTS
judge("q10", scaled)
### END HIDDEN TESTS

# %% [markdown]
# **Observe.** The law beside networks that were built and counted.

# %%
scaled_by_law = check.use("q10", scaled)
network_macs_of = check.use("q4", network_macs)


def counted(width: float, resolution: int) -> dict[str, float]:
    """Costs of a MobileNetV2, counted on its layers."""
    network = memory_gap.layers(models.random_graph(models.mobilenet_v2(width, resolution)))
    return {
        "params": sum(layer["params"] for layer in network),
        "macs": network_macs_of(network),
        "peak_bytes": peak_of(sizes_of(network), memory_gap.steps(network)),
    }


def compare(label: str, factors: list[float], settings: list[tuple[float, int]]) -> None:
    """Draw the count and the law for networks of (width, resolution); the last is the start."""
    found = [counted(width, resolution) for width, resolution in settings]
    width, resolution = settings[-1]
    law = [scaled_by_law(found[-1], w / width, r / resolution) for w, r in settings]
    show(
        figures.laws(label, factors, found, law),
        look_at="where the dots leave the dashed line, and whether the curve bends.",
    )


resolutions = [64, 96, 128, 160, 192, 224]
widths = [0.2, 0.35, 0.5, 0.75, 1.0]
compare("resolution", resolutions, [(1.0, resolution) for resolution in resolutions])
compare("width", widths, [(width, 224) for width in widths])
check.reveal("p5")

# %% [markdown]
# **Explain.** With the resolution the law is all but exact; only the classifier does not see it.
# With the width it is not: depthwise layers and the classifier have one axis of channels that
# follows the width, not two, and channels are rounded to multiples of 8. Look at the peak at width
# 0.75: the block that decides it starts with 16 channels; 0.75 of them are 12, which are rounded
# to 16, so nothing is saved. A law tells you where to search; the count tells you what you have.
#
# Move the sliders. The bars show both plans of section 4, and flash with and without code.

# %%
explorer()

# %% [markdown]
# ---
# ## Final task (20 points): the most that fits
#
# Design the MobileNetV2 with **the most MACs that fits the STM32F746**: 320 KiB of SRAM and 1024
# KiB of flash, 1000 classes, TinyEngine's plan. More MACs mean, by and large, more accuracy, so
# this is how MCUNet chooses where to search (Lab 3).
#
# - `width` from 0.1 to 1.4, `resolution` a whole number from 32 to 256.
# - `memory_gap.candidate(width, resolution)` gives a dict with `peak_bytes`, `weight_bytes`,
#   `code_bytes` and `macs`; one takes a few hundredths of a second. With `fits` you can search.
# - The score is recomputed from your design. The best of the grid (widths 0.20, 0.25, ... 1.00,
#   resolutions 48, 56, ... 224) has all 20 points; half of its MACs has none, in proportion
#   between. What does not fit has none, and `check` tells the missing bytes.
#
# The answer is a plain dict. You may search by hand, by the laws, or by a loop.

# %% nbgrader={"grade_id": "final", "solution": true}
design = {"width": None, "resolution": None}
### BEGIN SOLUTION
most = 0
for width in [step / 20 for step in range(4, 21)]:
    for resolution in range(224, 40, -8):
        option = memory_gap.candidate(width, resolution)
        if fits(option, f746)["fits"]:
            if option["macs"] > most:
                most, design = option["macs"], {"width": width, "resolution": resolution}
            break  # a smaller resolution has fewer MACs
### END SOLUTION
design

# %% nbgrader={"grade_id": "final-test", "grade": true, "locked": true, "points": 20}
### BEGIN HIDDEN TESTS
from autograder.judge import grading

check, judge = grading("lab0")
### END HIDDEN TESTS
check("final", design)
### BEGIN HIDDEN TESTS
judge("final", design)
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## Written answer (10 points)
#
# MobileNetV2-1.4 has 4.2 times fewer parameters than ResNet-50, but needs about as much SRAM.
# **Why did fewer parameters not mean less SRAM?** In 100 to 200 words:
# - what parameters and peak activation depend on, and which memory each of them fills;
# - which layers of MobileNetV2 make its peak, and why the depthwise design does not help there;
# - one change to the network or the engine that would lower the peak, and what it would cost.
#
# Use numbers from your figures.

# %% [markdown] nbgrader={"grade_id": "written", "grade": true, "solution": true, "points": 10}
# ### BEGIN SOLUTION
# **Sample answer.** Parameters are counted over channels and kernels and lie in flash; they do not
# depend on the image's size. Peak activation is counted over rows, columns and channels of the few
# maps that live at once, and lies in SRAM. A depthwise and a 1x1 convolution replace a dense one
# with 9 + C instead of 9 C weights for each output channel, but they read and write maps of the
# same size. MobileNetV2 even makes them wider inside a block: the expansion multiplies the
# channels by 6. In its second block, still at 112 x 112 rows and columns, the expanded map is the
# largest of the network; the depthwise layer with stride 2 holds it together with its output,
# 2205 KiB at width 1.4, against 2352 KiB for ResNet-50. The weights of those early layers are few:
# most parameters lie at the other end. Half the resolution would quarter the peak but costs
# accuracy; running the first blocks in patches keeps accuracy and computes the overlap twice; an
# in-place depthwise costs one channel of scratch.
#
# **Rubric** (2 points each)
# 1. Parameters depend on channels and kernels, not on resolution, and fill flash.
# 2. Peak activation depends on rows, columns and channels of what lives at once, and fills SRAM.
# 3. The peak is in the early, high-resolution blocks, at the expanded map (number from a figure).
# 4. Depthwise separable layers save weights and MACs, not the size of the maps they read and write.
# 5. A change that lowers the peak, with its cost (resolution, width, patches, in-place depthwise).
# ### END SOLUTION

# %% [markdown]
# ---
# ## Summary
#
# - **Flash** holds weights, **SRAM** holds what lives at once. They are filled by opposite ends of
#   the network, and saving in one says nothing about the other.
# - The **peak** is one moment: input, output, and whatever waits. A few early blocks decide it.
# - **int8** gives a factor 4 everywhere. **Engines** differ on the same network.
# - **Training** holds all activations, for each image of the batch.
# - MACs follow width² and resolution², parameters width², the peak width and resolution².
#
# ### Reading
# - J. Lin et al., *MCUNet: Tiny Deep Learning on IoT Devices*, NeurIPS 2020. Section 1, figure 11.
# - J. Lin et al., *Tiny Machine Learning: Progress and Futures*, 2023. Figures 2 and 11.
# - M. Sandler et al., *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018.
# - K. He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016.

# %%
check.summary()
