"""What people call the protocols."""

PROTOCOL_NAMES = {
    "mbus": "M-Bus",
    "modbus": "Modbus",
    "cjt188": "CJ/T 188",
    "dlt645": "DL/T 645",
}


def protocol_name(protocol: str) -> str:
    """The name in print of a protocol as site files write it."""
    return PROTOCOL_NAMES[protocol]
