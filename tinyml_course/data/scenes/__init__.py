"""Scenes with a person and without, drawn at any resolution from a seed."""

from tinyml_course.data.scenes.compose import compose, visible_person
from tinyml_course.data.scenes.scene import render_pair, scenes

__all__ = ["compose", "render_pair", "scenes", "visible_person"]
