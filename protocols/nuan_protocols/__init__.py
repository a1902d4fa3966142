"""Wire formats, bytes in and values out, for the board and the PC alike."""
