"""Takes firmware in pieces: the application into the idle slot, a VM image into the spare one.

The head comes first: nothing is erased before its signature holds. What is written goes block by
block to where nothing runs, and is read back before it is put on trial. Loaded on demand, and kept
small while pieces come in: what judges is in update_check.py, and loaded for the head and the end.

    /update    u8 kind | u32 bytes | SHA-256 of the file | head | 8 bytes of the SHA-256 of each
               32 KB on flash; big-endian

After a restart the transfer goes on behind the last 32 KB that flash really holds.
"""

from hashlib import sha256
from struct import pack
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand
from nuan_firmware.hal import chip
from nuan_protocols.uplink.body import EVENT_UPDATE

if TYPE_CHECKING:
    from nuan_firmware.hal.flash import Area
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

APP = const(1)
IMAGE = const(2)
STATE_PATH = "/update"
HEAD_BYTES = const(512)
CHUNK_BYTES = const(32768)
CHECK_BYTES = const(8)
_DIGEST_BYTES = const(32)
_PIECE_BYTES = const(256)
_BLOCK_MASK = const(4095)


class Receiver:
    """One transfer of a bundle of this kind. ValueErrors are refusals: what ran goes on running."""

    def __init__(self, kind: int, journal: "Journal | None" = None) -> None:
        self.kind = kind
        self.journal = journal
        # How the state on flash begins.
        self.named = b""
        self.size = self.at = 0
        # As the head says, once it has been judged.
        self.payload_at = 0
        self.manifest_digest = b""
        self.area: "Area | None" = None
        self._head = bytearray(0)
        self._manifest = sha256()

    def begin(self, size: int, digest: bytes) -> int:
        """Begin or go on with a file of `size` bytes and this SHA-256; the offset wanted next."""
        if len(digest) != _DIGEST_BYTES:
            raise ValueError("a SHA-256 has 32 bytes")
        self.size = size
        self.named = pack(">BI", self.kind, size) + digest
        self._restart()
        from nuan_firmware import update_check

        try:
            self.at = update_check.resume(self)
        except ValueError as problem:
            self._refuse(problem)
        finally:
            _unload()
        if not self.at:
            self._restart()
        return self.at

    def data(self, offset: int, piece: "Buffer") -> int:
        """Keep the piece that is wanted, no other; the offset wanted next."""
        if not self.size:
            raise ValueError("no transfer has begun")
        if offset != self.at:
            return self.at
        if offset + len(piece) > self.size:
            raise ValueError("more than the %d bytes announced" % self.size)
        view = memoryview(piece)
        try:
            if self.area is None:
                view = self._take_head(view)
            self._write(view)
        except OSError as problem:
            self._refuse(ValueError("flash: " + repr(problem)))
        except ValueError as problem:
            self._refuse(problem)
        return self.at

    def end(self) -> None:
        """Check what is on flash, and put it on trial with the next start."""
        if self.area is None or self.at != self.size:
            raise ValueError("%d of %d bytes are there" % (self.at, self.size))
        from nuan_firmware import update_check

        try:
            update_check.arm(self)
        except ValueError as problem:
            self._refuse(problem)
        finally:
            _unload()

    def _refuse(self, problem: ValueError) -> None:
        """The transfer is over; what happened is journaled, whoever asked for it."""
        if self.journal is not None:
            self.journal.event(EVENT_UPDATE, "refused: %s" % problem)
        raise problem

    def _restart(self) -> None:
        """As before the first byte."""
        self.at = 0
        self.area = None
        self._head = bytearray(0)
        self._manifest = sha256()

    def _take_head(self, view: memoryview) -> memoryview:
        """Gather the head, and have it judged; the rest of the piece."""
        left = HEAD_BYTES - len(self._head)
        self._head += view[:left]
        self.at = len(self._head)
        if self.at < HEAD_BYTES:
            return view[len(view) :]
        from nuan_firmware import update_check

        head = self._head
        try:
            update_check.judge(self, head)
            with open(STATE_PATH, "wb") as file:
                file.write(self.named)
                file.write(head)
            if self.kind == APP:
                self.at = 0
                self._write(memoryview(head))
        except Exception:
            # Also when there was no memory for it: a head is on flash whole, or not at all.
            self._restart()
            raise
        finally:
            _unload()
        self._head = bytearray(0)
        return view[left:]

    def _write(self, view: memoryview) -> None:
        """Program what comes next, block by block; check the manifest once it is complete."""
        area = self.area
        while len(view) and area is not None:
            size = min(len(view), _BLOCK_MASK + 1 - (self.at & _BLOCK_MASK))
            if self.at < self.payload_at:
                size = min(size, self.payload_at - self.at)
            piece = view[:size]
            if self.kind == APP or self.at >= self.payload_at:
                place = self.place(self.at)
                if not place & _BLOCK_MASK:
                    if chip.number("trial", -1) >= 0 or chip.number("vm_trial", 0) > 0:
                        # Of another transfer, over the other way: what was checked stays as it is.
                        raise ValueError("another update is on trial; wait for its end")
                    area.erase(place)
                area.write(place, piece)
            if HEAD_BYTES <= self.at < self.payload_at:
                self._manifest.update(piece)
            self.at += size
            if self.at == self.payload_at and self._manifest.digest() != self.manifest_digest:
                self._restart()
                raise ValueError("the manifest doesn't have the hash that the head gives")
            if not self.at % CHUNK_BYTES:
                self._note_chunk(area)
            view = view[size:]

    def _note_chunk(self, area: "Area") -> None:
        begin = self.place(self.at - CHUNK_BYTES)
        check = digest_of(area, begin, self.place(self.at) - begin)[:CHECK_BYTES]
        with open(STATE_PATH, "ab") as file:
            file.write(check)

    def place(self, offset: int) -> int:
        """Where a byte of the file is in the area: of a VM image only the payload is kept."""
        return offset if self.kind == APP else max(0, offset - self.payload_at)


class Bundle(Receiver):
    """A new build of the application."""

    def __init__(self, journal: "Journal | None" = None) -> None:
        super().__init__(APP, journal)


class Image(Receiver):
    """A new image of the VM."""

    def __init__(self, journal: "Journal | None" = None) -> None:
        super().__init__(IMAGE, journal)


def digest_of(area: "Area", begin: int, size: int) -> bytes:
    """The SHA-256 of what flash holds there."""
    digest = sha256()
    buffer = memoryview(bytearray(_PIECE_BYTES))
    while size:
        piece = buffer[: min(size, _PIECE_BYTES)]
        area.read(begin, piece)
        digest.update(piece)
        begin += len(piece)
        size -= len(piece)
    found: bytes = digest.digest()
    return found


def _unload() -> None:
    on_demand.unload("update_check", "nuan_protocols.bundle", "nuan_protocols.sealed")
