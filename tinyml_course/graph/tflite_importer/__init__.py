"""TF-Lite files as graphs, bit-exact with TF-Lite Micro."""

from tinyml_course.graph.tflite_importer.convert import from_tflite

__all__ = ["from_tflite"]
