"""What each zone does and why, as plain values. Loaded for the moment."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.control.zones import Zones

_MODES = (
    "",
    "normal",
    "frost",
    "fallback",
    "setback",
    "warm-up",
    "unoccupied",
    "override",
    "exercise",
)
_REASONS = (
    "",
    "below",
    "above",
    "between",
    "frost",
    "duty on",
    "duty off",
    "minimum time",
    "proportional",
    "off",
    "exercise",
)


def describe(zones: "Zones") -> "list[dict[str, Any]]":
    """One object a zone; temperatures in tenths of a degree, None where nothing is measured."""
    now_s = zones.clock.uptime()
    found = []
    for law in zones.laws:
        entry: "dict[str, Any]" = {
            "zone": law.zone.zone,
            "mode": _MODES[law.mode],
            "reason": _REASONS[law.reason],
            "requested_dc": law.requested_dc,
            "applied_dc": law.applied_dc,
            "legal_max_dc": law.zone.legal_max_dc,
            "measured_dc": law.measured_dc,
            "sensor_dc": law.own_dc(now_s),
            "sensor_age_s": now_s - law.sensed_s,
            "valve_pct": (law.demand + 5) // 10,
            "open": law.is_open,
            "cycles": law.switches,
        }
        if law.override:
            entry["override"] = {
                "setpoint_dc": law.override[0],
                "until_s": law.override[1],
                "who": law.override[2],
                "why": law.override[3],
            }
        found.append(entry)
    return found
