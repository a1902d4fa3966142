"""A broker and a gateway in one asyncio server: enough for one node, checked by nuan_protocols."""

import asyncio

from journal_kit import KEYS, next_chain

from nuan_protocols.uplink.ack import Ack, build_ack
from nuan_protocols.uplink.message import parse_head


class Gateway:
    """Keeps what it accepted in `entries`; `silent` answers to lose, `credit` and `time` to say."""

    def __init__(self):
        self.entries = {}
        self.cumulative = 0
        self.messages = []
        self.connections = 0
        self.pubacks = 0
        self.pings = 0
        self.duplicates = 0
        self.credit = 4
        self.lose = 0
        self.time = 1762000000
        self.code = 0
        self.forge = None
        self.acked = []
        self._tasks = []
        self._server = None
        self.port = 0

    async def start(self):
        for port in range(42000, 42100):
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
            except OSError:
                continue
            self.port = port
            return

    async def stop(self):
        self._server.close()
        await self._server.wait_closed()

    def cut(self):
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.append(asyncio.current_task())
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        await writer.wait_closed()

    async def _converse(self, reader, writer):
        topic = b""
        while True:
            kind = (await reader.readexactly(1))[0]
            size = shift = 0
            digit = 0x80
            while digit & 0x80:
                digit = (await reader.readexactly(1))[0]
                size |= (digit & 0x7F) << shift
                shift += 7
            rest = await reader.readexactly(size) if size else b""
            if kind == 0x10:
                writer.write(b"\x20\x02\x00" + bytes((self.code,)))
            elif kind == 0x82:
                topic = rest[2:-1]
                writer.write(b"\x90\x03" + rest[:2] + b"\x01")
            elif kind == 0xC0:
                self.pings += 1
                writer.write(b"\xd0\x00")
            elif kind == 0x40:
                self.pubacks += 1
            elif kind == 0x32:
                at = 2 + (rest[0] << 8 | rest[1])
                writer.write(b"\x40\x02" + rest[at : at + 2])
                answer = self._take(rest[at + 2 :])
                if answer:
                    size = len(topic) + 2 + len(answer)
                    length = bytes((size & 0x7F | 0x80, size >> 7))
                    writer.write(b"\x32" + length + topic + b"\x00\x07" + answer)
            await writer.drain()

    def _take(self, message):
        head = parse_head(message)
        assert KEYS.up.mac(message[:-32]) == message[-32:]
        self.messages.append((head.type, head.nonce, bytes(message)))
        if head.type == 2:
            self._keep(message, head)
        if self.lose:
            self.lose -= 1
            return b""
        ack = Ack(
            head.node,
            head.epoch,
            self.forge or head.nonce,
            self.cumulative,
            head.type == 1,
            self.credit,
            self.time,
            self._gaps(),
        )
        self.acked.append(self.cumulative)
        return build_ack(ack, KEYS)

    def _keep(self, message, head):
        seq = int.from_bytes(message[26:30], "big")
        chain = message[32:64]
        at = 64
        for _ in range(message[30] << 8 | message[31]):
            length = message[at] << 8 | message[at + 1]
            part = message[at + 2 : at + 2 + length]
            entry = b"\x01" + part[:1] + head.node + head.epoch + seq.to_bytes(4, "big") + part[1:]
            chain = next_chain(chain, entry, head.epoch)
            if seq in self.entries:
                self.duplicates += 1
                assert self.entries[seq] == entry
            self.entries[seq] = entry
            seq += 1
            at += 2 + length
        while self.cumulative + 1 in self.entries:
            self.cumulative += 1

    def _gaps(self):
        above = [seq for seq in self.entries if seq > self.cumulative]
        return ((self.cumulative + 1, min(above) - 1),) if above else ()
