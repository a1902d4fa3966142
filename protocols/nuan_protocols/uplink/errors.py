"""What can be wrong with an uplink message or a journal entry.

UplinkError                 a field, length or value; see nuan_protocols.errors
|-- UplinkVersionError      made by a newer sender than this reader knows
`-- UplinkMacError          not authentic: wrong key, or changed on the way
"""

from nuan_protocols.errors import UplinkError


class UplinkVersionError(UplinkError):
    """A format version this reader doesn't know; `version` says which."""

    def __init__(self, what: str, version: int) -> None:
        super().__init__(f"this reader knows version 1 of the {what}, not version {version}", 0)
        self.version = version


class UplinkMacError(UplinkError):
    """The message authentication code doesn't match."""
