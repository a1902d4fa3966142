"""The node: makes its parts, starts their tasks, and feeds the watchdog while all of them move."""

import asyncio
import gc
import sys
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import panic
from nuan_firmware.clock import Clock
from nuan_firmware.cycle import Cycle
from nuan_firmware.hal import chip
from nuan_firmware.hal.links import Link
from nuan_firmware.hal.outputs import Output
from nuan_firmware.hal.serial import Port
from nuan_firmware.journal import Journal
from nuan_firmware.masters import CJT188, MODBUS
from nuan_firmware.poller import Poller
from nuan_firmware.setpoint import Controller
from nuan_firmware.uplink import Uplink
from nuan_protocols.uplink import body as bodies
from nuan_protocols.uplink.keys import NodeKeys

if TYPE_CHECKING:
    from nuan_firmware.config import Config
    from nuan_protocols.uplink.keys import Buffer

VERSION = "0.1.0"
JOURNAL_PATH = "/journal"
# Name look-ups and flash erases block the loop for seconds: the watchdog must outlast them.
_WATCHDOG_MS = const(180000)
_BEAT_MS = const(60000)
_EPOCH_BYTES = const(8)
_RESTART_S_MAX = const(300)
# What the exchange of a usual heat meter needs as a reference, and any exchange around its data.
_TELEGRAM_BYTES = const(112)
_OVERHEAD_BYTES = const(24)
_REFERENCES_BYTES_MAX = const(7168)
# Modbus functions from 3 on read registers, those before read bits.
_REGISTERS_FROM = const(3)
_BITS = const(16)


class App:
    """Everything that lives as long as the node runs, made once from the configuration."""

    def __init__(self, config: "Config") -> None:
        keys = NodeKeys(chip.node_key())
        self.clock = Clock(chip.utc_s(), chip.set_utc)
        references, reference_bytes = reference_room(config)
        self.journal = Journal(
            JOURNAL_PATH + "/" + config.node.hex(),
            keys,
            config.node,
            self.clock,
            lambda: chip.random_bytes(_EPOCH_BYTES),
            config.segment_bytes,
            config.max_bytes,
            references,
            reference_bytes,
        )
        self.uplink = Uplink(
            config,
            VERSION,
            chip.secret("mqtt_key"),
            Link(config.ssid),
            self.journal,
            keys,
            self.clock,
            chip.random_bytes,
            self._take_time,
        )
        self.cycle = Cycle(self.journal, self.clock, config.flush_s, self.uplink.kick)
        self.zones = [
            Controller(zone, Output(zone.valve_pin), self.journal, self.clock)
            for zone in config.zones
        ]
        self.pollers = [
            Poller(
                config,
                index,
                Port(bus),
                self.journal,
                self.clock,
                self.cycle,
                self._take_answer,
            )
            for index, bus in enumerate(config.buses)
        ]
        self._note_boot(config)

    async def run(self) -> None:
        """Supervise, for ever."""
        watchdog = chip.Watchdog(_WATCHDOG_MS)
        for poller in self.pollers:
            asyncio.create_task(self._guard(poller.name, poller))  # noqa: RUF006
        asyncio.create_task(self._guard("uplink", self.uplink))  # noqa: RUF006
        while True:
            if self._beat():
                watchdog.feed()
            await asyncio.sleep_ms(_BEAT_MS)

    def _beat(self) -> bool:
        now = self.clock.uptime()
        self.uplink.check()
        for zone in self.zones:
            zone.tick(now)
        self.cycle.check()
        return all(now <= poller.deadline_s for poller in self.pollers)

    async def _guard(self, name: str, part: "Poller | Uplink") -> None:
        pause_s = 1
        while True:
            try:
                await part.run()
                return
            except Exception as problem:
                sys.print_exception(problem)
                self.journal.event(bodies.EVENT_FAULT, panic.text(name, problem))
            part.rest(pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _RESTART_S_MAX)

    def _take_time(self, utc_s: int) -> None:
        before, quality = self.clock.now(), self.clock.quality()
        if self.clock.synchronise(utc_s):
            self.journal.event(bodies.EVENT_CLOCK_STEP, "%d (%d) -> %d" % (before, quality, utc_s))

    def _take_answer(self, slot: int, read: int, answer: "Buffer") -> None:
        for zone in self.zones:
            zone.take(slot, read, answer)

    def _note_boot(self, config: "Config") -> None:
        journal = self.journal
        gc.collect()
        journal.event(
            bodies.EVENT_BOOT,
            "%s nuan %s heap %d" % (chip.reset_cause(), VERSION, gc.mem_alloc()),
        )
        journal.event(bodies.EVENT_CONFIGURATION, "version %d" % config.version)
        if journal.torn_bytes or journal.removed:
            journal.event(
                bodies.EVENT_FAULT,
                "journal: %d torn bytes, %d segments unreadable"
                % (journal.torn_bytes, journal.removed),
            )
        ended = panic.take()
        if ended:
            journal.event(bodies.EVENT_PANIC, ended)


def reference_room(config: "Config") -> "tuple[int, int]":
    """(how many, how many bytes) exchanges to keep for differences: the last of each read."""
    count = size = 0
    for meter in config.meters:
        count += max(1, len(meter.way.reads))
        size += 0 if meter.way.reads else _TELEGRAM_BYTES
        protocol = config.buses[meter.bus].protocol
        for read in meter.way.reads:
            if protocol == MODBUS:
                registers = read[2] if read[0] >= _REGISTERS_FROM else read[2] // _BITS
                size += _OVERHEAD_BYTES + 2 * registers
            else:
                size += _TELEGRAM_BYTES if protocol == CJT188 else _TELEGRAM_BYTES // 2
    # Two more telegrams, for a meter that says more than is usual.
    return count + 2, min(_REFERENCES_BYTES_MAX, size + 2 * _TELEGRAM_BYTES)
