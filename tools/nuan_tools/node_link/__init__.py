"""How a PC talks to one node's console: over a serial port, a pseudo-terminal or TCP."""
