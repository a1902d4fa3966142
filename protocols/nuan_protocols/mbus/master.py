"""Reads one M-Bus meter, as the master: bytes to send out, answers in.

primary address A                                       secondary address (secondary.py)
    SND_NKE    10 40 A sum 16         -> E5             SND_NKE to FD  -> E5 or nothing: deselects
                                                        select         -> E5 from the meter meant
    SND_UD     68 04 04 68 53 A 50 sub sum 16  -> E5    only if asked for: application reset
    REQ_UD2    10 7B A sum 16         -> 68 .. 16       first telegram; A is FD once selected
    REQ_UD2    10 5B A sum 16         -> 68 .. 16       next, while the last ended with DIF 1F

A meter repeats its last telegram when the frame count bit (20h of C) doesn't change, so the bit is
toggled after each valid answer and only then: a lost answer is asked for again, not skipped. Only
after SND_NKE to the meter's own address, or its selection, do both sides agree about the bit.
Without its E5 nothing is asked: an old telegram could pass for a new one. Some meters want the
bit in a selection, others don't: 53 and 73 are tried in turn.
"""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.frame import (
    ACK,
    ADDRESS_SELECTED,
    FRAME_BYTES_MAX,
    FRAME_COUNT_BIT,
    REQ_UD2,
    SND_NKE,
    SND_UD,
    long_frame,
    short_frame,
)
from nuan_protocols.mbus.reader import FrameReader
from nuan_protocols.mbus.walk import more_follows
from nuan_protocols.readout import FOREIGN, NO_ANSWER, OK, TRIES, UNKEPT, UNREADABLE
from nuan_protocols.readout import ReadOut as _ReadOut

if TYPE_CHECKING:
    from types import ModuleType

TELEGRAMS_MAX = 16

CI_APPLICATION_RESET = 0x50

_RSP_UD = 0x08
_ACCESS_DEMAND_AND_FLOW = 0x30
_ACK_BYTES = 1
_MORE_FOLLOWS = b"\x1f"

# What is being asked, in this order.
_LINK_RESET = 0
_SELECT = 1
_APPLICATION_RESET = 2
_DATA = 3


class ReadOut(_ReadOut):
    """Reads all telegrams of one meter, each request sent up to `tries` times.

    address            primary 0..250, or the 8 bytes of a secondary one (secondary.wire)
    reset              send SND_NKE first; without it `fcb` must be what the last ReadOut left
    application_reset  sub-code 0..255 sent before reading, so that it picks a telegram; -1: none
    fcb, fcb_kept      after the turn: the next one may do without reset if `fcb_kept`, then
                       with this `fcb`; after several telegrams, an application reset (some
                       meters count its bit with the requests') or a fault, it may not
    """

    def __init__(
        self,
        address: "int | bytes",
        reader: FrameReader | None = None,
        reset: bool = True,
        fcb: bool = True,
        tries: int = TRIES,
        telegrams_max: int = TELEGRAMS_MAX,
        application_reset: int = -1,
    ) -> None:
        self.fcb = fcb
        self.fcb_kept = False
        self.tries = 0
        self._selected = b""
        self._secondary: "ModuleType | None" = None
        if isinstance(address, int):
            self._address = address
        else:
            # Whoever reads by primary addresses doesn't pay for the secondary ones.
            from nuan_protocols.mbus import secondary

            self._secondary = secondary
            self._selected = address
            self._address = ADDRESS_SELECTED
        self._sub_code = application_reset
        self._left = telegrams_max
        self._all_tries = tries
        self._wrong_meter = False
        self._frames = FrameReader() if reader is None else reader
        self._step = _LINK_RESET
        if not reset:
            self._step_on()
        super().__init__(self._frames, self._ask(), tries)
        if self._selected and self._step == _LINK_RESET:
            self._tries_max = 1

    def request(self) -> bytes | None:
        """The bytes to send next, None when the turn is over. Call before sending them."""
        if self._step == _SELECT and self.tries and not (self.waiting or self._over):
            self.question = self._ask()
        return super().request()

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`."""
        return FRAME_BYTES_MAX if self._step == _DATA else _ACK_BYTES

    def _look(self) -> "tuple[int, bytes] | None":
        frame = self._frames.next_frame()
        if frame is None:
            return None
        if self._step != _DATA:
            return (UNKEPT if frame.raw[0] == ACK else FOREIGN), b""
        if frame.control & ~_ACCESS_DEMAND_AND_FLOW != _RSP_UD:
            return FOREIGN, b""
        if self._secondary is not None and not self._secondary.is_meant(self._selected, frame.raw):
            self._wrong_meter = True
            return FOREIGN, b""
        return OK, frame.raw

    def _end(self, verdict: int, answer: bytes) -> None:
        if verdict == NO_ANSWER and self._wrong_meter:
            verdict = UNREADABLE
        if verdict in (NO_ANSWER, UNREADABLE) and self._step == _LINK_RESET and self._selected:
            # Nobody was selected.
            verdict = UNKEPT
        super()._end(verdict, answer)

    def _next(self, verdict: int, answer: bytes) -> bytes | None:
        if verdict in (NO_ANSWER, UNREADABLE):
            return None
        if self._step != _DATA:
            if self._step != _APPLICATION_RESET:
                self.fcb = True
            self.tries = 0
            self._step_on()
            return self._ask()
        self.fcb = not self.fcb
        self._left -= 1
        # Finding a byte costs next to nothing, walking the records does.
        more = _MORE_FOLLOWS in answer and more_follows(answer)
        if more and self._left > 0:
            self.part += 1
            return self._ask()
        self.fcb_kept = not (more or self.part or self._selected or self._sub_code >= 0)
        return None

    def _step_on(self) -> None:
        self._tries_max = self._all_tries
        self._step += 1
        if self._step == _SELECT and not self._selected:
            self._step += 1
        if self._step == _APPLICATION_RESET and self._sub_code < 0:
            self._step += 1

    def _ask(self) -> bytes:
        address = self._address
        if self._step == _LINK_RESET:
            return short_frame(SND_NKE, address)
        if self._secondary is not None and self._step == _SELECT:
            bit = FRAME_COUNT_BIT if self.tries & 1 else 0
            selection: bytes = self._secondary.select_frame(self._selected, SND_UD | bit)
            return selection
        if self._step == _APPLICATION_RESET:
            return long_frame(SND_UD, address, CI_APPLICATION_RESET, bytes((self._sub_code,)))
        return short_frame(REQ_UD2 | (FRAME_COUNT_BIT if self.fcb else 0), address)
