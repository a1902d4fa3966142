"""Which way to ask a CJ/T 188 meter, and which dialect its answers are in: proof, not a guess.

Ask in each of `ways` until somebody answers; then `rank` holds the answer against all dialects.
A dialect is "confirmed" only by a reading that physics bears out (physics.py) while no other
dialect reads it differently and as well; "contradicted" by bytes that can't be what the dialect
says; else "unconfirmed", for an idle meter proves nothing. trial.py carries on with later answers.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188 import physics
from nuan_protocols.cjt188.dialects import ALL, Dialect
from nuan_protocols.cjt188.frame import READ_DATA, wire_address
from nuan_protocols.cjt188.layouts import CURRENT, CURRENT_BOTH, TYPE_HEAT, is_heat
from nuan_protocols.cjt188.master import MASK_PLUS_33, Address
from nuan_protocols.cjt188.telegram import Telegram, decode, find
from nuan_protocols.errors import ProtocolError

if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    from nuan_protocols.cjt188.master import Read
    from nuan_protocols.reading import Reading

    class Verdict(NamedTuple):
        """A dialect's name, "confirmed" | "unconfirmed" | "contradicted", and why, in words."""

        dialect: str
        state: str
        reason: str

    # The verdict, what was read, and how many things speak softly against it.
    Judged: TypeAlias = tuple[Verdict, Telegram | None, int]

else:
    from collections import namedtuple

    Verdict = namedtuple("Verdict", ("dialect", "state", "reason"))

CONFIRMED = "confirmed"
UNCONFIRMED = "unconfirmed"
CONTRADICTED = "contradicted"
_ORDER = "confirmed unconfirmed contradicted"

SETTLEMENT_FIRST = "settlement"
COOLING_FIRST = "cooling"
UNKNOWN_FIRST = ""

_HIGH_FIRST = (READ_DATA, 0x90, 0x1F)
_LOW_FIRST = (READ_DATA, 0x1F, 0x90)
# Makers whose meters measure cooling as well answer with these (Tiangang's family).
_TYPES_COOLING_FIRST = (0x26, 0x27)
# Those whose supply may be the colder one: 25 is heat at some makers, all of them at others.
_TYPES_EITHER = (0x21, 0x22, 0x25, 0x26, 0x27)
# Half of the register: a larger settlement value may stand from before the register began again.
_HALF_STEPS = 5 * 10**7
_UNSET_CLOCK = "00000000000000"


def ways(printed: str, kind: int = TYPE_HEAT) -> "list[tuple[Address, Read]]":
    """All ways makers want to be asked for 901F, the commonest first.

    `printed` is the address on the meter, 14 hexadecimal digits, AA.. for whoever is there. Raises
    FrameError.
    """
    found: list[tuple[Address, Read]] = []
    addresses = [wire_address(printed)]
    if wire_address(printed, True) != addresses[0]:
        addresses.append(wire_address(printed, True))
    for mask in (0, MASK_PLUS_33):
        for wire in addresses:
            found.append((Address(kind, wire, mask), _HIGH_FIRST))
            if not mask:
                found.append((Address(kind, wire, mask), _LOW_FIRST))
    return found


def judge(raw: bytes, dialect: Dialect) -> Verdict:
    """Holds one answer against one dialect that somebody has named, others aside."""
    return _judged(raw, dialect)[0]


def rank(
    raw: bytes,
    dialects: "tuple[Dialect, ...]" = ALL,
    first: str = UNKNOWN_FIRST,
    grown: "dict[str, str] | None" = None,
    named: str = "",
) -> "list[Verdict]":
    """Verdicts of all dialects on one answer, the most credible first; at most one "confirmed".

    What earlier answers have shown: `first`, what the first energy counts ("settlement", "cooling"
    or ""), and `grown`, by dialect how its registers have grown as they should. `named` is the
    dialect of the meter's model, whose word counts where an answer leaves the first energy open.
    """
    verdicts: list[Verdict] = []
    doubts: list[int] = []
    read: list[Telegram | None] = []
    judged = [_judged(raw, dialect) for dialect in dialects]
    for index in range(len(dialects)):
        dialect = dialects[index]
        verdict, telegram, doubt = judged[index]
        proof = "" if grown is None else grown.get(dialect.name, "")
        if proof and verdict.state == UNCONFIRMED:
            # Heat for volume is the same in all decimals; only the power tells them apart.
            twin = _rival("whole", index, dialects, judged)
            if twin is None:
                verdict = Verdict(dialect.name, CONFIRMED, proof)
            else:
                proof += f"; {twin.name} counts alike: a power has to tell the decimals"
                verdict = Verdict(dialect.name, UNCONFIRMED, proof)
        if telegram is not None and verdict.state != CONTRADICTED:
            alike = _alike(telegram, read)
            if alike >= 0:
                reason = f"reads the same as {verdicts[alike].dialect}: "
                reason += f"nothing shows that {dialect.deviates}"
                verdict = Verdict(dialect.name, UNCONFIRMED, reason)
                doubt = doubts[alike] + 1
            else:
                rival = _rival("cooling_first", index, dialects, judged) is not None
                verdict, doubt = _about_first(
                    verdict, telegram, dialect, first, doubt, rival, named
                )
        else:
            telegram = None
        read.append(telegram)
        verdicts.append(verdict)
        doubts.append(doubt)
    return in_order(alone(verdicts), doubts)


def usable(verdicts: "list[Verdict]") -> "Verdict | None":
    """The one confirmed dialect of a ranking, None while nothing is proved."""
    return verdicts[0] if verdicts and verdicts[0].state == CONFIRMED else None


def _judged(raw: bytes, dialect: Dialect) -> "Judged":
    """What one answer by itself shows of one dialect."""
    name = dialect.name
    try:
        telegram = decode(raw, dialect)
    except ProtocolError as error:
        return Verdict(name, CONTRADICTED, str(error)), None, 0
    problem, doubts = _unread(telegram)
    problem = _foreign(telegram, dialect) or problem or physics.range_problem(telegram)
    if problem:
        return Verdict(name, CONTRADICTED, problem), telegram, 0
    state, reason = _proof(telegram, dialect, doubts)
    return Verdict(name, state, reason), telegram, len(doubts)


def _proof(telegram: Telegram, dialect: Dialect, doubts: "list[str]") -> "tuple[str, str]":
    """What one answer that can be read proves of its dialect."""
    if not is_heat(telegram.type):
        return UNCONFIRMED, "everything can be read; one answer without heat proves no more"
    proof = physics.power_check(telegram)
    reason = proof.reason
    for doubt in doubts:
        reason += "; " + doubt
    if proof.state == physics.CONTRADICTS:
        return CONTRADICTED, reason
    fits = proof.state == physics.FITS and not doubts and _warms(telegram, dialect)
    return CONFIRMED if fits else UNCONFIRMED, reason


def _foreign(telegram: Telegram, dialect: Dialect) -> str:
    """Why this can't be current data in this dialect at all, "" when it can."""
    if telegram.di not in (CURRENT, CURRENT_BOTH):
        said = "no identifier" if telegram.di < 0 else f"identifier {telegram.di:04X}"
        return f"{said} is not that of current data"
    if not is_heat(telegram.type) and (dialect.cooling_first or dialect.temperature_bytes != 3):
        return "only heat meters have this dialect"
    return ""


def _unread(telegram: Telegram) -> "tuple[str, list[str]]":
    """What contradicts the dialect among the unreadable fields, and what only speaks against it."""
    if not telegram.records:
        return "the answer holds no values", []
    doubts: list[str] = []
    for record in telegram.records:
        reading = record.reading
        if reading.status == "ok" or reading.status == "unreadable:no value":
            continue
        why = reading.status.split(":", 1)[-1]
        said = f"{reading.quantity} {reading.text}: {why}"
        if reading.quantity == "datetime" and reading.text == _UNSET_CLOCK:
            doubts.append("the clock is not set")
        elif reading.quantity == "power" and "is unknown" in reading.status:
            # Lianqiang's meters send a power nobody can read, and everything else right.
            doubts.append(said)
        elif "not known" not in reading.status:
            return said, []
    return "", doubts


def _warms(telegram: Telegram, dialect: Dialect) -> bool:
    """A meter that can't measure cooling has its supply warmer than its return."""
    supply, back = physics.temperatures(telegram)
    cools = dialect.cooling_first or telegram.type in _TYPES_EITHER
    return cools or (supply or 0) > (back or 0)


def _alike(telegram: Telegram, read: "list[Telegram | None]") -> int:
    """Place of the dialect that has already read every value the same, -1 when none has."""
    values = [record.reading for record in telegram.records]
    for index in range(len(read)):
        other = read[index]
        if other is not None and [record.reading for record in other.records] == values:
            return index
    return -1


def _rival(
    what: str, index: int, dialects: "tuple[Dialect, ...]", judged: "list[Judged]"
) -> "Dialect | None":
    """A dialect that reads the same digits, isn't contradicted, and differs in `what`."""
    mine = judged[index][1]
    for other in range(len(dialects)):
        verdict, telegram, _ = judged[other]
        if (
            getattr(dialects[other], what) != getattr(dialects[index], what)
            and verdict.state != CONTRADICTED
            and telegram is not None
            and mine is not None
            and _digits(telegram) == _digits(mine)
        ):
            return dialects[other]
    return None


def _digits(telegram: Telegram) -> "list[int | None]":
    """What stands behind the first energy, decimals and clock aside."""
    return [each.reading.integer for each in telegram.records[1:]]


def has_rival(dialect: Dialect, dialects: "tuple[Dialect, ...]") -> bool:
    """Whether another dialect differs from this one only in what the first energy counts."""
    return any(
        other.cooling_first != dialect.cooling_first
        and other.whole == dialect.whole
        and _layout(other) == _layout(dialect)
        for other in dialects
    )


def _layout(dialect: Dialect) -> "tuple[object, ...]":
    """Everything but what the first energy counts, and decimals."""
    return (
        dialect.high_first,
        dialect.unit_first,
        dialect.mask,
        dialect.temperature_bytes,
        dialect.century,
        dialect.no_value,
        dialect.extra_bytes,
        dialect.water,
    )


def _about_first(
    verdict: Verdict,
    telegram: Telegram,
    dialect: Dialect,
    first: str,
    doubt: int,
    rival: bool,
    named: str,
) -> "tuple[Verdict, int]":
    """Takes in what the first energy counts: the settlement day's heat, or cooling."""
    if not is_heat(telegram.type) or telegram.di != CURRENT:
        return verdict, doubt
    known, why = first, "later answers show it"
    if not known:
        known, why = _first_energy(telegram)
    mine = COOLING_FIRST if dialect.cooling_first else SETTLEMENT_FIRST
    if known and known != mine:
        reason = f"{verdict.reason}; the first energy counts {known}: {why}"
        return Verdict(verdict.dialect, UNCONFIRMED, reason), doubt + 2
    if known or not rival:
        said = f"{verdict.reason}; {why}" if known else verdict.reason
        return Verdict(verdict.dialect, verdict.state, said), doubt
    state, soft = UNCONFIRMED, dialect.cooling_first
    if named == dialect.name:
        state, soft = verdict.state, False
        why = f"that its first energy counts {mine} is the model's word"
    elif why and not soft and not named:
        # 0 reads right either way: take the standard's word, and watch on.
        state = verdict.state
    why = why or "the first energy may count the settlement day's heat or cooling"
    return Verdict(verdict.dialect, state, f"{verdict.reason}; {why}"), doubt + soft


def _first_energy(telegram: Telegram) -> "tuple[str, str]":
    """What the first energy counts, and why; ("", why) for 0, which is neither."""
    settled, current = first_two(telegram)
    if telegram.type in _TYPES_COOLING_FIRST:
        return COOLING_FIRST, f"T {telegram.type:02X} measures cooling too"
    if settled is None or current is None or settled.integer is None or current.integer is None:
        return UNKNOWN_FIRST, ""
    if settled.integer == 0:
        return UNKNOWN_FIRST, "the first energy is 0, so what it counts doesn't matter yet"
    one, other = physics.watt_hours(settled) or 0, physics.watt_hours(current) or 0
    if one == other:
        return SETTLEMENT_FIRST, "both energies are equal, as after a settlement day"
    if one > other and settled.integer < _HALF_STEPS:
        return COOLING_FIRST, "the first energy is more than the second: no settlement of it"
    return UNKNOWN_FIRST, ""


def first_two(telegram: Telegram) -> "tuple[Reading | None, Reading | None]":
    """The first energy, whatever it counts, and the second, the current heat."""
    settled = find(telegram, "energy", 1) or find(telegram, "energy:cooling")
    return settled, find(telegram, "energy")


def alone(verdicts: "list[Verdict]") -> "list[Verdict]":
    """Two dialects that are both borne out and read differently prove neither."""
    proved = [verdict.dialect for verdict in verdicts if verdict.state == CONFIRMED]
    if len(proved) < 2:
        return verdicts
    names = " and ".join(proved)
    return [
        Verdict(each.dialect, UNCONFIRMED, f"{each.reason}; {names} fit alike")
        if each.state == CONFIRMED
        else each
        for each in verdicts
    ]


def in_order(verdicts: "list[Verdict]", doubts: "list[int] | None" = None) -> "list[Verdict]":
    """The confirmed one first, then by how little speaks against each; else as they came."""
    keys: list[tuple[int, int, int]] = []
    for index in range(len(verdicts)):
        doubt = 0 if doubts is None else doubts[index]
        keys.append((_ORDER.index(verdicts[index].state), doubt, index))
    return [verdicts[key[2]] for key in sorted(keys)]
