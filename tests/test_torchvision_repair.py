"""torchvision beside a CPU build of torch. Each test in an interpreter of its own: it is global."""

import subprocess
import sys
from pathlib import Path


def run(code: str, *paths: Path) -> str:
    """Standard output of ``code`` in a new interpreter, ``paths`` first on its path."""
    prelude = f"import sys; sys.path[:0] = {[str(p) for p in paths]!r}\n"
    command = [sys.executable, "-W", "ignore", "-c", prelude + code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def fake_torchvision(folder: Path) -> Path:
    """A package of that name that records what it finds at import."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import torch\nhad_nms = hasattr(torch.ops.torchvision, 'nms')\n"
    )
    (package / "_C.so").write_bytes(b"no library at all")
    return folder


def test_models_and_datasets_can_be_imported() -> None:
    code = """
from tinyml_course.torchvision_repair import import_torchvision
torchvision = import_torchvision()
assert torchvision.__name__ == "torchvision"
import torchvision.models, torchvision.datasets
print(torchvision.models.resnet18.__name__, torchvision.datasets.FashionMNIST.__name__)
"""
    assert run(code) == "resnet18 FashionMNIST\n"


def test_calling_twice_is_fine() -> None:
    code = """
from tinyml_course import torchvision_repair as repair
first = repair.import_torchvision()
again = repair.import_torchvision()
repair.import_torchvision.cache_clear()  # as if another module had its own copy
third = repair.import_torchvision()
assert first is again is third
import torch
print(hasattr(torch.ops.torchvision, "nms"))
"""
    assert run(code) == "True\n"


def test_importing_torchvision_first_leaves_a_working_torchvision() -> None:
    code = """
from tinyml_course import torchvision_repair as repair
repair.import_torchvision()
import torchvision
assert repair.import_torchvision() is torchvision
print("ok")
"""
    assert run(code) == "ok\n"


def test_an_extension_that_does_not_load_gets_its_schemas_defined(tmp_path: Path) -> None:
    code = """
from tinyml_course import torchvision_repair as repair
assert not repair.extension_loads()
torchvision = repair.import_torchvision()
import torch
print(torchvision.had_nms, hasattr(torch.ops.torchvision, "qnms"), len(repair._LIBRARY))
"""
    assert run(code, fake_torchvision(tmp_path)) == "True True 1\n"


def test_where_the_extension_loads_nothing_is_defined(tmp_path: Path) -> None:
    code = """
from tinyml_course import torchvision_repair as repair
repair.extension_loads = lambda: True
torchvision = repair.import_torchvision()
import torch
print(torchvision.had_nms, hasattr(torch.ops.torchvision, "qnms"), len(repair._LIBRARY))
"""
    assert run(code, fake_torchvision(tmp_path)) == "False False 0\n"


def test_a_package_without_extension_does_not_load(tmp_path: Path) -> None:
    fake_torchvision(tmp_path)
    (tmp_path / "torchvision" / "_C.so").unlink()
    code = """
from tinyml_course import torchvision_repair as repair
print(repair.extension_loads())
"""
    assert run(code, tmp_path) == "False\n"


def test_without_torchvision_the_error_says_what_to_do() -> None:
    code = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torchvision" else found(name, *rest)
from tinyml_course import torchvision_repair as repair
assert not repair.extension_loads()
try:
    repair.import_torchvision()
except ImportError as error:
    print(error)
"""
    assert run(code) == "torchvision is not installed; see `tinyml doctor`\n"
