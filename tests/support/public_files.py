"""Public .tflite files and where they lie; they are not part of the repository."""

import os
from pathlib import Path

MODELS = (
    "ad01_int8",
    "hello_world_int8",
    "kws_ref_model",
    "micro_speech_quantized",
    "person_detect",
    "pretrainedResnet_quant",
    "vww",
    "vww_96_int8",
)
"""Public files that the course must run: MLPerf Tiny, TF-Lite Micro's examples, MCUNet."""


def models_folder() -> Path:
    """Where the public files lie: ``TINYML_TEST_MODELS``, or beside the repository."""
    configured = os.environ.get("TINYML_TEST_MODELS")
    beside = Path(__file__).resolve().parents[3] / "shared" / "models"
    return Path(configured) if configured else beside
