"""DS18B20 probes on one-wire pins, with the modules that ESP32's image brings along.

A conversion is begun at one look and read at the next, 750 ms later at least: nobody waits.
"""

from typing import TYPE_CHECKING

import machine
from ds18x20 import DS18X20
from micropython import const
from onewire import OneWire

from nuan_protocols.uplink.body import RESULT_NO_ANSWER, RESULT_OK, RESULT_UNREADABLE

if TYPE_CHECKING:
    from nuan_firmware.clock import Clock
    from nuan_firmware.config_zones import Probe
    from nuan_firmware.control.zones import Zones
    from nuan_firmware.journal import Journal

_MATCH_ROM = const(0x55)
_READ_SCRATCHPAD = const(0xBE)
_SCRATCHPAD_BYTES = const(9)
# 85.0 degrees: what stands there between power-on and the first conversion.
_POWER_ON_LOW = const(0x50)
_POWER_ON_HIGH = const(0x05)


class Probes:
    """All probes; tick() each minute. Every scratchpad that is read is journaled, then told."""

    def __init__(
        self,
        probes: "tuple[Probe, ...]",
        config_version: int,
        journal: "Journal",
        clock: "Clock",
        zones: "Zones",
    ) -> None:
        self._probes = probes
        self._version = config_version
        self._journal = journal
        self._clock = clock
        self._zones = zones
        self._wires = {probe.pin: DS18X20(OneWire(machine.Pin(probe.pin))) for probe in probes}
        self._converting = False
        self._last = -1

    def tick(self, now_s: int) -> None:
        """Read what was converted since the last look, or begin to convert when it is time."""
        if self._converting:
            self._converting = False
            for probe in self._probes:
                if self._is_due(probe, now_s):
                    self._read(probe)
            self._last = now_s
            return
        if any(self._is_due(probe, now_s) for probe in self._probes):
            self._converting = True
            for wire in self._wires.values():
                try:
                    wire.convert_temp()
                except Exception:  # noqa: S112 - nobody is there: the read says so
                    continue

    def _is_due(self, probe: "Probe", now_s: int) -> bool:
        return self._last < 0 or now_s // probe.every_s != self._last // probe.every_s

    def _read(self, probe: "Probe") -> None:
        wire = self._wires[probe.pin]
        answer = b""
        result = RESULT_NO_ANSWER
        try:
            answer = bytes(wire.read_scratch(bytearray(probe.rom)))  # type: ignore[no-untyped-call]
            result = RESULT_OK
        except Exception:
            # Nobody there, or what the wire brought doesn't agree with its checksum.
            if any(wire.buf):
                answer = bytes(wire.buf)
                result = RESULT_UNREADABLE
        wire.buf[:] = bytes(_SCRATCHPAD_BYTES)
        if answer == b"\xff" * _SCRATCHPAD_BYTES:
            answer = b""
            result = RESULT_NO_ANSWER
        question = bytes((_MATCH_ROM,)) + probe.rom + bytes((_READ_SCRATCHPAD,))
        self._journal.exchange(
            self._clock.now(),
            self._clock.quality(),
            probe.bus,
            probe.slot,
            0,
            self._version,
            result,
            1,
            question,
            answer,
        )
        if result == RESULT_OK and answer[0:2] != bytes((_POWER_ON_LOW, _POWER_ON_HIGH)):
            self._zones.take(probe.slot, 0, answer)
