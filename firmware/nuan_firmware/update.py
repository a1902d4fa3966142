"""Takes firmware in pieces: the application into the idle slot, a VM image into the spare one.

The head comes first: nothing is erased before its signature holds. What is written goes block by
block to where nothing runs, and is read back before it is put on trial. Loaded on demand.

    /update    u8 kind | u32 bytes | SHA-256 of the file | head | 8 bytes of the SHA-256 of each
               32 KB on flash; big-endian

After a restart the transfer goes on behind the last 32 KB that flash really holds.
"""

import gc
import os
import sys
from hashlib import sha256
from struct import pack
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import trial
from nuan_firmware.hal import chip, flash
from nuan_protocols import bundle, sealed
from nuan_protocols.uplink.body import EVENT_UPDATE

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

STATE_PATH = "/update"
_CHUNK_BYTES = const(32768)
_CHECK_BYTES = const(8)
_DIGEST_BYTES = const(32)
_PIECE_BYTES = const(512)
_STATE_HEAD = const(37)
_BLOCK_MASK = const(4095)


class Receiver:
    """One transfer of a bundle of this kind. ValueErrors are refusals: what ran goes on running."""

    def __init__(self, kind: int, journal: "Journal | None" = None) -> None:
        self._kind = kind
        self._journal = journal
        self._named = b""
        self._size = self._at = 0
        self._head = bytearray(0)
        self._info: "bundle.Head | None" = None
        self._area: "flash.Area | None" = None
        self._manifest = sha256()

    def begin(self, size: int, digest: bytes) -> int:
        """Begin or go on with a file of `size` bytes and this SHA-256; the offset wanted next."""
        if len(digest) != _DIGEST_BYTES:
            raise ValueError("a SHA-256 has 32 bytes")
        if trial.is_armed():
            raise ValueError("another update is on trial; wait for its end")
        self._size = size
        self._named = pack(">BI", self._kind, size) + digest
        self._restart()
        try:
            self._resume()
        except (OSError, ValueError):
            self._restart()
        return self._at

    def data(self, offset: int, piece: "Buffer") -> int:
        """Keep the piece that is wanted, no other; the offset wanted next."""
        if not self._size:
            raise ValueError("no transfer has begun")
        if offset != self._at:
            return self._at
        if offset + len(piece) > self._size:
            raise ValueError("more than the %d bytes announced" % self._size)
        view = memoryview(piece)
        if self._info is None:
            view = self._take_head(view)
        try:
            self._write(view)
        except OSError as problem:
            raise ValueError("flash: " + repr(problem)) from None
        return self._at

    def end(self) -> None:
        """Check what is on flash, and put it on trial with the next start."""
        info, area = self._info, self._area
        if info is None or area is None or self._at != self._size:
            raise ValueError("%d of %d bytes are there" % (self._at, self._size))
        try:
            if self._kind == bundle.APP:
                self._check_slot()
            elif _digest_of(area, 0, info.size) != info.digest:
                raise ValueError("the image on flash doesn't have the hash that its head gives")
        except ValueError:
            forget()
            raise
        if chip.number("crashes", 0):
            # It shall run as a whole, even where what runs now has come down to safe mode.
            chip.set_number("crashes", 0)
        if self._kind == bundle.APP:
            chip.set_number("tries", 0)
            chip.set_number("trial", 1 - trial.good_slot())
        else:
            self._arm_image(info)
        if self._journal is not None:
            name = "VM image " if self._kind == bundle.IMAGE else ""
            text = "%s%s (build %d) is tried at the next start" % (name, info.version, info.build)
            self._journal.event(EVENT_UPDATE, text)

    def _restart(self) -> None:
        """As before the first byte."""
        self._at = 0
        self._head = bytearray(0)
        self._info = None

    def _resume(self) -> None:
        """Take up what the state says, as far as the flash agrees; OSError when there is none."""
        with open(STATE_PATH, "rb") as file:
            if file.read(_STATE_HEAD) != self._named:
                return
            self._take_info(file.read(bundle.HEAD_BYTES))
            area = self._area
            at = 0
            while area is not None:
                check = file.read(_CHECK_BYTES)
                begin = self._place(at)
                end = self._place(at + _CHUNK_BYTES)
                if len(check) < _CHECK_BYTES or _digest_of(area, begin, end - begin)[:8] != check:
                    break
                at += _CHUNK_BYTES
        if at:
            self._at = at
            _cut_state(_STATE_HEAD + bundle.HEAD_BYTES + at // _CHUNK_BYTES * _CHECK_BYTES)
        else:
            self._restart()

    def _take_head(self, view: memoryview) -> memoryview:
        """Gather the head; the rest of the piece."""
        left = bundle.HEAD_BYTES - len(self._head)
        self._head += view[:left]
        if len(self._head) < bundle.HEAD_BYTES:
            self._at = len(self._head)
            return view[len(view) :]
        try:
            self._take_info(self._head)
        except ValueError:
            self._restart()
            raise
        self._manifest = sha256()
        with open(STATE_PATH, "wb") as file:
            file.write(self._named)
            file.write(self._head)
        self._at = 0
        if self._kind == bundle.APP:
            self._write(memoryview(self._head))
        self._at = bundle.HEAD_BYTES
        self._head = bytearray(0)
        return view[left:]

    def _take_info(self, head: "bytes | bytearray") -> None:
        """Whether this head may bring what it says, to this node. Raises ValueError."""
        info = bundle.Head(head)
        if info.kind != self._kind:
            raise ValueError("a bundle of kind %d, %d was announced" % (info.kind, self._kind))
        moduli = [modulus for modulus in flash.moduli() if modulus]
        gc.collect()
        if moduli:
            sealed.signer(head, moduli)
        if info.file_bytes() != self._size:
            raise ValueError(
                "the head speaks of %d bytes, announced are %d" % (info.file_bytes(), self._size)
            )
        _check_fit(info)
        try:
            if self._kind == bundle.APP:
                self._area = flash.slot(1 - _check_runs(info, moduli))
            else:
                self._area = flash.spare_image()
        except OSError as problem:
            raise ValueError("no room for it: " + str(problem)) from None
        needed = self._place(self._size)
        if needed > self._area.size:
            raise ValueError("%d bytes; there is room for %d" % (needed, self._area.size))
        self._info = info

    def _place(self, offset: int) -> int:
        """Where a byte of the file is in the area: of a VM image only the payload is kept."""
        if self._kind == bundle.APP:
            return offset
        at = self._info.payload_at if self._info is not None else 0
        return max(0, offset - at)

    def _write(self, view: memoryview) -> None:
        """Program what comes next, block by block; check the manifest once it is complete."""
        info, area = self._info, self._area
        while len(view) and info is not None and area is not None:
            size = min(len(view), _BLOCK_MASK + 1 - (self._at & _BLOCK_MASK))
            piece = view[:size]
            if self._kind == bundle.APP or self._at >= info.payload_at:
                place = self._place(self._at)
                if not place & _BLOCK_MASK:
                    area.erase(place)
                area.write(place, piece)
            if bundle.HEAD_BYTES <= self._at < info.payload_at:
                self._manifest.update(piece)
            self._at += size
            if self._at == info.payload_at and self._manifest.digest() != info.manifest_digest:
                forget()
                self._restart()
                raise ValueError("the manifest doesn't have the hash that the head gives")
            if not self._at % _CHUNK_BYTES:
                self._note_chunk(area)
            view = view[size:]

    def _note_chunk(self, area: "flash.Area") -> None:
        begin = self._place(self._at - _CHUNK_BYTES)
        check = _digest_of(area, begin, self._place(self._at) - begin)[:_CHECK_BYTES]
        with open(STATE_PATH, "ab") as file:
            file.write(check)

    def _check_slot(self) -> None:
        """The slot as it is mapped must satisfy the loader, and be the file that was announced."""
        moduli = [modulus for modulus in flash.moduli() if modulus]
        slot = flash.slots()[1 - trial.good_slot()]
        sealed.payload(slot, moduli)
        if sha256(slot[: self._size]).digest() != self._named[_STATE_HEAD - _DIGEST_BYTES :]:
            raise ValueError("the file on flash doesn't have the SHA-256 announced")

    def _arm_image(self, info: bundle.Head) -> None:
        label = flash.spare_image().label
        chip.set_number("vm_next", info.build)
        chip.set_number("vm_trial", 1 + int(label[-1]))
        try:
            flash.boot_spare_image()
        except ValueError:
            chip.set_number("vm_trial", 0)
            forget()
            raise


class Bundle(Receiver):
    """A new build of the application."""

    def __init__(self, journal: "Journal | None" = None) -> None:
        super().__init__(bundle.APP, journal)


class Image(Receiver):
    """A new image of the VM."""

    def __init__(self, journal: "Journal | None" = None) -> None:
        super().__init__(bundle.IMAGE, journal)


def forget() -> None:
    """The next transfer begins anew."""
    try:
        os.remove(STATE_PATH)
    except OSError:
        pass


def _check_runs(info: bundle.Head, moduli: "list[bytes]") -> int:
    """The slot that runs. Raises ValueError unless it is sound, and something else than this."""
    number = trial.good_slot()
    good = flash.slots()[number]
    try:
        sealed.payload(good, moduli)
    except ValueError as problem:
        # Whatever the other slot holds is what this board lives on.
        raise ValueError("slot %d: %s; nothing is overwritten" % (number, problem)) from None
    if bundle.Head(good).digest == info.digest:
        raise ValueError("it runs here already")
    return number


def _check_fit(info: bundle.Head) -> None:
    """Whether this VM runs it, and no higher build has run well. Raises ValueError."""
    is_app = info.kind == bundle.APP
    highest = chip.number("build" if is_app else "vm_build", 0)
    if info.build < highest:
        raise ValueError("build %d is older than %d, which ran well here" % (info.build, highest))
    mpy = sys.implementation._mpy & 0xFF
    if info.mpy != mpy:
        raise ValueError(
            "it is of .mpy version %d, this node runs %d: change both by cable" % (info.mpy, mpy)
        )
    if is_app and info.vm > tuple(sys.implementation.version[:2]):
        raise ValueError("it needs MicroPython %d.%d" % info.vm)
    if info.chip not in (bundle.ANY_CHIP, flash.chip_number() if not is_app else bundle.ANY_CHIP):
        raise ValueError("it is for chip %d, this is %d" % (info.chip, flash.chip_number()))


def _digest_of(area: "flash.Area", begin: int, size: int) -> bytes:
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


def _cut_state(size: int) -> None:
    """Forget the chunks behind the last sound one."""
    with open(STATE_PATH, "rb") as file:
        kept = file.read(size)
    with open(STATE_PATH, "wb") as file:
        file.write(kept)
