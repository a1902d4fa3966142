"""Finds every meter of a bus by its secondary address, without knowing any.

    select with wildcards -> silence          nobody there
                          -> E5 or a mixture  somebody: REQ_UD2 to FD, three times
                                -> each time the same header      one meter, its header says which
                                       select exactly that -> E5  a hit
                                -> a mixture                      several: fix one place more

Several E5 at the same instant look like one, so whoever acknowledges is read. Even two telegrams
can mix to a third that is valid, so only who answers to the exact address is listed.

Serial numbers differ most in their last digits, so these are fixed first. Where several groups
must be divided at one place, the whole bus is asked once for each value there: a value that nobody
has, or one meter that is a hit now, needs no question in any group. Media, versions and both bytes
of the manufacturer, 255 values each, divide meters that share an identification. Nothing else is
left out. A mixture is noise if even a selection that fits nobody is answered.

FF can't be asked for, it is the wildcard: a meter with FF as version, medium or manufacturer's
byte is found unless two others share its identification.
"""

import json
from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.asking import ANSWERED, GARBLED, SILENCE, Asking
from nuan_protocols.mbus.frame import (
    ADDRESS_SELECTED,
    FRAME_COUNT_BIT,
    REQ_UD2,
    SND_UD,
    short_frame,
)
from nuan_protocols.mbus.secondary import matches, printed, select_frame, who, wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from nuan_protocols.mbus.frame import Frame
    from nuan_protocols.mbus.reader import FrameReader

    # Mask, the place to fix, share of the work left, values done, whether it must be several.
    Group: TypeAlias = tuple[bytes, int, int, int, int]
    # Mask, the place to fix if it is several, share of the work.
    Probe: TypeAlias = tuple[bytes, int, int]

# Places in the order they are fixed: eight digits, the last one first; medium, the manufacturer's
# low byte (some meters know only FFFF as its wildcard: the next places find them), version, high.
DIGITS = 8
PLACES = 12
_BYTE_OF_PLACE = b"\x00\x00\x01\x01\x02\x02\x03\x03\x07\x04\x06\x05"
_DECIMAL_DIGITS = 10
_HEX_DIGITS = 15
_BYTE_VALUES = 255

_ANYBODY = b"\xff" * 8
_NOBODY = b"\xee\xee\xee\xee\xee\xee\xee\xee"

_SELECT = 0
_READ = 1
_EXACT = 2
_CONTROL = 3

_READS_MAX = 2
# Meters' reaction times vary: that two telegrams mix to the same valid one so often is unlikely.
_AGREED_READS = 3
_SELECTIONS_MAX = 3
_CONTROLS_MAX = 3
# So many questions without one silence are suspicious.
_LOUD_MAX = 24
# From so many groups on, asking the whole bus takes fewer selections than asking each.
_GROUPS_FOR_CENSUS = 2
_WHOLE = 1 << 24
_STATE = "nuan mbus search 1"


class Search(Asking):
    """Asks until every meter is found; driven like a ReadOut, but waits for silence each time.

    hits         secondary addresses, 8 bytes each (secondary.printed), each read and selected
    unconfirmed  masks under which somebody acknowledges but never says who it is
    unresolved   masks under which several answer that no place tells apart, or one always garbled
    noisy        given up: the line is never silent. `state` goes on from there
    selects      how many selections were sent
    on_hit       called with each new address and the telegram that proved it

    `silences`: how often nobody must answer before a mask counts as empty; from the second time on
    the frame count bit of the selection is changed, as some meters want it.
    """

    def __init__(
        self,
        state: str = "",
        reader: "FrameReader | None" = None,
        silences: int = 1,
        on_hit: "Callable[[bytes, bytes], None] | None" = None,
    ) -> None:
        super().__init__(reader)
        self.hits: list[bytes] = []
        self.unconfirmed: list[bytes] = []
        self.unresolved: list[bytes] = []
        self.noisy = False
        self.selects = 0
        self._on_hit = on_hit
        self._silences = silences
        self._stopped = False
        self._groups: list[Group] = []
        # Divided at that place, and before.
        self._mixtures: list[tuple[bytes, int]] = []
        self._probe: Probe | None = (_ANYBODY, 0, _WHOLE)
        # Place whose values the whole bus is being asked for (-1: none), and the next value.
        self._census = [-1, 0]
        self._census_asks = False
        self._values: dict[int, list[int]] = {}
        self._done = 0
        self._loud = 0
        self._begin()
        if state:
            self._load(state)

    def progress_permille(self) -> int:
        """How much of what may have to be asked is done: 0..1000, never less than before."""
        return self._done * 1000 // _WHOLE

    def stop(self) -> None:
        """Ask nothing more; `state` can be taken when the last answer is in."""
        self._stopped = True

    def state(self) -> str:
        """Everything found and left to do, as text for `Search(state)`."""
        groups = [[printed(g[0]), g[1], g[2], g[3], g[4]] for g in self._groups]
        mixtures = [[printed(mask), place] for mask, place in self._mixtures]
        probe: list[object] = []
        if self._probe is not None:
            probe = [printed(self._probe[0]), self._probe[1], self._probe[2]]
        lists = [
            [printed(each) for each in found]
            for found in (self.hits, self.unconfirmed, self.unresolved)
        ]
        values = [[place, values] for place, values in self._values.items()]
        census = [self._census[0], self._census[1], 1 if self._census_asks else 0]
        return json.dumps(
            [_STATE, groups, mixtures, probe, lists, values, census, self._done, self.selects]
        )

    def _load(self, state: str) -> None:
        try:
            name, groups, mixtures, probe, lists, values, census, done, selects = json.loads(state)
            self._groups = [(wire(g[0]), g[1], g[2], g[3], g[4]) for g in groups]
            self._mixtures = [(wire(mask), place) for mask, place in mixtures]
            self._probe = (wire(probe[0]), probe[1], probe[2]) if probe else None
            self.hits, self.unconfirmed, self.unresolved = [
                [wire(text) for text in found] for found in lists
            ]
            for place, known in values:
                self._values[place] = known
            self._census = census[:2]
            self._census_asks = census[2] == 1
            self._done, self.selects = done, selects
        except (ValueError, TypeError, KeyError, IndexError):
            name = ""
        if name != _STATE:
            raise FrameError("this isn't the state of a search; start a new one without it", 0)

    def _begin(self) -> None:
        self._step = _SELECT
        self._silent = 0
        self._selections = 0
        self._reads = 0
        self._controls = 0
        self._select_garbled = False
        self._shown = b""
        self._agreed = 0
        self._telegram = b""

    def _next(self) -> "bytes | None":
        if self._stopped or self.noisy:
            return None
        while self._probe is None:
            if not self._advance():
                return None
            self._begin()
        if self._step == _READ:
            return short_frame(REQ_UD2 | FRAME_COUNT_BIT, ADDRESS_SELECTED)
        self.selects += 1
        if self._step == _CONTROL:
            return select_frame(_NOBODY)
        mask = self._shown if self._step == _EXACT else self._probe[0]
        bit = FRAME_COUNT_BIT if self._silent & 1 else 0
        return select_frame(mask, SND_UD | bit)

    def _advance(self) -> bool:
        """Make the next probe, if possible; False: nothing is left to do."""
        place, value = self._census
        if place >= 0:
            self._census[1] += 1
            if value < _values_at(place):
                self._probe = (_fixed(_ANYBODY, place, value), place, 0)
                self._census_asks = True
            else:
                self._census[0] = -1
            return True
        if not self._groups:
            return self._recheck()
        at = 0
        for index in range(1, len(self._groups)):
            if self._groups[index][1] < self._groups[at][1]:
                at = index
        mask, place, share, index, several = self._groups[at]
        if mask != _ANYBODY and place not in self._values:
            self._begin_census(place)
            return True
        values = list(range(_values_at(place))) if mask == _ANYBODY else self._values[place]
        if index < len(values):
            part = share // (len(values) - index)
            self._groups[at] = (mask, place, share - part, index + 1, several)
            self._probe = (_fixed(mask, place, values[index]), place + 1, part)
            return True
        self._groups.pop(at)
        self._done += share
        if several:
            self._mixtures.append((mask, place))
        return True

    def _recheck(self) -> bool:
        """Ask again for a mixture that isn't explained by what was found; False: all are."""
        while self._mixtures:
            mask, place = self._mixtures.pop()
            if not self._is_explained(mask):
                self._probe = (mask, place + 1, 0)
                return True
        return False

    def _begin_census(self, place: int) -> None:
        groups = len([group for group in self._groups if group[1] == place])
        first = 0
        if place < DIGITS and groups < _GROUPS_FOR_CENSUS:
            first = _DECIMAL_DIGITS
        self._values[place] = list(range(first))
        self._census = [place, first]

    def _is_explained(self, mask: bytes) -> bool:
        """Whether what was found under a mask is why its answers were a mixture."""
        for kept in (self.unresolved, self.unconfirmed):
            for other in kept:
                if matches(mask, other):
                    return True
        return len([hit for hit in self.hits if matches(mask, hit)]) > 1

    def _answer(self, verdict: int, frame: "Frame | None") -> None:
        probe = self._probe
        if probe is None:
            return
        self._loud = 0 if verdict == SILENCE else self._loud + 1
        if self._step == _SELECT:
            self._selected(probe, verdict)
        elif self._step == _READ:
            self._read(probe, verdict, frame)
        elif self._step == _EXACT:
            self._exactly_selected(probe, verdict)
        elif verdict == SILENCE:
            self._split(probe, True)
        else:
            self._controls += 1
            self.noisy = self._controls >= _CONTROLS_MAX

    def _selected(self, probe: "Probe", verdict: int) -> None:
        if verdict == SILENCE:
            self._silent += 1
            if self._silent >= self._silences:
                self._finish(probe)
            return
        self._select_garbled = verdict == GARBLED
        self._selections += 1
        self._reads = 0
        self._shown = b""
        self._step = _READ

    def _read(self, probe: "Probe", verdict: int, frame: "Frame | None") -> None:
        if verdict == ANSWERED and frame is not None:
            self._identify(probe, who(frame.raw), frame.raw)
        elif verdict == GARBLED:
            self._reads += 1
            if self._reads < _READS_MAX:
                return
            if self._select_garbled and self._loud > _LOUD_MAX:
                self._step = _CONTROL
            else:
                self._split(probe, True)
        else:
            self._select_again(probe)

    def _identify(self, probe: "Probe", shown: bytes, raw: bytes) -> None:
        if not shown:
            if probe[1] >= DIGITS and not self._census_asks:
                self._hit(probe, probe[0], raw)
            else:
                self._split(probe, False)
        elif not matches(probe[0], shown):
            self._select_again(probe)
        elif self._shown == shown:
            self._agreed += 1
            if self._agreed < _AGREED_READS:
                return
            if probe[0] == shown or shown in self.hits:
                self._hit(probe, shown, raw)
            else:
                self._telegram = raw
                self._silent = 0
                self._step = _EXACT
        elif self._shown:
            self._split(probe, True)
        else:
            self._shown = shown
            self._agreed = 1

    def _exactly_selected(self, probe: "Probe", verdict: int) -> None:
        if verdict != SILENCE:
            self._hit(probe, self._shown, self._telegram)
            return
        self._silent += 1
        if self._silent >= _SELECTIONS_MAX:
            self._split(probe, True)

    def _select_again(self, probe: "Probe") -> None:
        """Acknowledged, but no telegram that fits: noise, or a meter that won't be read."""
        if self._selections < _SELECTIONS_MAX:
            self._step = _SELECT
            self._silent = 0
        else:
            self._split(probe, False)

    def _hit(self, probe: "Probe", address: bytes, raw: bytes) -> None:
        if address not in self.hits:
            self.hits.append(address)
            if self._on_hit is not None:
                self._on_hit(address, raw)
        self._finish(probe)

    def _finish(self, probe: "Probe") -> None:
        self._done += probe[2]
        self._probe = None
        self._census_asks = False

    def _split(self, probe: "Probe", several: bool) -> None:
        """More must be fixed: in its own group, or, asked for the whole bus, in every group."""
        mask, place, share = probe
        if self._census_asks:
            self._values[place].append(_value(mask, place))
        elif place < PLACES:
            self._groups.append((mask, place, share, 0, 1 if several else 0))
            self._done -= share
        else:
            kept = self.unresolved if several else self.unconfirmed
            if mask not in kept:
                kept.append(mask)
        self._finish(probe)


def _values_at(place: int) -> int:
    return _HEX_DIGITS if place < DIGITS else _BYTE_VALUES


def _fixed(mask: bytes, place: int, value: int) -> bytes:
    at = _BYTE_OF_PLACE[place]
    new = bytearray(mask)
    if place >= DIGITS:
        new[at] = value
    elif place & 1:
        new[at] = mask[at] & 0x0F | value << 4
    else:
        new[at] = mask[at] & 0xF0 | value
    return bytes(new)


def _value(mask: bytes, place: int) -> int:
    byte = mask[_BYTE_OF_PLACE[place]]
    if place >= DIGITS:
        return byte
    return byte >> 4 if place & 1 else byte & 0x0F
