"""The errors of every codec, each with the byte offset it is about.

ProtocolError
|-- FrameError           the frame as a whole can't be used
|   `-- ChecksumError    its checksum or CRC doesn't match its bytes
|-- RecordError          application data that can't be read
`-- UplinkError          a journal entry, batch, acknowledgement or hello that can't be used
"""


class ProtocolError(Exception):
    """Bytes from outside that can't be used: `reason`, and the `offset` of the first wrong byte."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} (byte {offset})")
        self.reason = reason
        self.offset = offset


class FrameError(ProtocolError):
    """The frame as a whole can't be used."""


class ChecksumError(FrameError):
    """The checksum or CRC doesn't match the frame's bytes."""


class RecordError(ProtocolError):
    """Application data that can't be read."""


class UplinkError(ProtocolError):
    """A journal entry, batch, acknowledgement or hello that can't be used."""
