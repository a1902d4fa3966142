"""Finds every meter of a bus by its primary address, 0 to 250, one after the other.

SND_NKE    10 40 A sum 16  -> silence        nobody has this address
                           -> E5 or a mixture  somebody: REQ_UD2
REQ_UD2    10 7B A sum 16  -> a whole telegram from A, twice the same header: a meter
                           -> mixtures         several share the address: 0 is where all begin
                           -> nothing, again   noise, or a meter that won't be read
"""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.asking import ANSWERED, GARBLED, SILENCE, Asking
from nuan_protocols.mbus.frame import FRAME_COUNT_BIT, REQ_UD2, SND_NKE, short_frame
from nuan_protocols.mbus.secondary import who

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_protocols.mbus.frame import Frame
    from nuan_protocols.mbus.reader import FrameReader

ADDRESS_LAST = 250

_READS_MAX = 3


class PrimarySearch(Asking):
    """Asks address after address; driven like a ReadOut, but waits for silence each time.

    hits         (primary address, its 8-byte secondary one or b"" if its header has none)
    collided     addresses at which several meters answer
    unconfirmed  addresses where something stirred, but no telegram could be read
    address      where it is; begin there to go on after a stop
    on_hit       called with address, secondary address and the telegram that proved them
    """

    def __init__(
        self,
        first: int = 0,
        last: int = ADDRESS_LAST,
        reader: "FrameReader | None" = None,
        silences: int = 1,
        on_hit: "Callable[[int, bytes, bytes], None] | None" = None,
    ) -> None:
        super().__init__(reader)
        self.hits: list[tuple[int, bytes]] = []
        self.collided: list[int] = []
        self.unconfirmed: list[int] = []
        self.address = first
        self._first = first
        self._last = last
        self._silences = silences
        self._on_hit = on_hit
        self._stopped = False
        self._begin()

    def progress_permille(self) -> int:
        """How many of the addresses are done: 0..1000."""
        count = self._last - self._first + 1
        return (self.address - self._first) * 1000 // count if count > 0 else 1000

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True

    def _begin(self) -> None:
        self._silent = 0
        self._reads = 0
        self._mixtures = 0
        self._reading = False
        self._header = b""
        self._read_once = False

    def _next(self) -> "bytes | None":
        if self._stopped or self.address > self._last:
            return None
        if self._reading:
            return short_frame(REQ_UD2 | FRAME_COUNT_BIT, self.address)
        return short_frame(SND_NKE, self.address)

    def _answer(self, verdict: int, frame: "Frame | None") -> None:
        if not self._reading:
            if verdict != SILENCE:
                self._reading = True
                return
            self._silent += 1
            if self._silent >= self._silences:
                self._move_on()
            return
        self._reads += 1
        if verdict == ANSWERED and frame is not None:
            self._identify(frame.raw)
            return
        if verdict == GARBLED:
            self._mixtures += 1
        if self._reads >= _READS_MAX:
            kept = self.collided if self._mixtures > 1 else self.unconfirmed
            kept.append(self.address)
            self._move_on()

    def _identify(self, raw: bytes) -> None:
        shown = who(raw)
        if not self._read_once:
            self._read_once = True
            self._header = shown
        elif shown == self._header:
            self.hits.append((self.address, shown))
            if self._on_hit is not None:
                self._on_hit(self.address, shown, raw)
            self._move_on()
        else:
            self.collided.append(self.address)
            self._move_on()

    def _move_on(self) -> None:
        self.address += 1
        self._begin()
