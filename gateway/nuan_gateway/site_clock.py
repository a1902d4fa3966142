"""site.toml, [node.clock]: who tells a board the time besides its gateway."""

from typing import Annotated, Any, cast

from pydantic import Field, field_validator

from nuan_gateway.toml_source import Section

HOSTS_MAX = 4
Host = Annotated[str, Field(min_length=1, max_length=253)]
Gpio = Annotated[int, Field(ge=0, le=48)]


class ClockChip(Section):
    """The pins of a DS3231."""

    sda: Gpio
    scl: Gpio


class NodeClock(Section):
    """Time servers, a DS3231, and whether meters' clocks are heard when nobody else knows the time.

    NTP is not authenticated: see docs/wire.md for what a server may do to a clock.
    """

    ntp: Annotated[tuple[Host, ...], Field(max_length=HOSTS_MAX)] = ()
    rtc: ClockChip | None = None
    meters: bool = True

    @field_validator("ntp", mode="before")
    @classmethod
    def _is_list(cls, value: object) -> object:
        # TOML gives a list; a single name in quotes would be taken letter by letter.
        if not isinstance(value, list):
            raise ValueError('write the names of the servers as a list, ["10.1.0.1"]')
        return tuple(cast("list[object]", value))

    @field_validator("rtc")
    @classmethod
    def _has_two_pins(cls, value: ClockChip | None) -> ClockChip | None:
        if value is not None and value.sda == value.scl:
            raise ValueError("sda and scl are one pin")
        return value

    def config(self) -> dict[str, Any]:
        """The board's configuration, JSON values; empty where nothing differs from its defaults."""
        found: dict[str, Any] = {}
        if self.ntp:
            found["ntp"] = list(self.ntp)
        if self.rtc is not None:
            found["rtc"] = self.rtc.model_dump()
        if not self.meters:
            found["meters"] = False
        return {"clock": found} if found else {}
