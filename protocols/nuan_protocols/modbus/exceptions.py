"""What a Modbus device's refusals mean."""

EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge, still working",
    6: "server device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}


def exception_name(code: int) -> str:
    """What an exception code means, in the specification's words."""
    return EXCEPTION_NAMES.get(code, f"unknown exception {code}")
