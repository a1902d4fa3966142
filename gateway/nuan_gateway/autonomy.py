"""How long a board keeps what it reads when no gateway takes it, estimated from its configuration.

The journal stores an exchange once a segment in full and then as its difference from the one before
(firmware/nuan_firmware/segment.py). Measured on the emulator's meters, a difference takes 28 % of
the exchange and one byte more; a benchmark and tests hold the estimate against real journals.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from nuan_gateway.site import Node, Site
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile

DAY_S = 86400

BLOCK_BYTES = 768
BLOCK_HEAD_BYTES = 14
SEGMENT_HEAD_BYTES = 60
# What stays unused at the end of a segment, on average.
SEGMENT_REST_BYTES = 180
# A segment in the making and one for thinning are set aside.
SEGMENTS_ASIDE = 2
REFERENCES_BYTES_MAX = 7168
EXCHANGE_HEAD_BYTES = 9
RECORD_HEAD_BYTES = 4
DIFFERENCE_SHARE = 0.28
# Between a day's first and last reading more has changed than between two readings.
DAY_DIFFERENCE_SHARE = 0.36
JUMP_BYTES = 46
CONTROL_BYTES = 13
DECISIONS_A_DAY = 8

MBUS_BYTES = 84
CJT188_BYTES = 79
DLT645_BYTES = 44
MODBUS_BYTES = 13
REGISTERS_FROM = 3

SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX, SEGMENT_TURNS, TELEGRAM_BYTES = 8192, 32768, 4, 112

FLASH_BLOCK_BYTES = 4096
ERASES_A_WRITE = 1.28
ERASES_A_BLOCK = 100_000
# The block erased most, against the mean.
UNEVENNESS = 2.5


@dataclass(frozen=True, slots=True)
class Autonomy:
    """Days until the oldest readings are thinned, and until the days are; years the flash lasts."""

    entries_per_day: float
    bytes_per_entry: float
    full_days: float
    thinned_days: float
    flash_years: float

    def as_json(self) -> dict[str, Any]:
        """Its numbers, rounded to a tenth."""
        return {key: round(value, 1) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Read:
    """One kind of exchange: its body's bytes, and how often it comes a day."""

    size: int
    per_day: float


def autonomy(site: Site, node: Node) -> Autonomy:
    """The estimate for one of the site's boards; ValueError when it reads nothing."""
    reads = [
        Read(size, DAY_S / meter.every_s)
        for meter in site.meters_of(node.id)
        for size in body_sizes(registry.profile(meter.model))
    ]
    zones = sum(zone.node == node.id for zone in site.zones)
    journal = node.journal
    segment = journal.segment_bytes or usual_segment_bytes(reads, journal.room_bytes)
    return estimate(reads, zones, journal.flush_s, segment, journal.room_bytes)


def body_sizes(profile: Profile) -> list[int]:
    """Bytes of each exchange that one reading of such a meter makes."""
    if profile.protocol == "mbus":
        return [EXCHANGE_HEAD_BYTES + MBUS_BYTES]
    if profile.protocol == "modbus":
        return [_modbus_size(function, count) for function, _, count in profile.reads]
    each = CJT188_BYTES if profile.protocol == "cjt188" else DLT645_BYTES
    return [EXCHANGE_HEAD_BYTES + each for _ in profile.reads]


def usual_segment_bytes(reads: Iterable[Read], max_bytes: int) -> int:
    """What the board chooses when the configuration doesn't say."""
    wanted = SEGMENT_TURNS * sum(max(read.size, TELEGRAM_BYTES) for read in reads)
    size = SEGMENT_BYTES_MIN
    while size < wanted and size < SEGMENT_BYTES_MAX:
        size *= 2
    return min(size, max_bytes // 4)


def estimate(
    reads: list[Read], zones: int, flush_s: int, segment_bytes: int, max_bytes: int
) -> Autonomy:
    """The estimate from what is read, for so many zones and a journal of these sizes."""
    if not reads:
        raise ValueError("the board reads nothing")
    kept = _kept(reads)
    entries = sum(read.per_day for read in reads) + zones * DECISIONS_A_DAY
    data = sum(_record(read, DIFFERENCE_SHARE) * read.per_day for read in kept)
    data += sum(_whole(read) * read.per_day for read in reads[len(kept) :])
    data += zones * DECISIONS_A_DAY * CONTROL_BYTES
    flushes = min(DAY_S / flush_s, max(read.per_day for read in reads))
    writes = flushes * ceil(data / flushes / (BLOCK_BYTES - BLOCK_HEAD_BYTES))
    data += writes * BLOCK_HEAD_BYTES
    # Each segment begins with whole exchanges.
    wholes = sum(_whole(read) - _record(read, DIFFERENCE_SHARE) for read in kept)
    room = segment_bytes - SEGMENT_HEAD_BYTES - SEGMENT_REST_BYTES - wholes
    room = max(room, segment_bytes / 4)
    segments = max(2, max_bytes // segment_bytes - SEGMENTS_ASIDE)
    days = segments * room / data
    thinned = sum(_record(read, DAY_DIFFERENCE_SHARE) * min(2, read.per_day) for read in kept)
    thinned += sum(_whole(read) * min(2, read.per_day) for read in reads[len(kept) :])
    periods = len({read.per_day for read in reads})
    thinned += periods * JUMP_BYTES + zones * 2 * (CONTROL_BYTES + JUMP_BYTES)
    full_share = max(2, segments // 12) / segments
    thin_days = days * full_share + segments * (1 - full_share) * room / thinned
    erases = ERASES_A_WRITE * writes
    blocks = max_bytes / FLASH_BLOCK_BYTES
    years = blocks * ERASES_A_BLOCK / (erases * 365 * UNEVENNESS)
    return Autonomy(
        entries, segments * segment_bytes / (days * entries), days, max(days, thin_days), years
    )


def _kept(reads: list[Read]) -> list[Read]:
    """The first ones, whose last exchange the board has the memory to keep."""
    room, kept = REFERENCES_BYTES_MAX, list[Read]()
    for read in reads:
        room -= read.size
        if room < 0:
            break
        kept.append(read)
    return kept


def _record(read: Read, share: float) -> float:
    return 1 + share * read.size


def _whole(read: Read) -> float:
    return float(read.size + RECORD_HEAD_BYTES)


def _modbus_size(function: int, count: int) -> int:
    answered = 2 * count if function >= REGISTERS_FROM else (count + 7) // 8
    return EXCHANGE_HEAD_BYTES + MODBUS_BYTES + answered
