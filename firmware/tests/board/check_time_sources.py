import asyncio
import sys

import edge_in_memory
from config_kit import make_config
from journal_kit import START

from nuan_firmware import clock as clocks
from nuan_firmware import meter_time, ntp
from nuan_firmware.clock import Clock
from nuan_firmware.config import Bus, Meter, Way
from nuan_firmware.time_sources import TimeSources

# 2026-11-01 00:00 UTC.
NOW = 1793491200
HOUR_S = 3600
MBUS = Bus("mbus", "mbus", 1, 17, 16, -1, 2400, "E", 30)

assert edge_in_memory.Hal.utc_s() == START


class Ticks:
    def __init__(self):
        self.ms = 0

    def __call__(self):
        return self.ms % (1 << 30)


class Book:
    def __init__(self):
        self.events = []
        self.flushed = 0

    def event(self, code, text):
        self.events.append((code, text))

    def flush(self):
        self.flushed = len(self.events)


class Rtc:
    """Stands in for hal.rtc: a chip that shows `shown`, counts writes, or isn't there."""

    def __init__(self, shown):
        self.shown = shown
        self.written = []

    def read(self, sda, scl):
        assert (sda, scl) == (21, 22)
        if self.shown is None:
            raise OSError(19)
        return self.shown

    def write(self, sda, scl, utc_s):
        self.shown = utc_s
        self.written.append(utc_s)


def make(chip_s=0, rtc=None, **config):
    ticks = clocks.ticks_ms = Ticks()
    clock = Clock(chip_s, lambda seconds: None)
    if rtc:
        config["rtc"] = (21, 22)
        stand_in(rtc)
    sources = TimeSources(make_config(**config), clock)
    book = Book()
    sources.run("begin", book)
    return sources, clock, ticks, book


def stand_in(rtc):
    import nuan_firmware.hal

    sys.modules["nuan_firmware.hal.rtc"] = nuan_firmware.hal.rtc = rtc


def pass_s(sources, ticks, seconds, online=False):
    """Let time pass, with a beat every minute."""
    for _ in range(seconds // 60):
        ticks.ms += 60000
        sources.check(sources.clock.uptime(), online)


def test_the_gateway_is_always_heard_and_a_step_is_an_event():
    sources, _, ticks, book = make()
    ticks.ms += 90000
    sources.hear_gateway(NOW)
    assert book.events == [(6, "gateway 90 (0) -> %d (2)" % NOW)]
    # What was read since the boot is dated by it: it is on flash at once, and only then.
    assert book.flushed == 1
    sources.hear_gateway(NOW)
    sources.hear_gateway(NOW + HOUR_S)
    assert book.flushed == 1
    assert book.events[1:] == [(6, "gateway %d (2) -> %d (2)" % (NOW, NOW + HOUR_S))]


def test_a_clock_chip_is_read_at_boot_and_its_event_waits_for_the_journal():
    _, clock, _, book = make(rtc=Rtc(NOW))
    assert (clock.now(), clock.quality(), clock.rank) == (NOW, 1, clocks.KEPT)
    assert book.events == [(6, "kept 0 (0) -> %d (1)" % NOW)]


def test_a_chip_that_kept_its_time_needs_no_clock_chip():
    _, clock, _, book = make(NOW, rtc=Rtc(NOW - HOUR_S))
    assert (clock.now(), book.events) == (NOW, [])


def test_a_clock_chip_that_stood_still_is_gone_or_talks_nonsense_is_an_event():
    for shown, words in ((0, "battery"), (None, "OSError"), (1000000000, "no time")):
        _, clock, _, book = make(rtc=Rtc(shown))
        assert clock.quality() == 0
        assert [code for code, _ in book.events] == [4]
        assert words in book.events[0][1]


def test_the_clock_chip_is_set_by_the_gateway_only_and_once_a_day():
    rtc = Rtc(NOW - 100)
    sources, _, ticks, _ = make(rtc=rtc)
    pass_s(sources, ticks, 600)
    assert rtc.written == []
    sources.hear_gateway(NOW)
    stand_in(rtc)
    sources.check(sources.clock.uptime(), True)
    assert rtc.written == [NOW]
    for _ in range(24):
        stand_in(rtc)
        rtc.shown = sources.clock.now() + 1
        pass_s(sources, ticks, HOUR_S)
        sources.hear_gateway(sources.clock.now())
    assert len(rtc.written) == 1
    stand_in(rtc)
    rtc.shown = sources.clock.now() + 30
    pass_s(sources, ticks, 60)
    sources.hear_gateway(sources.clock.now())
    sources.check(sources.clock.uptime(), True)
    assert len(rtc.written) == 2


def heat(minute, hour, day, month, year, first=0x04):
    """An M-Bus answer with energy and a clock of type F."""
    clock = bytes((minute, hour, day | (year & 7) << 5, month | (year >> 3) << 4))
    data = b"\x78\x56\x34\x12\x2d\x2c\x01\x04\x00\x00\x00\x00\x0c\x06\x11\x22\x33\x44"
    data += bytes((first, 0x6D)) + clock
    body = bytes((0x08, 1, 0x72)) + data
    size = len(body)
    return b"\x68" + bytes((size, size)) + b"\x68" + body + bytes((sum(body) & 0xFF, 0x16))


def meters(count):
    return {
        "buses": (MBUS,),
        "meters": tuple([Meter(i, 0, i, 900, Way((), None, -1)) for i in range(1, count + 1)]),
        "meter_clocks": True,
    }


def test_meters_that_agree_set_a_clock_that_nobody_else_has_set():
    sources, clock, ticks, book = make(**meters(5))
    ticks.ms += 60000
    for slot, minute in ((1, 0), (2, 3), (3, 58), (4, 1), (5, 2)):
        # Four of them show 08:00 in China, the third is an hour behind.
        sources.run("hear_meter", slot, heat(minute, 7 if slot == 3 else 8, 1, 11, 26))
    pass_s(sources, ticks, 1680)
    assert clock.quality() == 0
    pass_s(sources, ticks, 120)
    assert clock.quality() == 1
    # 00:01:30 UTC at the second minute, by the middle one; then half an hour.
    assert abs(clock.now() - (NOW + 90 + 1800)) <= 60
    assert book.events[0][1].startswith("meters 1")
    assert not clock.is_vouched_for()
    pass_s(sources, ticks, 60)
    assert sources.witnesses is None


def test_too_few_meters_or_such_as_disagree_set_nothing():
    for clocks_shown in (
        ((0, 8), (1, 8)),
        ((0, 8), (1, 9), (2, 10)),
        ((0, 8), (1, 8), (2, 8), (0, 1), (0, 2), (0, 3)),
    ):
        sources, clock, ticks, book = make(**meters(6))
        for slot, (minute, hour) in enumerate(clocks_shown, 1):
            sources.run("hear_meter", slot, heat(minute, hour, 1, 11, 26))
        pass_s(sources, ticks, 7200)
        assert (clock.quality(), book.events) == (0, [])


def test_meters_are_not_asked_where_they_are_not_wanted_or_not_needed():
    for parts in (dict(meters(3), meter_clocks=False), dict(meters(3), chip_s=NOW)):
        chip_s = parts.pop("chip_s", 0)
        assert make(chip_s, **parts)[0].witnesses is None


def test_clocks_of_meters_are_found_in_their_answers():
    at = NOW + 8 * HOUR_S + 5 * 60
    assert meter_time.read("mbus", heat(5, 8, 1, 11, 26)) == at + 30
    # Invalid, no such day, another century, another VIF, cut off.
    for other in (
        heat(5 | 0x80, 8, 1, 11, 26),
        heat(5, 8, 31, 11, 26),
        heat(5, 8, 1, 11, 99),
        heat(5, 25, 1, 11, 26),
        b"",
        b"\xe5",
        heat(5, 8, 1, 11, 26)[:20],
    ):
        assert meter_time.read("mbus", other) == 0
    digits = b"\x20\x26\x11\x01\x08\x05\x07"
    for clock in (digits, bytes(reversed(list(digits)))):
        frame = b"\x68\x20\x78\x56\x34\x12\x00\x11\x11\x81\x2e\x1f\x90\x00" + bytes(8)
        frame += clock + b"\x00\x00\x00\x16"
        assert meter_time.read("cjt188", frame) == at + 7
    told = bytes([byte + 0x33 for byte in b"\x07\x05\x08\x00\x01\x11\x26"])
    frame = b"\xfe\x68\x11\x22\x33\x44\x55\x66\x68\x91\x0b\x3f\x34\x33\x37" + told + b"\x00\x16"
    assert meter_time.read("dlt645", frame) == at + 7
    assert meter_time.read("modbus", b"\x01\x03\x02\x00\x00") == 0


def packet(second=NOW, mode=4, leap=0, stratum=2, reference=b"\x0a\x01\x00\x01", dispersion=655):
    told = (second + 2208988800) & 0xFFFFFFFF
    head = bytes((leap << 6 | 4 << 3 | mode, stratum, 6, 236)) + (655).to_bytes(4, "big")
    head += dispersion.to_bytes(4, "big") + reference + bytes(8) + b"n" * 8
    stamp = told.to_bytes(4, "big") + b"\x80\x00\x00\x00"
    return head + stamp + stamp


def test_a_servers_answer_is_read_to_the_millisecond_through_2036():
    for second in (NOW, 2085978495, 2085978496, 0xFFFE0000):
        assert ntp.read(packet(second)) == (second, 500)


NO_TIME = (
    ({"mode": 3}, False),
    ({"leap": 3}, False),
    ({"stratum": 16}, False),
    ({"dispersion": 200000}, False),
    ({"stratum": 0, "reference": b"RATE"}, True),
    ({"stratum": 0, "reference": b"DENY"}, True),
    ({"stratum": 0, "reference": b"INIT"}, False),
)


def test_an_answer_that_tells_no_time_is_refused_and_a_kiss_of_death_for_good():
    answers = [(packet()[:40] + bytes(8), False)]
    answers += [(packet(**changes), final) for changes, final in NO_TIME]
    for answer, final in answers:
        kept = None
        try:
            ntp.read(answer)
        except ntp.NtpError as problem:
            kept = problem
        assert kept
        assert kept.is_final == final


class Servers:
    """Stands in for ntp.ask: hosts -> what they say, or an error."""

    def __init__(self, said):
        self.said = said
        self.asked = []

    async def __call__(self, host, port, random_bytes):
        self.asked.append(host)
        said = self.said[host]
        if isinstance(said, Exception):
            raise said
        return said


def ask(said):
    """What asking all these servers gives, and which of them want to be left alone."""
    real, ntp.ask = ntp.ask, Servers(said)
    refused = []
    try:
        hosts = sorted(said)
        answer = asyncio.run(ntp.ask_all(hosts, None, lambda: 50, refused.append))
        return answer, refused
    except ntp.NtpError as problem:
        return str(problem), refused
    finally:
        ntp.ask = real


def test_most_of_the_servers_that_answer_are_believed():
    good, lie = (NOW, 500, 20), (NOW + 60, 0, 20)
    assert ask({"a": good})[0] == (NOW, 500, 20, "a")
    assert ask({"a": lie, "b": good, "c": (NOW + 1, 0, 20)})[0][3] == "b"
    assert ask({"a": lie, "b": good})[0] == "the servers disagree"
    assert ask({"a": OSError(113), "b": good})[0][3] == "b"
    assert ask({"a": ntp.NtpError("kiss", True), "b": good}) == ((NOW, 500, 20, "b"), [0])
    assert "OSError" in ask({"a": OSError(-202)})[0]
