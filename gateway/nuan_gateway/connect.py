"""Where a line that the gateway polls itself begins: `connect` of a gateway's bus.

serial:/dev/ttyUSB0          a port of this machine
tcp://10.1.0.7:4001          a transparent serial server: the line's bytes, as they are
modbus-tcp://10.1.0.8:502    a device or gateway that speaks Modbus TCP
"""

from typing import NamedTuple
from urllib.parse import urlsplit

SERIAL = "serial"
TCP = "tcp"
MODBUS_TCP = "modbus-tcp"
MODBUS_TCP_PORT = 502

_WANTED = 'write "serial:/dev/ttyUSB0", "tcp://host:port" or "modbus-tcp://host:port"'


class Connect(NamedTuple):
    """One of SERIAL (with `path`), TCP and MODBUS_TCP (with `host` and `port`)."""

    kind: str
    path: str
    host: str
    port: int

    def __str__(self) -> str:
        if self.kind == SERIAL:
            return f"{SERIAL}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"


def parse_connect(text: str) -> Connect:
    """The parts of a `connect`; raises ValueError that says what to write."""
    kind, _, rest = text.partition(":")
    if kind == SERIAL and rest and not rest.startswith("//"):
        return Connect(SERIAL, rest, "", 0)
    if kind not in (TCP, MODBUS_TCP) or not rest.startswith("//"):
        raise ValueError(f"{text!r} leads nowhere; {_WANTED}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; {_WANTED}") from None
    if port is None and kind == MODBUS_TCP:
        port = MODBUS_TCP_PORT
    if not parts.hostname or not port:
        raise ValueError(f"{text!r} lacks host or port; write {kind}://host:port")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} says too much; write {kind}://host:port")
    return Connect(kind, "", parts.hostname, port)
