"""The status word ST of CJ/T 188: the standard's byte in words, the vendor's by its bits.

Idle meters on a test bench answer with 00 02, 00 04, 00 80 and 04 00: the second byte means
something only where the maker's document says so (the models' flags).
"""

_VALVES = ("valve open", "valve closed", "valve 10", "valve fault")
_VALVE_MASK = 0x03
_BATTERY_LOW = 0x04
_STANDARD_MASK = 0x07


def text(st: bytes) -> str:
    """Both bytes of ST in words: "valve open, battery low, vendor's bits 08h in byte 2"."""
    said = [_VALVES[st[0] & _VALVE_MASK]]
    if st[0] & _BATTERY_LOW:
        said.append("battery low")
    if st[0] & ~_STANDARD_MASK & 0xFF:
        said.append(f"vendor's bits {st[0] & ~_STANDARD_MASK & 0xFF:02X}h in byte 1")
    if len(st) > 1 and st[1]:
        said.append(f"vendor's bits {st[1]:02X}h in byte 2")
    return ", ".join(said)
