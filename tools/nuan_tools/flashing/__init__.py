"""Puts MicroPython and nuan on a board: images, partition table, esptool and mpremote."""
