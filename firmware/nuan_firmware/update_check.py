"""Judges an update: its head before anything is erased, all of it before it is tried. On demand."""

import gc
import os
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import update
from nuan_firmware.hal import chip, flash
from nuan_protocols import bundle, sealed
from nuan_protocols.uplink.body import EVENT_UPDATE

if TYPE_CHECKING:
    from nuan_firmware.update import Receiver

_NAMED_BYTES = const(37)
_DIGEST_AT = const(5)


def resume(receiver: "Receiver") -> int:
    """Take up the transfer that the state tells of, as far as flash agrees; 0 to begin anew.

    Raises ValueError while another update is on trial.
    """
    if flash.is_armed():
        raise ValueError("another update is on trial; wait for its end")
    at = 0
    try:
        with open(update.STATE_PATH, "rb") as file:
            if file.read(_NAMED_BYTES) != receiver.named:
                return 0
            judge(receiver, file.read(update.HEAD_BYTES))
            area = receiver.area
            while area is not None:
                check = file.read(update.CHECK_BYTES)
                begin = receiver.place(at)
                size = receiver.place(at + update.CHUNK_BYTES) - begin
                if len(check) < update.CHECK_BYTES:
                    break
                if update.digest_of(area, begin, size)[: len(check)] != check:
                    break
                at += update.CHUNK_BYTES
        if at:
            _cut_state(
                _NAMED_BYTES + update.HEAD_BYTES + at // update.CHUNK_BYTES * update.CHECK_BYTES
            )
    except (OSError, ValueError):
        return 0
    return at


def judge(receiver: "Receiver", data: "bytes | bytearray") -> None:
    """Whether this head may bring what it says, to this node. Raises ValueError."""
    info = bundle.Head(data)
    if info.kind != receiver.kind:
        raise ValueError("a bundle of kind %d, %d was announced" % (info.kind, receiver.kind))
    moduli = flash.known_moduli()
    gc.collect()
    if moduli:
        sealed.signer(data, moduli)
        gc.collect()
    if info.file_bytes() != receiver.size:
        raise ValueError(
            "the head speaks of %d bytes, announced are %d" % (info.file_bytes(), receiver.size)
        )
    _check_fit(info)
    receiver.payload_at = info.payload_at
    try:
        if info.kind == bundle.APP:
            area = flash.slot(1 - _sound_slot(info, moduli))
        else:
            area = flash.spare_image()
    except OSError as problem:
        raise ValueError("no room for it: " + str(problem)) from None
    needed = receiver.place(receiver.size)
    if needed > area.size:
        raise ValueError("%d bytes; there is room for %d" % (needed, area.size))
    receiver.manifest_digest = info.manifest_digest
    receiver.area = area


def arm(receiver: "Receiver") -> None:
    """Read back what was written, and have the next start try it. Raises ValueError."""
    area = receiver.area
    with open(update.STATE_PATH, "rb") as file:
        file.read(_NAMED_BYTES)
        info = bundle.Head(file.read(update.HEAD_BYTES))
    gc.collect()
    try:
        if info.kind == bundle.APP:
            _check_slot(receiver)
        elif area is None or update.digest_of(area, 0, info.size) != info.digest:
            raise ValueError("the image on flash doesn't have the hash that its head gives")
        if chip.number("crashes", 0):
            # It shall run as a whole, even where what runs now has come down to safe mode.
            chip.set_number("crashes", 0)
        if info.kind == bundle.APP:
            chip.set_number("tries", 0)
            chip.set_number("trial", 1 - flash.good_slot())
        elif area is not None:
            _arm_image(area, info.build)
    except ValueError:
        # The next transfer begins anew.
        os.remove(update.STATE_PATH)
        raise
    if receiver.journal is not None:
        name = "VM image " if info.kind == bundle.IMAGE else ""
        text = "%s%s (build %d) is tried at the next start" % (name, info.version, info.build)
        receiver.journal.event(EVENT_UPDATE, text)


def _arm_image(area: "flash.Area", build: int) -> None:
    chip.set_number("vm_next", build)
    chip.set_number("vm_trial", 1 + int(area.label[-1]))
    try:
        flash.boot_spare_image()
    except ValueError:
        chip.set_number("vm_trial", 0)
        raise


def _check_slot(receiver: "Receiver") -> None:
    """The slot as it is mapped must satisfy the loader, and be the file that was announced."""
    slot = flash.slots()[1 - flash.good_slot()]
    sealed.payload(slot, flash.known_moduli())
    if sha256(slot[: receiver.size]).digest() != receiver.named[_DIGEST_AT:]:
        raise ValueError("the file on flash doesn't have the SHA-256 announced")


def _sound_slot(info: bundle.Head, moduli: "list[bytes]") -> int:
    """The slot that runs. Raises ValueError unless it is sound, and something else than this."""
    number = flash.good_slot()
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
    if not is_app and info.chip not in (bundle.ANY_CHIP, flash.chip_number()):
        raise ValueError("it is for chip %d, this is %d" % (info.chip, flash.chip_number()))


def _cut_state(size: int) -> None:
    """Forget the chunks behind the last sound one."""
    with open(update.STATE_PATH, "rb") as file:
        kept = file.read(size)
    with open(update.STATE_PATH, "wb") as file:
        file.write(kept)
