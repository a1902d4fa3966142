"""What TimeSources does now and then; on the heap only meanwhile."""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import clock as clocks
from nuan_firmware import on_demand
from nuan_protocols.uplink.body import EVENT_FAULT, EVENT_TIME

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal
    from nuan_firmware.time_sources import TimeSources
    from nuan_protocols.uplink.keys import Buffer

_NTP_AGAIN_S = const(3600)
_NTP_AGAIN_UNSET_S = const(300)
_WITNESSES_MAX = const(15)
_MINUTE_MS = const(60000)
_SECOND_MS = const(1000)
# A DS3231 that is off by less isn't set anew: its second begins when it is written.
_RTC_OFF_S = const(1)


def begin(sources: "TimeSources", journal: "Journal") -> None:
    """From now on there is a journal; what happened before goes into it."""
    notes, sources.book = sources.book, journal
    if isinstance(notes, list):
        for code, text in notes:
            journal.event(code, text)


def note(sources: "TimeSources", code: int, text: str) -> None:
    """Journal an event, now or as soon as there is a journal."""
    book = sources.book
    if isinstance(book, list):
        book.append((code, text))
    else:
        book.event(code, text)


def note_step(sources: "TimeSources", text: str, is_first: bool) -> None:
    """Journal what has become of the clock; the first time goes to flash at once: all that was read
    since the boot is dated by it."""
    note(sources, EVENT_TIME, text)
    if is_first and not isinstance(sources.book, list):
        sources.book.flush()


def read_rtc(sources: "TimeSources") -> None:
    """Set the clock by the DS3231."""
    from nuan_firmware.hal import rtc

    sda, scl = sources.config.rtc or (-1, -1)
    try:
        utc_s = rtc.read(sda, scl)
    except OSError as problem:
        _complain(sources, "clock chip: %r" % problem)
        return
    if not utc_s:
        note(sources, EVENT_FAULT, "clock chip: it stood still; change its battery")
    elif sources.tell(clocks.KEPT, utc_s, 0, _SECOND_MS) == clocks.REFUSED:
        note(sources, EVENT_FAULT, "clock chip: no time to believe, %d" % utc_s)


def set_rtc(sources: "TimeSources") -> None:
    """Set the DS3231 by the clock, which the gateway has told the time just now."""
    from nuan_firmware.hal import rtc

    sda, scl = sources.config.rtc or (-1, -1)
    now = sources.clock.now()
    try:
        if abs(rtc.read(sda, scl) - now) > _RTC_OFF_S:
            rtc.write(sda, scl, now)
    except OSError as problem:
        _complain(sources, "clock chip: %r" % problem)


def hear_meter(sources: "TimeSources", slot: int, answer: "Buffer") -> None:
    """Keep what a meter's own clock says, if its answer holds it."""
    from nuan_firmware import meter_time

    witnesses = sources.witnesses
    if witnesses is None or (slot not in witnesses and len(witnesses) >= _WITNESSES_MAX):
        return
    config = sources.config
    for meter in config.meters:
        if meter.slot == slot:
            civil_s = meter_time.read(config.buses[meter.bus].protocol, answer)
            if civil_s:
                utc_s = civil_s - config.utc_offset_s
                witnesses[slot] = utc_s - sources.clock.uptime()


def judge_meters(sources: "TimeSources") -> None:
    """Set the clock by the meters, if they agree."""
    from nuan_firmware import meter_time

    booted_s = meter_time.median(list((sources.witnesses or {}).values()))
    if booted_s:
        sources.tell(clocks.METERS, booted_s + sources.clock.uptime(), 0, _MINUTE_MS)


def start_ntp(sources: "TimeSources") -> None:
    """Ask the time servers, in a task of its own."""
    asyncio.create_task(_ask_ntp(sources))  # noqa: RUF006


async def _ask_ntp(sources: "TimeSources") -> None:
    try:
        await ask_ntp(sources)
    except Exception as problem:
        _complain(sources, "ntp: %r" % problem)
    finally:
        on_demand.unload("time_tasks", "ntp")


async def ask_ntp(sources: "TimeSources") -> None:
    """Ask all servers, and tell the clock what most of those say that answer."""
    from nuan_firmware import ntp
    from nuan_firmware.hal import chip

    clock, hosts = sources.clock, sources.hosts

    def refuse(index: int) -> None:
        hosts[index] = ""

    try:
        told = await ntp.ask_all(hosts, chip.random_bytes, clock.uptime, refuse)
    except ntp.NtpError as problem:
        again_s = _NTP_AGAIN_S if clock.rank else _NTP_AGAIN_UNSET_S
        sources.ntp_s = clock.uptime() + again_s
        _complain(sources, "ntp: " + str(problem))
        return
    utc_s, ms, doubt_ms, host = told
    before, quality = clock.now(), clock.quality()
    if sources.tell(clocks.NTP, utc_s, ms, doubt_ms) == clocks.REFUSED:
        note(sources, EVENT_TIME, "ntp %s: %d refused at %d (%d)" % (host, utc_s, before, quality))
    sources.fault = ""


def _complain(sources: "TimeSources", fault: str) -> None:
    """Journal a fault, but not the same one at every attempt."""
    if fault != sources.fault:
        sources.fault = fault
        note(sources, EVENT_FAULT, fault)
