"""Runs first on the board: give the collector a say before the heap is in pieces."""

import gc

gc.collect()
gc.threshold(16384)
