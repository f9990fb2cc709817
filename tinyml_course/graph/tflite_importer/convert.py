"""`from_tflite`: the file's operators, one after the other, into a `Graph`."""

from pathlib import Path

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import Operator
from tinyml_course.graph.tensor import BYTE_TYPES, ITEM_BYTES, Tensor
from tinyml_course.graph.tflite_importer.operators import CONVERTERS
from tinyml_course.graph.tflite_importer.read import read_model
from tinyml_course.graph.tflite_importer.records import FileModel, FileOperator, FileTensor
from tinyml_course.graph.tflite_importer.site import FULL_INTEGER, Site

SCALE_CHANGERS = ("QUANTIZE", "DEQUANTIZE")
"""The operators that may read or write something else than bytes, or two types of them."""

INT8_ONLY = ("LOGISTIC", "LOG_SOFTMAX")
"""What TF-Lite looks up in uint8 in tables that it computes in floating point."""


def from_tflite(path: str | Path, *, name: str | None = None) -> Graph:
    """Read a .tflite file as a graph, bit-exact with TF-Lite Micro.

    uint8 networks, the format before int8 with a free zero point in the weights, stay uint8 from
    input to output. TF-Lite Micro has dropped that format; they are bit-exact with the reference
    kernels of TF-Lite.

    Operators and their outputs are called ``conv_2d_0``, ``add_3``: TF-Lite's name in lower case
    and the position in the file, as viewers count it. SAME and VALID become explicit padding.

    Args:
        path: an int8 or uint8 network for one image; float32 only before a QUANTIZE or behind a
            DEQUANTIZE at its ends.
        name: of the graph; by default that of the file.

    Returns:
        The graph. It owns its constants; the file is not needed afterwards.

    Raises:
        UnsupportedOperatorError: an operator, activation or option without int8 form here, or in
            a uint8 network without uint8 form, with its index, and what to do.
        GraphError: no such file, not TF-Lite's, damaged, not quantized, int8 and uint8 within one
            operator, or a batch size other than 1.
    """
    source = Path(path)
    model = read_model(source)
    try:
        return _graph(name or source.stem, model)
    except GraphError as error:
        raise type(error)(f"{source.name}: {error}") from error


def _graph(name: str, model: FileModel) -> Graph:
    names: dict[int, str] = {}
    tensors: list[Tensor] = []
    operators: list[Operator] = []
    for position, index in enumerate(model.inputs):
        site = Site(model, FileOperator(-1, "INPUT", (), (index,), {}), names, tensors)
        label = "input" if len(model.inputs) == 1 else f"input_{position}"
        tensors.append(_activation(site, label))
        names[index] = label
    for record in model.operators:
        site = Site(model, record, names, tensors)
        if record.kind not in CONVERTERS:
            raise UnsupportedOperatorError(
                f"{record.place} has no int8 form here; supported are "
                f"{', '.join(sorted(CONVERTERS))}. Replace the layer, or cut the network before it"
            )
        _check_types(site)
        operators.append(CONVERTERS[record.kind](site))
        tensors.append(_activation(site, site.name))
        names[record.outputs[0]] = site.name
    missing = [index for index in model.outputs if index not in names]
    if missing:
        raise GraphError(f"no operator writes output {model.tensors[missing[0]].name!r}")
    return Graph(
        name,
        tensors,
        operators,
        [names[index] for index in model.inputs],
        [names[index] for index in model.outputs],
    )


def _activation(site: Site, label: str) -> Tensor:
    tensor = site.output()
    if tensor.shape[:1] != (1,):
        raise site.fail(
            f"{tensor.name!r} has shape {tensor.shape}: the batch size must be 1, fix the input "
            "shape before converting"
        )
    if tensor.dtype not in ITEM_BYTES:
        raise site.unsupported(f"{tensor.name!r} is {tensor.dtype}; {FULL_INTEGER}")
    # Converters attach a meaningless scale to float tensors now and then.
    quantization = None if tensor.dtype == "float32" else site.quantization(tensor)
    return Tensor(label, tensor.shape, tensor.dtype, quantization)


def _check_types(site: Site) -> None:
    """Raise where the arithmetic is not that of bytes, with the reason and the way out."""
    if site.operator.kind in SCALE_CHANGERS:
        return
    activations = [t for t in (site.tensor(0), site.output()) if t.data is None]
    for tensor in activations:
        if tensor.dtype not in BYTE_TYPES or tensor.scale.size != 1:
            raise site.unsupported(f"{tensor.name!r} {_why(tensor)}; {FULL_INTEGER}")
        if tensor.dtype == "uint8" and site.operator.kind in INT8_ONLY:
            raise site.unsupported(
                f"{tensor.name!r} is uint8, for which there is no form here; {FULL_INTEGER}"
            )


def _why(tensor: FileTensor) -> str:
    if tensor.dtype == "float32":
        return "is float32: this is a float graph, or only its weights are quantized"
    return f"is {tensor.dtype} with {tensor.scale.size} scales, not int8 or uint8 with one"
