"""The gateway's commands: which one is due, and what became of the last. All that stays in memory.

A command is carried out once: its counter must be above that of the last one of this connection.
Any other is answered with the last one's result once more, which also tells a gateway that was
restarted where its counting stands. What carries commands out is loaded when one comes.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand

if TYPE_CHECKING:
    from typing import Protocol

    from nuan_firmware.node import Node
    from nuan_protocols.uplink.keys import Buffer

    class Receiver(Protocol):
        """What takes a transfer: a configuration, an update."""

        def begin(self, size: int, digest: bytes) -> int:
            """The offset of the next byte wanted. Raises ValueError with the reason."""
            ...

        def data(self, offset: int, piece: Buffer) -> int:
            """As begin()."""
            ...

        def end(self) -> None:
            """Check and keep it. Raises ValueError with the reason."""


# A command that is being carried out has no result yet.
_RUNNING = const(-1)


class Commands:
    """The commands of one connection; `due` while a result waits to be sent."""

    def __init__(self, node: "Node") -> None:
        self.node = node
        self.counter = 0
        self.receiver: "Receiver | None" = None
        self.forget()

    def forget(self) -> None:
        """A new connection: its counters begin anew, a transfer is resumed by another begin."""
        self.counter = self.offset = 0
        self.status = _RUNNING
        self.text = ""
        self.due = False
        self.receiver = None
        self._unload()

    def take(self, message: "Buffer", nonce: bytes) -> None:
        """Carry out a message that may be a command. Raises UplinkError when it is none."""
        try:
            from nuan_firmware import command_run

            command_run.run(self, message, nonce)
        except MemoryError as problem:
            # The gateway says it again; the conversation goes on.
            self.node.supervisor.fault("commands", problem)
        finally:
            self._unload()

    def finish(self, counter: int, status: int, text: str = "", offset: int = 0) -> None:
        """The command with this counter has its result."""
        if counter == self.counter:
            self.status = status
            self.text = text
            self.offset = offset
            self.due = True
            self.node.uplink.kick()

    def result(self, nonce: bytes) -> bytes:
        """The RESULT that is due."""
        from nuan_firmware import command_run

        self.due = False
        try:
            return command_run.result(self, nonce)
        finally:
            self._unload()

    def _unload(self) -> None:
        # A transfer comes in many pieces: its code stays until it has ended.
        if self.receiver is None:
            on_demand.unload("command_run", "command_transfer", "config_store", "update", "trial")
            on_demand.unload("nuan_protocols.uplink.command", "nuan_protocols.uplink.result")
            on_demand.unload("update_key", "hal.flash", "nuan_protocols.key_change")
            on_demand.unload("authority", "nuan_protocols.ca_change")
            on_demand.unload("nuan_protocols.bundle", "nuan_protocols.sealed")
