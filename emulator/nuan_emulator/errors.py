"""What can go wrong in the emulated world.

EmulatorError
+-- BoardError                a file the board needs is missing or doesn't compile
+-- NodeError                 a node, with the last lines of its console
|   +-- NodeDiedError         its program ended or crashed
|   +-- NodeStuckError        it neither idles nor ends: virtual time can't move
|   +-- NodeCrashLoopError    it resets over and over
+-- HoldTimeoutError          a real peer doesn't give the answer that virtual time waits for
"""


class EmulatorError(Exception):
    """Base of all errors of the emulated world."""


class BoardError(EmulatorError):
    """A file the board needs is missing or doesn't compile."""


class NodeError(EmulatorError):
    """A node's failure; the message ends with the last lines of its console."""

    def __init__(self, node_id: str, reason: str, console: str) -> None:
        shown = f"; its console ends with:\n{console}" if console else ""
        super().__init__(f"node {node_id}: {reason}{shown}")
        self.node_id = node_id
        self.console = console


class NodeDiedError(NodeError):
    """The node's program ended or crashed."""


class NodeStuckError(NodeError):
    """The node neither idles nor ends, so virtual time can't move."""


class NodeCrashLoopError(NodeError):
    """The node resets over and over."""


class HoldTimeoutError(EmulatorError):
    """A real peer doesn't give the answer that virtual time waits for."""
