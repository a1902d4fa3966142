"""A node whose console is typed at in memory: real journal, clock and lock, no line."""

import asyncio
import json

import edge_in_memory
from journal_kit import KEY, NODE, START, Meters, make_journal
from ram_flash import MOUNT, RamFlash

from nuan_firmware import config_store
from nuan_firmware.config import Bus, Meter, Way
from nuan_firmware.console.listener import Console
from nuan_protocols.uplink.console_key import console_answer
from nuan_protocols.uplink.keys import NodeKeys

Hal = edge_in_memory.Hal


class Screen:
    """What is typed is read at once; what is printed is kept."""

    def __init__(self):
        self.keys = b""
        self.at = 0
        self.out = b""
        self.interrupted = False
        self.longest = 0

    async def read(self):
        if self.at >= len(self.keys):
            raise asyncio.CancelledError
        return self.more()

    def more(self):
        if self.at >= len(self.keys):
            return -1
        self.at += 1
        return self.keys[self.at - 1]

    async def write(self, text):
        data = text.encode() if isinstance(text, str) else bytes(text)
        self.longest = max(self.longest, len(data))
        self.out += data

    def echo(self, data):
        self.out += bytes(data)

    def is_interrupted(self):
        return self.interrupted

    def release(self):
        pass

    def screen(self):
        return self


class Time:
    """A clock that the test moves."""

    rank = 4
    steps = 0

    def __init__(self):
        self.up_s = 1000

    def uptime(self):
        return self.up_s

    def now(self):
        return START + self.up_s

    def quality(self):
        return 2

    def tell(self, rank, utc_s, ms, slack_ms):
        return 0


class Supervisor:
    is_healthy = True

    def __init__(self):
        self.faults = []

    def fault(self, name, problem):
        self.faults.append((name, problem))


class Configuration:
    node = NODE
    version = 7
    host = "10.1.0.1"
    port = 1883
    buses = (Bus("mbus", "mbus", 1, 17, 16, -1, 2400, "E", 30),)


class Poller:
    """One meter in slot 3 that always gives the same answer."""

    name = "mbus"
    meters = (Meter(3, 0, 5, 900, Way((), None, -1)),)

    def __init__(self, journal):
        self.results = bytearray(1)
        self.read_s = [0]
        self.misses = bytearray(1)
        self.journal = journal
        self.wrote = 0
        self.answer = b"\x68\x00answer"

    async def read_one(self, index):
        result = 0 if self.answer else 1
        self.results[index] = result + 1
        self.wrote = self.journal.seq
        self.journal.exchange(START, 2, 0, 3, 0, 7, result, 1, b"\x10\x5b", self.answer)
        return [(0, result, 1, b"\x10\x5b", self.answer)]


class Node:
    def __init__(self):
        self.config = Configuration
        self.keys = NodeKeys(KEY)
        self.clock = Time()
        self.supervisor = Supervisor()
        self.journal = make_journal()
        Meters(1, 3).poll(self.journal)
        self.journal.flush()
        self.pollers = [Poller(self.journal)]


class Typist:
    """Types at a console; `key` False: a board that was never provisioned."""

    def __init__(self, key=True):
        self.chip = RamFlash(64)
        self.chip.format()
        self.chip.mount()
        config_store.CONFIG_PATH = MOUNT + "/config.json"
        config_store.TRIAL_PATH = MOUNT + "/config.trial"
        Hal.blobs = {"key": KEY} if key else {}
        self.node = Node()
        self.screen = Screen()
        self.console = Console(self.node, self.screen)

    def type(self, keys):
        """What is printed after these keys."""
        self.screen.keys = keys
        self.screen.at = 0
        self.screen.out = b""
        try:
            asyncio.run(self.console.run())
        except asyncio.CancelledError:
            pass
        return self.screen.out

    def ask(self, command, **args):
        """A program's request; its answer."""
        args["cmd"] = command
        args["id"] = 7
        lines = self.type(json.dumps(args).encode() + b"\n").strip().split(b"\n")
        assert len(lines) == 1, lines
        answer = json.loads(lines[0])
        assert answer.pop("id") == 7
        return answer

    def unlock(self):
        challenge = self.ask("unlock")["challenge"]
        assert self.ask("unlock", answer=console_answer(KEY, challenge))["ok"]

    def close(self):
        self.chip.unmount()


def node_key():
    if "key" not in Hal.blobs:
        raise OSError(Hal.store_fault)
    return Hal.blobs["key"]


def blob(name):
    return Hal.blobs.get(name, b"")


def set_blob(name, value):
    Hal.blobs[name] = bytes(value)


Hal.store_fault = Hal.NVS_NOT_FOUND
Hal.node_key = staticmethod(node_key)
Hal.blob = staticmethod(blob)
Hal.set_blob = staticmethod(set_blob)
Hal.NODE_KEY_BYTES = 32
Hal.BLOB_BYTES_MAX = 1536
