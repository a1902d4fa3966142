"""The board: the only package that knows machine, network and esp32.

Pin numbers are GPIO numbers. Everything else in the firmware runs wherever these names exist.
"""
