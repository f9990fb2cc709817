"""Which kernels a program is given: those that it needs, and no others."""

import re

import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")

from tinyml_course.firmware.kernels.sources import headers, headers_for, sources, sources_for


def test_every_global_of_the_kernels_is_found_where_it_is_defined() -> None:
    """By the declarations in the headers, which are written another way."""
    declared = {
        name
        for header in headers().values()
        for name in re.findall(r"^(?:extern )?[a-z]\w*[^;{=]*?\b(tinyml_\w+)(?:\(|;)", header, re.M)
        if not re.search(rf"typedef[^;]*\b{name};|\}} {name};|inline[^;]*\b{name}\(", header)
    }
    assert len(declared) > 60
    missing = {name for name in declared if not sources_for(f"{name}();")}
    assert not missing


def test_only_what_is_called_comes_along() -> None:
    assert list(sources_for("tinyml_table(&layer, in, out);")) == ["tinyml_table.c"]
    assert sources_for("memcpy(to, from, 4);") == {}
    conv = sources_for("tinyml_conv(&layer, in, out, scratch);")
    assert {"tinyml_conv.c", "tinyml_columns.c", "tinyml_columns_dsp.c"} <= set(conv)
    assert not any("softmax" in name or "pool" in name for name in conv)
    assert "tinyml_depthwise_any.c" in sources_for("&tinyml_depthwise_any")


def test_headers_come_with_what_they_include() -> None:
    used = sources_for("tinyml_softmax(&layer, in, out);")
    found = headers_for(used.values())
    included = {
        name
        for text in (*used.values(), *found.values())
        for name in re.findall(r'"(\w+\.h)"', text)
    }
    assert included & headers().keys() == found.keys()
    assert "tinyml_pool.h" not in found
    assert set(sources()) >= set(used)
