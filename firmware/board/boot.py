"""Runs first on the board: give the collector a say early, and have the firmware mounted."""

import gc
import sys

gc.collect()
gc.threshold(16384)

import loader  # noqa: E402  # the collector's threshold comes first

loader.start()
del sys.modules["loader"], sys.modules["sealed"], loader
gc.collect()
