"""Which fields stand behind which data identifier, one letter a field.

    S s  settlement day's heat, cooling    H C  current heat, cooling    P  power    F  flow
    V W  volume, settlement day's volume   t r  supply, return temperature           h  hours
    c    clock    w  status word    p q  supply, return pressure         x  value, named by its unit
    d    day of the month    Y  whole volume and fraction    f T k j  flow, temperature, time, date
    ?    the vendor's own bytes

The layout of 911F adds up only with the field widths of 901F and three bytes a pressure (L 3E): one
source, its own widths being wrong.
"""

from nuan_protocols.cjt188.dialects import WATER_FRACTION, Dialect

CURRENT = 0x901F
CURRENT_BOTH = 0x911F
CLOCK = 0x907F
HISTORY = 0xD1
HISTORY_2018 = 0xD2
TIMED_FREEZE = 0xD3
INSTANT_FREEZE = 0xD4
HISTORY_FIRST = 0x20
HISTORY_MONTHS = 12
SETTLEMENT_DAY = 0x8103
READING_DAY = 0x8104
ADDRESS = 0x810A
ADDRESS_VENDOR = 0x9A4F
VALVE = 0xA017
MOTOR = 0xA016

TYPE_HEAT = 0x20
TYPE_COOLING = 0x21
_TYPE_HEAT_MAX = 0x2F
# Xi'ao's heat meters.
_TYPE_VENDOR_HEAT = 0x55

_HEAT = "SHPFVtrhcw"
_COOLING = "sCPFVtrhcw"
_COOLING_FIRST = "CHPFVtrhcw"
_WATER = "VWcw"
_WATER_FRACTION = "YfTkjw"
_BOTH = "SsHCPFVtrpqhcw"
_FREEZE = "cVFtp"

_SIZES = {"t": 3, "r": 3, "h": 3, "c": 7, "w": 2, "p": 3, "q": 3, "d": 1}
_SIZES_FRACTION = {"Y": 7, "f": 3, "T": 1, "k": 3, "j": 3, "w": 2}
_VALUE_BYTES = 5
VENDOR = "?"

# The high bytes of all data identifiers: what tells 90 1F and 1F 90 apart.
_DI_HIGH = b"\x90\x91\xd1\xd2\xd3\xd4\x81\xa0\xa1\x9a"

NAMES = (
    "901F current data;911F current data of heat and cooling;907F clock;8102 prices;"
    "8103 settlement day;8104 reading day;8105 purchase;8106 key version;810A address;"
    "9A4F address, vendor's own;A010 prices;A011 settlement day;A012 reading day;A013 purchase;"
    "A014 key;A015 clock;A016 motor;A017 valve;903F verification data;"
)


def identifier(first: int, second: int) -> int:
    """The data identifier as it is written (901F), whichever byte the wire has first."""
    if first not in _DI_HIGH and second in _DI_HIGH:
        return second << 8 | first
    return first << 8 | second


def is_heat(kind: int) -> bool:
    """Whether T is that of a heat or cooling meter."""
    return TYPE_HEAT <= kind <= _TYPE_HEAT_MAX or kind == _TYPE_VENDOR_HEAT


def name(di: int) -> str:
    """What a data identifier asks for, "" where nobody says."""
    if HISTORY <= di >> 8 <= INSTANT_FREEZE:
        number = storage(di)
        if di >> 8 >= TIMED_FREEZE:
            kind = "timed" if di >> 8 == TIMED_FREEZE else "instant"
            return f"{kind} freeze, {number} back"
        return f"settlement, {number} back"
    at = NAMES.find(f"{di:04X} ")
    return "" if at < 0 else NAMES[at + 5 : NAMES.find(";", at)]


def storage(di: int) -> int:
    """How many settlements or freezes back: 1 for the last one."""
    return (di & 0xFF) + 1 - (HISTORY_FIRST if di >> 8 == HISTORY else 0)


def size_of(letter: str) -> int:
    """How many bytes a field takes; 0 for what the vendor has behind the last known one."""
    if letter == VENDOR:
        return 0
    return _SIZES.get(letter) or _SIZES_FRACTION.get(letter) or _VALUE_BYTES


def layout(di: int, kind: int, size: int, dialect: Dialect) -> str:
    """The fields of an answer with `size` bytes behind SER; "" when nobody knows them."""
    fields = _fields(di, kind, size, dialect)
    return fields if _size(fields) <= size else ""


def _fields(di: int, kind: int, size: int, dialect: Dialect) -> str:
    if di == CURRENT:
        return _current(kind, size, dialect)
    high = di >> 8
    if high == HISTORY_2018 or (high == HISTORY and 1 <= storage(di) <= HISTORY_MONTHS):
        return _history(size)
    fields = ""
    if di == CURRENT_BOTH:
        fields = _BOTH
    elif high in (TIMED_FREEZE, INSTANT_FREEZE):
        fields = "" if is_heat(kind) else _FREEZE
    elif di in (VALVE, MOTOR):
        fields = "w"
    elif di in (SETTLEMENT_DAY, READING_DAY):
        fields = "d"
    elif di == CLOCK:
        fields = "c"
    return fields if _size(fields) == size else ""


def _history(size: int) -> str:
    if size == 3 * _VALUE_BYTES:
        return "xxx"
    return "x?" if size > _VALUE_BYTES else "x"


def _current(kind: int, size: int, dialect: Dialect) -> str:
    if size == _size(_WATER):
        return _WATER_FRACTION if dialect.water == WATER_FRACTION else _WATER
    if size != _size(_HEAT):
        return ""
    if dialect.cooling_first:
        return _COOLING_FIRST
    return _COOLING if kind == TYPE_COOLING else _HEAT


def _size(fields: str) -> int:
    return sum([size_of(letter) for letter in fields])
