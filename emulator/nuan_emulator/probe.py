"""DS18B20 probes on a board's one-wire pins, as the wire has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

CONVERT = 0x44
READ_SCRATCHPAD = 0xBE
MATCH_ROM = 0x55
SKIP_ROM = 0xCC
CONVERSION_MS = 750
ROM_BYTES = 8
SIXTEENTHS_POWER_ON = 85 * 16
# Alarm limits, 12 bits, and what the maker leaves in the reserved bytes.
_REST = bytes.fromhex("4b467fff0c10")
_POLYNOMIAL = 0x8C


class Probe:
    """One probe: what it measures in hundredths of a degree at a UTC instant in ms.

    `dead` probes don't answer; `noisy` ones answer with a bit turned over.
    """

    def __init__(self, rom: str, temperature_cc: Callable[[int], int]) -> None:
        """`rom` is the ROM code in hex, family first; ValueError when its checksum is wrong."""
        self.rom = bytes.fromhex(rom)
        if len(self.rom) != ROM_BYTES or crc8(self.rom):
            raise ValueError(f"{rom} is no ROM code: its last byte is the others' checksum")
        self._temperature_cc = temperature_cc
        self._sixteenths = SIXTEENTHS_POWER_ON
        self._converted: tuple[int, int] | None = None
        self.dead = False
        self.noisy = False
        self.reads = 0

    def convert(self, now_ms: int) -> None:
        """Begin a conversion."""
        sixteenths = round(self._temperature_cc(now_ms) * 16 / 100)
        self._converted = (now_ms + CONVERSION_MS, sixteenths)

    def scratchpad(self, now_ms: int) -> bytes:
        """The nine bytes; those of the last conversion that is over."""
        self.reads += 1
        if self._converted is not None and self._converted[0] <= now_ms:
            self._sixteenths = self._converted[1]
        body = (self._sixteenths & 0xFFFF).to_bytes(2, "little") + _REST
        whole = bytearray(body + bytes([crc8(body)]))
        if self.noisy:
            whole[0] ^= 0x10
        return bytes(whole)


class OneWirePin:
    """A pin with probes."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes

    def transfer(self, sent: bytes, now_ms: int) -> bytes:
        """What the wire gives back for what was sent since its reset.

        Nothing sent: every probe's ROM code, as a search finds them.
        """
        alive = [probe for probe in self._probes if not probe.dead]
        if not sent:
            return b"".join(probe.rom for probe in alive)
        if sent[0] == MATCH_ROM:
            alive = [probe for probe in alive if probe.rom == sent[1 : 1 + ROM_BYTES]]
            command = sent[1 + ROM_BYTES :]
        else:
            command = sent[1:]
        if command[:1] == bytes([CONVERT]):
            for probe in alive:
                probe.convert(now_ms)
        elif command[:1] == bytes([READ_SCRATCHPAD]) and alive:
            # Together they pull the line low where any of them does.
            pads = [probe.scratchpad(now_ms) for probe in alive]
            whole = pads[0]
            for pad in pads[1:]:
                whole = bytes(a & b for a, b in zip(whole, pad, strict=True))
            return whole
        return b""


def crc8(data: bytes) -> int:
    """The one-wire checksum; 0 over data that end with theirs."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc
