"""The checks of a site file that spare a meter's battery: how often it is read, which telegram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nuan_gateway.site_found import Found
from nuan_gateway.toml_lines import KeyPath
from nuan_protocols.meters import registry

if TYPE_CHECKING:
    from nuan_gateway.site import Meter
    from nuan_protocols.meters.profile import Profile, Register

DAY_S = 86_400


def check_battery(meter: Meter, profile: Profile, place: KeyPath) -> Found:
    """The model has the telegram asked for, and is read no more often than that allows."""
    if meter.telegram == "short" and profile.short is None:
        yield (*place, "telegram"), f"{meter.model} has no short telegram; leave this key out"
        return
    least_s = _least_period_s(meter, profile)
    if meter.every_s < least_s:
        yield (
            (*place, "every_s"),
            f"{meter.every_s} costs a {meter.model} its battery; write at least {least_s}"
            + _ways_out(meter, profile),
        )


def check_billed_telegram(meter: Meter, place: KeyPath) -> Found:
    """A metering point's meter sends the register that it is there for."""
    if meter.telegram != "short" or meter.model not in registry.models():
        return
    profile = registry.profile(meter.model)
    if profile.short is not None and not profile.short.billing and profile.billing is not None:
        missing = _shown(profile.billing)
        text = f"the short telegram of a {meter.model} holds no {missing}, which its metering "
        yield (*place, "telegram"), text + 'point is there for; write "standard"'


def _least_period_s(meter: Meter, profile: Profile) -> int:
    """How often the battery lets the telegram be read, at most once a day; 0: not known."""
    if meter.telegram == "short":
        return profile.short.interval_s if profile.short else 0
    cost = profile.cost
    if cost is None:
        return 0
    return min(DAY_S, max(cost.interval_s, -(-DAY_S // cost.per_day) if cost.per_day else 0))


def _ways_out(meter: Meter, profile: Profile) -> str:
    """What else is to be had: the short telegram, and registers the meter stores by itself."""
    if meter.telegram == "short":
        return ""
    text = ""
    short = profile.short
    if short is not None:
        what = "" if short.billing else ", for what is no bill's business"
        text += f', or telegram = "short" and at least {max(short.interval_s, 60)}{what}'
    if profile.cost is not None and profile.cost.settlement:
        kept = " and ".join(_shown(register) for register in profile.cost.settlement)
        text += f"; the meter itself keeps {kept} of its settlement day, whenever it is read"
    return text


def _shown(register: Register) -> str:
    return f"{register.quantity} (storage {register.storage})"
