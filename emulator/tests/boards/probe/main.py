"""A small node for the emulator's tests: reads a line, keeps a count in flash, reports by MQTT."""

import probe_node

probe_node.run()
