"""Zones with chosen settings, and stand-ins that note what they are told."""

from nuan_firmware.config_zones import Calendar, Control, Source, Tuning, Valve, Zone
from nuan_firmware.control.law import DRIVE_ON_OFF

START = 1793491200
CALENDAR = Calendar(b"", b"", 28800, (305, 90))


def tuning(**changes):
    usual = {
        "hysteresis_dc": 5, "overrun_dc": 0, "frost_dc": 50, "min_on_s": 180, "min_off_s": 180,
        "stale_s": 1800, "fallback_pct": 50, "band_dc": 12, "reset_s": 14400, "cycle_s": 1200,
        "heat_up_dc_per_h": 10, "warm_up_s": 10800, "coast_s": 0, "exercise_days": 0,
        "exercise_s": 360,
    }  # fmt: skip
    usual.update(changes)
    return Tuning(*[usual[name] for name in TUNING])


TUNING = (
    "hysteresis_dc", "overrun_dc", "frost_dc", "min_on_s", "min_off_s", "stale_s", "fallback_pct",
    "band_dc", "reset_s", "cycle_s", "heat_up_dc_per_h", "warm_up_s", "coast_s", "exercise_days",
    "exercise_s",
)  # fmt: skip


def zone(number=1, drive=DRIVE_ON_OFF, **changes):
    usual = {
        "source": Source(16, 0, 0, b""), "setpoint_dc": 220, "setback_dc": 190,
        "unoccupied_dc": 140, "legal_max_dc": 200, "exempt_until_s": 0, "program": -1,
        "neighbours": b"",
    }  # fmt: skip
    own = {name: changes.pop(name) for name in list(changes) if name in usual}
    usual.update(own)
    return Zone(
        number,
        usual["source"],
        Valve(drive, 32 + number, 0, False, 1000, 0, 1000),
        usual["setpoint_dc"],
        usual["setback_dc"],
        usual["unoccupied_dc"],
        usual["legal_max_dc"],
        usual["exempt_until_s"],
        usual["program"],
        usual["neighbours"],
        tuning(**changes),
    )


def control(*zones, programs=(), calendar=CALENDAR, outdoor=None, override_s_max=86400):
    return Control(zones, programs, calendar, outdoor, (), override_s_max)


class Moved:
    """What a valve was told."""

    def __init__(self):
        self.told = []

    def put(self, demand, is_open):
        self.told.append((demand, is_open))


class Book:
    """What was journaled."""

    def __init__(self):
        self.entries = []
        self.events = []
        self.flushed = 0

    def flush(self):
        self.flushed = len(self.events)

    def control(self, *entry):
        self.entries.append(entry)

    def event(self, code, text):
        self.events.append((code, text))


class Hands:
    """A clock that is set by hand."""

    def __init__(self, now_s=START, quality=2):
        self.up_s = 10
        self.now_s = now_s
        self.is_set = quality

    def uptime(self):
        return self.up_s

    def now(self):
        return self.now_s

    def quality(self):
        return self.is_set

    def pass_s(self, seconds):
        self.up_s += seconds
        self.now_s += seconds
