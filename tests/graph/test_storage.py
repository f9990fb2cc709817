"""A graph on disk: it comes back as it was, or the reader says why not."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import int8_graphs
from safetensors.numpy import load_file, save_file

from tinyml_course.errors import GraphError, TinyMLError, UnknownNameError
from tinyml_course.graph import Graph, GraphBuilder, Quantization, load, save
from tinyml_course.graph.operators import Conv2D, Reshape
from tinyml_course.mcu import reference

Q = Quantization.per_tensor(0.1, 3)


def small_graph() -> Graph:
    b = GraphBuilder("small")
    x = b.input((1, 4, 4, 2), Q)
    weight = np.arange(-18, 18, dtype=np.int8).reshape(2, 3, 3, 2)
    scale, bias = np.array([0.01, 0.02], np.float32), np.array([-5, 70_000], np.int32)
    x = b.weighted(Conv2D, "conv", x, weight, scale, bias, Q, padding=((1, 0), (0, 1)))
    return b.finish(b.apply(Reshape, "flat", [x], shape=(1, 18)))


def assert_same(first: Graph, second: Graph) -> None:
    assert (first.name, first.inputs, first.outputs) == (second.name, second.inputs, second.outputs)
    assert first.operators == second.operators
    assert list(first.tensors) == list(second.tensors)
    for a, b in zip(first.tensors.values(), second.tensors.values(), strict=True):
        assert (a.name, a.shape, a.dtype, a.is_constant) == (
            b.name,
            b.shape,
            b.dtype,
            b.is_constant,
        )
        assert (a.quantization is None) == (b.quantization is None)
        if a.quantization is not None:
            assert a.quantization.same_as(b.quantization)
            assert b.quantization.scale.dtype == np.float32
        if a.is_constant:
            assert np.array_equal(a.values(), b.values())


@settings(max_examples=20)
@given(int8_graphs())
def test_load_undoes_save(tmp_path_factory: Any, case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    path = tmp_path_factory.mktemp("save") / "net.tinyml"
    assert save(graph, path) == path
    again = load(path)
    assert_same(graph, again)
    assert np.array_equal(reference.run(graph, image), reference.run(again, image))


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    save(small_graph(), first)
    save(load(first), second)
    assert first.read_bytes() == second.read_bytes()


def test_a_path_may_be_a_string_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    path = f"{tmp_path}/new/folder/net"
    save(small_graph(), path)
    assert_same(load(path), small_graph())


def test_saving_leaves_only_the_file(tmp_path: Path) -> None:
    save(small_graph(), tmp_path / "net")
    save(small_graph(), tmp_path / "net")
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


def test_a_failed_write_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net"
    save(small_graph(), path)
    before = path.read_bytes()

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space"):
        save(small_graph(), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"there is no file .*nothing-here"):
        load(tmp_path / "nothing-here")
    with pytest.raises(GraphError, match="there is no file"):
        load(tmp_path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "net"
    save(small_graph(), path)
    whole = path.read_bytes()
    for length in [*range(16), *range(16, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(GraphError, match="net"):
            load(path)


@pytest.mark.parametrize(
    "content", [b"", b"not a graph at all", b"\x80\x04pickle", bytes(range(256)) * 10]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(GraphError, match="other is not a saved graph, or is damaged"):
        load(path)


def test_a_safetensors_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"weight": np.zeros(3, np.float32)}, path)
    with pytest.raises(
        GraphError, match=r"weights\.safetensors is a safetensors file but holds no"
    ):
        load(path)


def edited(tmp_path: Path, edit: Any, text: str | None = None) -> Path:
    """A saved graph whose structure was edited by hand."""
    path = tmp_path / "edited"
    save(small_graph(), path)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    structure = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["graph"])
    arrays = load_file(path)
    edit(structure, arrays)
    save_file(arrays, path, metadata={"graph": text or json.dumps(structure)})
    return path


def test_an_edit_that_changes_nothing_loads(tmp_path: Path) -> None:
    assert_same(load(edited(tmp_path, lambda s, a: None)), small_graph())


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (lambda s, a: s.update(colour="red"), UnknownNameError, "colour"),
        (lambda s, a: s["tensors"][0].update(color=1), UnknownNameError, "color"),
        (lambda s, a: s["operators"][0].update(colour=1), UnknownNameError, "colour"),
        (
            lambda s, a: s["operators"][0]["attributes"].update(dilation=2),
            UnknownNameError,
            "dilation",
        ),
        (lambda s, a: s["operators"][0].update(kind="CONV_9D"), UnknownNameError, "CONV_9D"),
        (lambda s, a: s.update(format="tinyml-graph-9"), GraphError, "tinyml-graph-9"),
        (lambda s, a: s.pop("format"), GraphError, "format None"),
    ],
)
def test_a_structure_of_another_format_is_refused(
    tmp_path: Path, edit: Any, error: type[TinyMLError], message: str
) -> None:
    with pytest.raises(error, match=message):
        load(edited(tmp_path, edit))


@pytest.mark.parametrize(
    "edit",
    [
        lambda s, a: s.pop("name"),
        lambda s, a: s.pop("tensors"),
        lambda s, a: s.update(tensors=7),
        lambda s, a: s["tensors"][1].pop("shape"),
        lambda s, a: s["tensors"][1].update(shape="wide"),
        lambda s, a: s["tensors"][1].update(axis=9),
        lambda s, a: s["operators"][0].pop("attributes"),
        lambda s, a: s["operators"][0]["attributes"].update(stride=1),
        lambda s, a: s["operators"][0].update(inputs=["input"]),
        lambda s, a: a.pop("1.data"),
        lambda s, a: a.pop("0.scale"),
        lambda s, a: s["tensors"][1].update(shape=[9, 9]),
        lambda s, a: s.update(outputs=["nowhere"]),
    ],
)
def test_a_damaged_structure_is_a_graph_error(tmp_path: Path, edit: Any) -> None:
    with pytest.raises(GraphError, match=r"edited|small|conv"):
        load(edited(tmp_path, edit))


@pytest.mark.parametrize("text", ["{", "[]", "null", "7", '"graph"', "{}"])
def test_a_structure_that_is_no_structure_is_a_graph_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(GraphError, match="graph"):
        load(edited(tmp_path, lambda s, a: None, text))


def test_the_temporary_file_is_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that save at once must not write into one temporary file."""
    seen = []
    real = Path.replace

    def spy(self: Path, target: Path) -> Path:
        seen.append(self.name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", spy)
    save(small_graph(), tmp_path / "net")
    assert len(seen) == 1
    assert str(os.getpid()) in seen[0]
