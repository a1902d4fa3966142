"""The link layer of an M-Bus slave (EN 13757-2, -7): addresses, FCB, selection, telegrams."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from nuan_emulator.meters.device import Reaction
from nuan_emulator.meters.mbus_layout import (
    ACK,
    START_LONG,
    START_SHORT,
    STOP,
    Header,
    RecordKind,
    identity_bytes,
    long_frame,
    telegram_layout,
)
from nuan_emulator.meters.mbus_secure import Secret
from nuan_emulator.meters.mbus_settings import BAUD_OF_CI, Settings

REACTION = Reaction(min_bits=11, max_bits=330, extra_us=50_000)
"""EN 13757-2: the answer begins 11 bit times to 330 bit times + 50 ms after the request."""

SHORT_FRAME_BYTES = 5
LONG_FRAME_BYTES_MIN = 9
LONG_FRAME_BYTES_EXTRA = 6

ADDRESS_PRIMARY_MAX = 250
ADDRESS_SELECTED = 0xFD
ADDRESS_TEST = 0xFE
ADDRESS_BROADCAST = 0xFF

SND_NKE = 0x40
SND_UD = 0x53
REQ_UD2 = 0x5B
RSP_UD = 0x08
FCB = 0x20
"""Frame count bit: toggled by the master when the last answer reached it."""
CI_APPLICATION_RESET = 0x50
CI_DATA_SEND = 0x51
CI_SELECT = 0x52
IDENTIFICATION_BYTES = 4
SELECTION_BYTES = 8
WILDCARD = 0xFF


@dataclass(frozen=True)
class Traits:
    """What a slave does beside answering at its primary address."""

    select_controls: Collection[int] = (SND_UD, SND_UD | FCB)
    """The C with which it lets itself be selected: some know only one of them; none: never."""
    telegrams_of_reset: Mapping[int, Sequence[int]] = field(
        default_factory=dict[int, Sequence[int]]
    )
    """Sub-code of an application reset -> the telegrams it sends from then on, by their number."""
    secret: Secret | None = None
    """Its key and how it encrypts."""
    settable: bool = False
    """It obeys commands that set address, baud rate and time."""


class _Link:
    """What a slave remembers of one of its addresses: the last bit, and what it answered."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.fcb: int | None = None
        self.next = 0
        self.last_answer: bytes | None = None


class MBusSlave:
    """A slave at a primary address that answers REQ_UD2 with one or several telegrams.

    Subclasses give the values of every record by name; None means the meter is silent.
    A repeated FCB gets the same answer once more; a toggled one the next telegram, made anew.
    Selected by its secondary address, it answers at FD as well.
    """

    line_baud: int | None = None
    """What the line is run at; a meter that was set to another baud rate hears nothing."""

    def __init__(
        self,
        address: int,
        header: Header,
        telegrams: Sequence[Sequence[RecordKind]],
        traits: Traits | None = None,
    ) -> None:
        """`telegrams`: the records of each telegram in the order they are sent."""
        if not 0 <= address <= ADDRESS_PRIMARY_MAX:
            raise ValueError(f"M-Bus primary address {address} is outside 0..{ADDRESS_PRIMARY_MAX}")
        self.header = header
        self.traits = traits or Traits()
        self.selected = False
        self.settings = Settings(address)
        self._identity = identity_bytes(header)
        self._telegrams = telegrams
        self._pick(range(len(telegrams)))
        self._primary, self._secondary = _Link(), _Link()
        self._access_number = 0

    @property
    def address(self) -> int:
        """The primary address, which a master may change."""
        return self.settings.address

    @property
    def reaction(self) -> Reaction:
        """The standard's window."""
        return REACTION

    def values(self, now_ms: int) -> Mapping[str, object] | None:
        """Values of all records by name at `now_ms`, plus "status"; None when silent."""
        raise NotImplementedError

    def concerns(self, request: bytes) -> bool:
        """Whether a whole, undamaged frame names this slave, all slaves, or whoever is selected."""
        fields = _link_fields(request)
        # What may be moved listens to every address, for this must not change.
        return fields is not None and (
            fields[1] >= ADDRESS_SELECTED or fields[1] == self.address or self.traits.settable
        )

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """Answer a whole frame addressed to this slave; damaged and foreign frames get silence."""
        fields = _link_fields(request)
        deaf = self.traits.settable and not self.settings.hears(self.line_baud, now_ms)
        if fields is None or deaf:
            return None
        control, address, user_data = fields
        if address == ADDRESS_SELECTED:
            if user_data and user_data[0] == CI_SELECT:
                return self._select(control, user_data[1:], now_ms)
            if not self.selected:
                return None
            reply = self._act(self._secondary, control, user_data, now_ms)
            if control == SND_NKE:
                self.selected = False
            return reply
        if address not in (self.address, ADDRESS_TEST, ADDRESS_BROADCAST):
            return None
        reply = self._act(self._primary, control, user_data, now_ms)
        return None if address == ADDRESS_BROADCAST else reply

    def _select(self, control: int, mask: bytes, now_ms: int) -> bytes | None:
        self.selected = (
            control in self.traits.select_controls
            and _matches(mask, self._identity)
            and self.values(now_ms) is not None
        )
        self._secondary.reset()
        return ACK if self.selected else None

    def _act(self, link: _Link, control: int, user_data: bytes, now_ms: int) -> bytes | None:
        if control & ~FCB == REQ_UD2:
            return self._respond(link, control & FCB, now_ms)
        if self.values(now_ms) is None:
            return None
        if control == SND_NKE:
            link.reset()
            return ACK
        if control & ~FCB == SND_UD and user_data:
            return self._obey(link, user_data[0], user_data[1:], now_ms)
        return None

    def _obey(self, link: _Link, ci: int, data: bytes, now_ms: int) -> bytes | None:
        if ci == CI_APPLICATION_RESET:
            if data[:1] and data[0] in self.traits.telegrams_of_reset:
                self._pick(self.traits.telegrams_of_reset[data[0]])
            elif data[:1] in (b"", b"\x00"):
                self._pick(range(len(self._telegrams)))
            link.next, link.last_answer = 0, None
            return ACK
        if not self.traits.settable:
            return None
        if ci in BAUD_OF_CI:
            self.settings.set_baud(BAUD_OF_CI[ci], now_ms)
            return ACK
        if ci == CI_DATA_SEND and self.settings.write(data):
            return ACK
        return None

    def _pick(self, numbers: Sequence[int]) -> None:
        self._layouts = [
            telegram_layout(tuple(self._telegrams[number]), more=place < len(numbers) - 1)
            for place, number in enumerate(numbers)
        ]

    def _respond(self, link: _Link, fcb: int, now_ms: int) -> bytes | None:
        values = self.values(now_ms)
        if values is None:
            return None
        if fcb == link.fcb and link.last_answer is not None:
            return link.last_answer
        identity = self._identity
        head = {
            "control": RSP_UD,
            "address": self.address,
            "identification": identity[:4],
            "manufacturer": int.from_bytes(identity[4:6], "little"),
            "version": identity[6],
            "medium": identity[7],
            "access_number": self._access_number,
        }
        user_data = self._layouts[link.next].build({**head, **values})
        if self.traits.secret is not None:
            user_data = self.traits.secret.hide(user_data, self._access_number)
        self._access_number = (self._access_number + 1) & 0xFF
        link.next = (link.next + 1) % len(self._layouts)
        link.fcb = fcb
        link.last_answer = long_frame.build({"user_data": user_data})
        return link.last_answer


def _matches(mask: bytes, identity: bytes) -> bool:
    """Digit F of the identification, and FF in any byte behind it, stand for everything."""
    if len(mask) != SELECTION_BYTES:
        return False
    digits = zip(
        mask[:IDENTIFICATION_BYTES].hex(), identity[:IDENTIFICATION_BYTES].hex(), strict=True
    )
    rest = zip(mask[IDENTIFICATION_BYTES:], identity[IDENTIFICATION_BYTES:], strict=True)
    return all(wanted in ("f", is_) for wanted, is_ in digits) and all(
        wanted in (WILDCARD, is_) for wanted, is_ in rest
    )


def _link_fields(request: bytes) -> tuple[int, int, bytes] | None:
    """(control, address, CI and data) of a frame whose lengths and sum are right."""
    if len(request) == SHORT_FRAME_BYTES and request[0] == START_SHORT:
        user_data, check = request[1:3], request[3]
    elif len(request) >= LONG_FRAME_BYTES_MIN and request[0] == request[3] == START_LONG:
        length = request[1]
        if length != request[2] or len(request) != length + LONG_FRAME_BYTES_EXTRA:
            return None
        user_data, check = request[4:-2], request[-2]
    else:
        return None
    if sum(user_data) & 0xFF != check or request[-1] != STOP:
        return None
    return user_data[0], user_data[1], user_data[2:]
