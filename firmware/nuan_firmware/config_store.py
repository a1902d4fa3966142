"""Takes a new configuration in pieces, checks all of it, and puts it on trial. Loaded on demand.

    /config.json       the last one that reached the gateway
    /config.trial      complete and checked: used from the next boot on (config_trial.py)
    /config.<8 hex>    one that is coming in, named by the start of its SHA-256

A piece is on flash when data() returns, and a renamed file replaces another in one step: after a
power cut each of the files is what it was or what it was to become. Secrets are not in here.
"""

import gc
import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand
from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

CONFIG_PATH = "/config.json"
TRIAL_PATH = "/config.trial"
# What config.parse() loads.
CONFIG_MODULES = ("config", "config_clock", "config_links", "config_meters", "config_zones")
SIZE_MAX = const(32768)
_SUFFIX = "json"
_DIGEST_BYTES = const(32)
_CHUNK_BYTES = const(256)
_NAME_BYTES = const(4)
# A board without a configuration takes any.
_ANY_NODE = bytes(8)


class ConfigStore:
    """One transfer for the node `node`, which runs the configuration `version`.

    The new one must have a higher version; with version 0 any is good, with a node of 8 zeros any
    node's. ValueErrors are refusals with their reason; nothing has changed then.
    """

    def __init__(self, node: bytes, version: int) -> None:
        self._node = node
        self._version = version
        self._digest = b""
        self._size = self._at = 0
        self._path = ""
        # Of the configuration that end() has put on trial; 0: only the next boot can tell.
        self.trial_version = 0

    def begin(self, size: int, digest: bytes) -> int:
        """Begin or go on with `size` bytes of this SHA-256; the offset of the next byte wanted."""
        if not 0 < size <= SIZE_MAX:
            raise ValueError("a configuration has at most %d bytes" % SIZE_MAX)
        if len(digest) != _DIGEST_BYTES:
            raise ValueError("a SHA-256 has 32 bytes")
        if exists(TRIAL_PATH):
            raise ValueError("another configuration is on trial; wait for its end")
        self._digest = bytes(digest)
        self._size = size
        self._path = CONFIG_PATH[: -len(_SUFFIX)] + self._digest[:_NAME_BYTES].hex()
        _forget_others(self._path)
        self._at = os.stat(self._path)[6] if exists(self._path) else 0
        if self._at > size:
            os.remove(self._path)
            self._at = 0
        return self._at

    def data(self, offset: int, piece: "Buffer") -> int:
        """Keep the piece that is wanted, no other; the offset of the next byte wanted."""
        if not self._size:
            raise ValueError("no transfer has begun")
        if offset != self._at:
            return self._at
        if offset + len(piece) > self._size:
            raise ValueError("more than the %d bytes announced" % self._size)
        with open(self._path, "ab") as file:
            file.write(piece)
        self._at += len(piece)
        return self._at

    def end(self) -> None:
        """Check what has come, and put it on trial: it is used when the node restarts."""
        if not self._size or self._at != self._size:
            raise ValueError("%d of %d bytes are there" % (self._at, self._size))
        try:
            self._check_digest()
            self._check_content()
        except ValueError:
            os.remove(self._path)
            raise
        if not exists(CONFIG_PATH):
            # A new board has nothing to go back to.
            os.rename(self._path, CONFIG_PATH)
            return
        if chip.number("cfg_tries", 0):
            chip.set_number("cfg_tries", 0)
        os.rename(self._path, TRIAL_PATH)

    def _check_digest(self) -> None:
        digest = sha256()
        last = b""
        with open(self._path, "rb") as file:
            while True:
                piece = file.read(_CHUNK_BYTES)
                if not piece:
                    break
                digest.update(piece)
                last = piece.rstrip()[-1:] or last
        if digest.digest() != self._digest:
            raise ValueError("the bytes are not those of the SHA-256; send it again")
        # The board's JSON reader doesn't miss the last bracket.
        if last != b"}":
            raise ValueError("not JSON")

    def _check_content(self) -> None:
        gc.collect()
        try:
            self._check_settings()
        except MemoryError:
            # A node with many meters at work: the boot has room to check, and refuses as well.
            pass
        finally:
            on_demand.unload(*CONFIG_MODULES)
            gc.collect()

    def _check_settings(self) -> None:
        from nuan_firmware import config

        try:
            with open(self._path) as file:
                settings = config.parse(json.load(file))
        except MemoryError:
            raise
        except config.ConfigError as problem:
            raise ValueError(str(problem)) from None
        except Exception:
            raise ValueError("not JSON") from None
        if self._node not in (settings.node, _ANY_NODE):
            raise ValueError("node: it is another node's, %s" % settings.node.hex())
        if settings.version <= self._version:
            raise ValueError(
                "version: %d is in use, %d is not higher" % (self._version, settings.version)
            )
        self.trial_version = settings.version


def exists(path: str) -> bool:
    """Whether there is such a file."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _forget_others(path: str) -> None:
    """Remove what came in of other configurations, and was never completed."""
    folder = path[: path.rfind("/") + 1]
    head = len(path) - len(folder) - 2 * _NAME_BYTES
    for item in os.ilistdir(folder or "/"):
        name = folder + item[0]
        if len(name) == len(path) and item[0][:head] == "config." and name != path:
            os.remove(name)
