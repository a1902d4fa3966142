"""A configuration for tests that are about something else."""

from journal_kit import NODE

from nuan_firmware.config import Config

USUAL = {
    "version": 7,
    "node": NODE,
    "links": (),
    "host": "127.0.0.1",
    "port": 1,
    "user": "",
    "tls": False,
    "keepalive_s": 120,
    "ack_timeout_s": 30,
    "flush_s": 900,
    "segment_bytes": 8192,
    "max_bytes": 880000,
    "buses": (),
    "meters": (),
    "control": None,
    "ntp": (),
    "rtc": None,
    "meter_clocks": False,
    "utc_offset_s": 28800,
    "led": -1,
}


def make_config(**changes):
    """The usual configuration with these values changed."""
    fields = dict(USUAL)
    fields.update(changes)
    return Config(**fields)
