"""Runs second on the board: the node."""

from nuan_firmware.start import main

main()
