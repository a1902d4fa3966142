"""One emulated node: a MicroPython program, its flash, its serial ports, pins, Wi-Fi and uplink."""

from __future__ import annotations

import hashlib
import heapq
import json
import re
import struct
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from nuan_emulator import flash, lockstep, ota_data
from nuan_emulator.errors import NodeCrashLoopError, NodeDiedError, NodeStuckError
from nuan_emulator.lockstep import Channel, Frame, Record
from nuan_emulator.network import LAN, PPP, WIFI, Network
from nuan_emulator.node_spec import SHIMS_KB, HeapReport, NodeSpec, Reset
from nuan_emulator.nvs import NvsFile
from nuan_emulator.probe import OneWirePin
from nuan_emulator.time_world import TimeWorld
from nuan_emulator.tunnel import Tunnel
from nuan_emulator.uart import SerialPort
from nuan_emulator.vm_process import VmProcess, console_tail
from nuan_emulator.wifi import Wifi

if TYPE_CHECKING:
    from nuan_emulator.world import World

BOOT_MS = 1000
STUCK_SECONDS = 30.0
RESETS_PER_HOUR_MAX = 20
CAUSE_POWER_ON = 1
_HOUR_MS = 3_600_000
_SOCKET_PIECE_BYTES = 1024
# The board's tick counter starts an hour before it wraps, so that every run crosses the wrap.
_FIRST_TICKS_MS = (1 << 30) - _HOUR_MS
_GC_BLOCK_BYTES = 16
# 115,200 baud, 8N1.
_KEYS_PER_MS = 11
_KEYS_PER_PIECE = 33
# What nobody reads is forgotten.
_PRINTED_BYTES_MAX = 1 << 20
_UPLINK_RECORDS = {lockstep.SOCKET_OPEN, lockstep.SOCKET_SEND, lockstep.SOCKET_CLOSE}
_LARGEST_FREE = re.compile(rb"max free sz: (\d+)")
_HEAP = struct.Struct("<IIIIII")
_RTC = struct.Struct("<IH")
_PULSE = struct.Struct("<IH")


class Node:
    """A node in a world; made by World.add_node."""

    def __init__(self, world: World, spec: NodeSpec, vm: Path, stage: Path) -> None:
        self.spec = spec
        self.now_ms = world.now_ms
        self.resets: list[Reset] = []
        self.boots = 0
        self.power_lost_at_ms: int | None = None
        self._world = world
        self._vm = vm
        self.stage = stage
        self._process: VmProcess | None = None
        self._waiting: Frame | None = None
        self._base_ms = 0
        self._inputs: list[tuple[int, int, int, int, bytes]] = []
        self._order = 0
        self._orders: list[tuple[int, int]] = []
        self._reply = b""
        self._digest = hashlib.sha256()
        self.console = spec.image.with_suffix(".console")
        self._printed = bytearray()
        key = {"nuan/key": spec.key} if spec.key else {}
        self._nvs = NvsFile(spec.image.with_suffix(".nvs"), {**key, **spec.nvs})
        self.ports = {
            uart: SerialPort(line, _driver_pin(spec.config, uart))
            for uart, line in spec.lines.items()
        }
        self._drivers = {p.driver_pin: p for p in self.ports.values() if p.driver_pin is not None}
        self.tunnel = Tunnel(spec.broker, self, self._random("tunnel"), world.set_clock)
        self._network = Network(
            self,
            Wifi(spec.outages, self._random("wifi")),
            spec.lan_outages,
            spec.modem,
            self._random("links"),
        )
        self._ways: dict[int, int] = {}
        self._pin_users = dict(spec.pins)
        self._plug_in_modem()
        self._times = TimeWorld(spec.clock_chip, spec.time_servers, self._random("datagrams"))
        self._fill_flash()
        for link, outages in self._outages().items():
            for begin_ms, end_ms in outages:
                world.at(begin_ms, partial(self.lose_link, link))
                world.at(end_ms, partial(self._link_back, link))
        self.console.unlink(missing_ok=True)
        self._boot(CAUSE_POWER_ON, (0, 0))

    def _fill_flash(self) -> None:
        """What a board has from `nuan flash` and `nuan provision`; what is there stays."""
        image = self.spec.image
        rom = image.with_suffix(".romfs")
        if image.exists() and rom.exists():
            return
        files = flash.board_files(self.stage)
        if image.exists():
            flash.write_files(self._vm, self.stage, image, files)
        else:
            if self.spec.config:
                config = json.dumps(self.spec.config, ensure_ascii=False, sort_keys=True)
                files = {"/config.json": config.encode(), **files}
            flash.make_image(self._vm, self.stage, image, files)
        flash.make_partitions(image, self.stage, self.spec.firmware)

    @property
    def running(self) -> bool:
        """Whether the board has power."""
        return self._process is not None

    @property
    def exchanges(self) -> int:
        """Requests sent on all serial lines."""
        return sum(port.exchanges for port in self.ports.values())

    def kill(self) -> None:
        """Cut the power: kill -9. The node stays off until restart()."""
        self._times.power_lost()
        self._stop()

    def power_cut(self, after_flash_ops: int) -> None:
        """Cut the power in the middle of the n-th flash operation from now (1 is the next)."""
        self._orders.append((lockstep.FLAG_POWER_CUT, after_flash_ops))

    def restart(self) -> None:
        """Give power to a node that is off: same flash, same store, its clock unset."""
        if self._process is None:
            self._boot(CAUSE_POWER_ON, (0, 0))

    def heap(self) -> HeapReport:
        """Collect garbage on the board and measure its heap. The node must be running."""
        self.run_to(self.now_ms)
        self._channel.send(self.now_ms - self._base_ms, b"", flags=lockstep.FLAG_HEAP)
        answer = self._receive()
        report = next(r for r in answer.records if r.type == lockstep.HEAP_REPORT)
        self._waiting = Frame(answer.now, lockstep.KIND_IDLE, [])
        live, free, shims, operations, cpu_us, flash_us = _HEAP.unpack(report.data)
        largest = int(_LARGEST_FREE.findall(self.console.read_bytes())[-1]) * _GC_BLOCK_BYTES
        return HeapReport(live, free, largest, shims, operations, cpu_us, flash_us)

    def console_tail(self) -> str:
        """The last lines the board printed."""
        return console_tail(self.console)

    def console_write(self, data: bytes) -> None:
        """Type at the board's own serial port, at its baud rate, from now on."""
        for at in range(0, len(data), _KEYS_PER_PIECE):
            at_ms = self.now_ms + at // _KEYS_PER_MS
            self._give(at_ms, lockstep.CONSOLE_INPUT, 0, data[at : at + _KEYS_PER_PIECE])

    def console_read(self) -> bytes:
        """What the program has written to its own serial port since the last call."""
        printed = bytes(self._printed)
        self._printed.clear()
        return printed

    def traffic_digest(self) -> str:
        """SHA-256 over all frames of all boots so far: equal in runs of one seed."""
        digest = self._digest.copy()
        if self._process is not None:
            digest.update(self._channel.digest())
        return digest.hexdigest()

    def set_pin(self, pin: int, level: int) -> None:
        """Drive an input pin from now on."""
        self._give(self.now_ms, lockstep.PIN_INPUT, pin, bytes([level]))

    def run_to(self, horizon_ms: int) -> None:
        """Let the board live until the horizon, or until it loses its power."""
        while self._process is not None:
            frame = self._waiting
            if frame is None:
                frame = self._waiting = self._receive()
                self._take(frame)
                continue
            if self.now_ms >= horizon_ms and frame.kind == lockstep.KIND_IDLE:
                return
            self._answer(horizon_ms)

    def stop(self) -> None:
        """End the node for good."""
        self._stop()

    # The tunnel's side.

    def socket_opened(self, ident: int, at_ms: int) -> None:
        """The connection stands."""
        self._give(at_ms, lockstep.SOCKET_STATE, ident, b"\x00")

    def socket_ended(self, ident: int, at_ms: int) -> None:
        """The far end closed."""
        self._give(at_ms, lockstep.SOCKET_STATE, ident, b"\x01")

    def socket_failed(self, ident: int, at_ms: int, errno: int) -> None:
        """The connection failed."""
        self._give(at_ms, lockstep.SOCKET_STATE, ident, bytes([errno]))

    def socket_data(self, ident: int, at_ms: int, data: bytes) -> None:
        """Bytes arrive."""
        for at in range(0, len(data), _SOCKET_PIECE_BYTES):
            piece = data[at : at + _SOCKET_PIECE_BYTES]
            self._give(at_ms, lockstep.SOCKET_RECEIVE, ident, piece)

    # Life.

    @property
    def _channel(self) -> Channel:
        if self._process is None:
            raise NodeDiedError(self.spec.node_id, "is off", "")
        return self._open_channel

    def _boot(self, cause: int, rtc: tuple[int, int]) -> None:
        self.boots += 1
        self.power_lost_at_ms = None
        self._base_ms = self.now_ms = max(self.now_ms, self._world.now_ms) + BOOT_MS
        node = self.spec.node_id
        seed = hashlib.sha256(f"{self._world.seed}/{node}/boot {self.boots}".encode()).hexdigest()
        board = {
            "stage": str(self.stage),
            "image": str(self.spec.image.resolve()),
            "running": ota_data.start(self.spec.image.with_suffix(".otadata")),
            "seed": seed,
            "cause": cause,
            "unique_id": node[-12:],
            "ticks_ms": _FIRST_TICKS_MS,
            "rtc": rtc,
            "cost": self.spec.cost,
            "drift_ppm": self.spec.drift_ppm,
            "wired": any(link["kind"] != "wifi" for link in self.spec.config.get("links", ())),
        }
        self._process = VmProcess(
            self._vm, self.stage, self.spec.heap_kb + SHIMS_KB, {"NUAN_BOARD": json.dumps(board)},
            self.console,
        )  # fmt: skip
        self._world.pin_process(self._process.pid)
        self._open_channel = Channel(self._process.end, STUCK_SECONDS)
        self._waiting = None

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        self._digest.update(self._open_channel.digest())
        self._process = None
        process.kill()
        self._waiting = None
        self._inputs.clear()
        self._orders.clear()
        self._nvs.discard()
        self.tunnel.cut()
        self._network.leave()

    def _reset(self, cause: int, at_ms: int, rtc: bytes) -> None:
        self.resets.append(Reset(at_ms, cause))
        recent = [r for r in self.resets if r.at_ms > at_ms - _HOUR_MS]
        if len(recent) > RESETS_PER_HOUR_MAX:
            reason = f"reset {len(recent)} times within an hour"
            raise NodeCrashLoopError(self.spec.node_id, reason, self.console_tail())
        seconds, milliseconds = _RTC.unpack(rtc)
        self._stop()
        passed = milliseconds + BOOT_MS
        self._boot(cause, (seconds + passed // 1000, passed % 1000))

    # Frames.

    def _receive(self) -> Frame:
        channel = self._channel
        try:
            frame = channel.receive()
        except TimeoutError:
            reason = f"has not idled for {STUCK_SECONDS:g} s"
            raise NodeStuckError(self.spec.node_id, reason, self.console_tail()) from None
        if frame is None:
            raise NodeDiedError(self.spec.node_id, self._ended(), self.console_tail())
        return frame

    def _ended(self) -> str:
        """Bury a board whose program ended by itself; returns how it ended."""
        process = self._process
        if process is None:
            return "is off"
        how = process.exit_text()
        self._stop()
        return how

    def _take(self, frame: Frame) -> None:
        """Act on what the board did."""
        uplink = False
        for record in frame.records:
            kind = record.type
            at_ms = self.now_ms = self._world.now_ms = self._base_ms + record.time
            if kind == lockstep.UART_SEND:
                self._uart(record, at_ms)
            elif kind == lockstep.PIN_SET:
                self._pin(record, at_ms)
            elif kind in _UPLINK_RECORDS:
                self._socket(record, at_ms)
                uplink = True
            else:
                self._rare(record, at_ms)
                if self._process is None or self._waiting is not frame:
                    # The board was reset or has lost its power.
                    return
        self.now_ms = self._world.now_ms = self._base_ms + frame.now
        if uplink:
            self.tunnel.hold(self.now_ms)

    def _answer(self, horizon_ms: int) -> None:
        """Let the board go on up to the horizon, with everything that reaches it by then."""
        base_ms = self._base_ms
        limit_ms = min(max(horizon_ms, self.now_ms), base_ms + lockstep.GRANT_MS_MAX)
        payload = self._reply
        self._reply = b""
        inputs = self._inputs
        while inputs and inputs[0][0] <= limit_ms:
            at_ms, _, kind, ident, data = inputs[0]
            if len(payload) + lockstep.RECORD_BYTES + len(data) > lockstep.PAYLOAD_BYTES_MAX:
                limit_ms = max(at_ms, self.now_ms)
                break
            heapq.heappop(inputs)
            payload += lockstep.pack_record(kind, ident, max(0, at_ms - base_ms), data)
        flags, value = self._orders.pop(0) if self._orders else (0, 0)
        self._waiting = None
        self._open_channel.send(limit_ms - base_ms, payload, value, flags)

    def _give(self, at_ms: int, kind: int, ident: int, data: bytes) -> None:
        if self._process is None:
            return
        self._order += 1
        heapq.heappush(self._inputs, (at_ms, self._order, kind, ident, data))

    # Records.

    def _uart(self, record: Record, at_ms: int) -> None:
        port = self.ports.get(record.ident)
        if port is not None:
            for seen_ms, data in port.send(record.data, at_ms):
                self._give(seen_ms, lockstep.UART_RECEIVE, record.ident, data)

    def _pin(self, record: Record, at_ms: int) -> None:
        level = record.data[0]
        if record.ident in self._drivers:
            self._drivers[record.ident].drive(bool(level), at_ms)
        changed = self._pin_users.get(record.ident)
        if changed is not None:
            changed(level, at_ms)

    def _socket(self, record: Record, at_ms: int) -> None:
        if record.type == lockstep.SOCKET_SEND:
            self.tunnel.send(record.ident, at_ms, record.data)
        elif record.type == lockstep.SOCKET_CLOSE:
            self.tunnel.close(record.ident)
        else:
            way = self._network.way()
            if way is not None:
                self._ways[record.ident] = way
                self.tunnel.open(record.ident, at_ms, record.data.decode())

    def _rare(self, record: Record, at_ms: int) -> None:
        match record.type:
            case lockstep.UART_SETUP:
                if record.ident in self.ports:
                    self.ports[record.ident].setup(record.data)
            case lockstep.WIFI_REQUEST | lockstep.LINK_REQUEST:
                self._link(record, at_ms)
            case lockstep.REBASE:
                self._base_ms += record.ident * lockstep.DAY_MS
            case lockstep.CONSOLE_WRITE:
                self._printed += record.data
                del self._printed[:-_PRINTED_BYTES_MAX]
            case lockstep.I2C | lockstep.DATAGRAM_SEND | lockstep.PWM_SET | lockstep.ONE_WIRE:
                self._outside(record, at_ms)
            case lockstep.NVS_READ:
                self._reply = lockstep.pack_record(
                    lockstep.REPLY, 0, 0, self._nvs.read(record.data.decode())
                )
            case lockstep.NVS_WRITE:
                name = record.data[: record.ident].decode()
                self._nvs.write(name, record.data[record.ident :])
            case lockstep.NVS_COMMIT:
                self._nvs.commit()
            case lockstep.POWER_LOST:
                self.power_lost_at_ms = at_ms
                self._times.power_lost()
                self._stop()
            case lockstep.RESET:
                self._reset(record.ident, at_ms, record.data)
            case other:
                raise NodeDiedError(self.spec.node_id, f"sent a record of type {other}", "")

    def _outside(self, record: Record, at_ms: int) -> None:
        """The board's I2C bus and one-wire pins, pulses, and datagrams."""
        if record.type == lockstep.PWM_SET:
            changed = self.spec.pulses.get(record.ident)
            if changed is not None:
                frequency_hz, width = _PULSE.unpack(record.data)
                changed(frequency_hz, width, at_ms)
            return
        if record.type == lockstep.ONE_WIRE:
            wire = OneWirePin(self.spec.probes.get(record.ident, ()))
            reply = wire.transfer(record.data, at_ms)
            self._reply = lockstep.pack_record(lockstep.REPLY, 0, 0, reply)
            return
        if record.type == lockstep.I2C:
            reply = self._times.transfer(record.ident, record.data, at_ms)
            self._reply = lockstep.pack_record(lockstep.REPLY, 0, 0, reply)
            return
        answer = self._times.datagram(record.data, at_ms)
        if answer is not None:
            self._give(answer[0], lockstep.DATAGRAM_RECEIVE, record.ident, answer[1])

    # The links.

    def _plug_in_modem(self) -> None:
        """The modem, where the configuration says that one is."""
        modem = self.spec.modem
        for link in self.spec.config.get("links", ()):
            if modem is None or link["kind"] != "ppp":
                continue
            self.ports[link["uart"]] = SerialPort(modem)
            if link.get("power_pin", -1) >= 0:
                self._pin_users[link["power_pin"]] = modem.press

    def _link(self, record: Record, at_ms: int) -> None:
        if record.type == lockstep.WIFI_REQUEST:
            self._network.request(WIFI, bool(record.ident), at_ms)
        else:
            self._network.request(record.ident, bool(record.data[0]), at_ms)

    def _outages(self) -> dict[int, Sequence[tuple[int, int]]]:
        modem = self.spec.modem
        ppp = modem.outages if modem else ()
        return {WIFI: self.spec.outages, LAN: self.spec.lan_outages, PPP: ppp}

    def lose_link(self, link: int) -> None:
        """A link (see nuan_emulator.network) is lost, now."""
        self._network.outage(link, self._world.now_ms)

    def _link_back(self, link: int) -> None:
        self._network.back(link, self._world.now_ms)

    def give(self, at_ms: int, kind: int, ident: int, data: bytes) -> None:
        """Tell the board something at an instant."""
        self._give(at_ms, kind, ident, data)

    def drop(self, link: int, now_ms: int) -> None:
        """A link is gone, and with it all that was still on its way."""
        gone = [ident for ident in self.tunnel.open_idents() if self._ways.get(ident) == link]
        self._inputs = [i for i in self._inputs if not _goes_over(i, link, gone)]
        heapq.heapify(self._inputs)
        for ident in gone:
            self.socket_ended(ident, now_ms)
            self.tunnel.close(ident)

    def _random(self, purpose: str) -> Random:
        return Random(f"{self._world.seed}/{self.spec.node_id}/{purpose}")  # noqa: S311


def _goes_over(given: tuple[int, int, int, int, bytes], link: int, idents: list[int]) -> bool:
    """Whether what the board was to be told has been on its way over this link."""
    _, _, kind, ident, _ = given
    if kind in (lockstep.SOCKET_STATE, lockstep.SOCKET_RECEIVE):
        return ident in idents
    if kind == lockstep.LINK_STATE:
        return ident == link
    return kind == lockstep.DATAGRAM_RECEIVE or (kind == lockstep.WIFI_STATE and link == WIFI)


def _driver_pin(config: Mapping[str, Any], uart: int) -> int | None:
    """The pin that drives the RS-485 line of a serial port, by the node's configuration."""
    for bus in config.get("buses", ()):
        if bus.get("uart") == uart and bus.get("de", -1) >= 0:
            return int(bus["de"])
    return None
