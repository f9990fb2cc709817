"""Stages of a schedule in the emulator's arena."""
