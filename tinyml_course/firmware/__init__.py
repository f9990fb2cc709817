"""Firmware: C becomes an image for a board, and the image runs on an emulated Cortex-M."""

from tinyml_course.firmware.cycles import CycleEstimate, estimate_cycles
from tinyml_course.firmware.elf import Image, Symbol, read_image
from tinyml_course.firmware.faults import MachineFault
from tinyml_course.firmware.generate import Program, generate
from tinyml_course.firmware.machine import Execution, Machine
from tinyml_course.firmware.network import HostNetwork, NetworkMachine, NetworkRun
from tinyml_course.firmware.toolchain import build, build_host_library

__all__ = [
    "generate",
    "Program",
    "NetworkMachine",
    "NetworkRun",
    "HostNetwork",
    "build",
    "build_host_library",
    "Image",
    "Symbol",
    "read_image",
    "Machine",
    "Execution",
    "MachineFault",
    "CycleEstimate",
    "estimate_cycles",
]
