"""The meter that is to be read: as the command line names it, or as a site file does."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nuan_gateway.connect import Connect
from nuan_gateway.errors import GatewayError
from nuan_gateway.node_config import application_reset, meter_config
from nuan_gateway.site import Meter, load_site
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_tools.decoding import profile_named
from nuan_tools.errors import UserError
from nuan_tools.field.line import connect_to
from nuan_tools.field.settings import usual_character
from nuan_tools.i18n import tr
from nuan_tools.protocol_names import protocol_name


@dataclass(frozen=True)
class Target:
    """A meter and the line it hangs on. `reset`: M-Bus application reset sub-code, -1 for none."""

    connect: Connect
    protocol: str
    address: int | str
    baud: int
    parity: str
    profile: Profile | None = None
    dialect: str | None = None
    reset: int | None = None

    @property
    def config(self) -> dict[str, Any]:
        """What a node would be told of the meter; needs a profile."""
        if self.profile is None:
            raise ValueError("a meter without a model has no configuration")
        meter = Meter(
            serial="read",
            model=self.profile.name,
            node="0" * 16,
            bus="read",
            slot=1,
            address=self.address,
            every_s=86_400,
        )
        config = meter_config(meter, 0)
        if self.reset is not None:
            config["reset"] = self.reset
        return config


def target(
    connect: str,
    protocol: str,
    address: str,
    baud: int | None,
    parity: str | None,
    model: str | None,
) -> Target:
    """What the command line names. Raises UserError."""
    profile = profile_named(model) if model else None
    if profile is not None and profile.protocol != protocol:
        names = {"model": model, "its": protocol_name(profile.protocol)}
        raise UserError(
            tr("{model} speaks {its}, not {protocol}", protocol=protocol_name(protocol), **names)
        )
    usual_baud, usual_parity = usual_character(protocol)
    return Target(
        connect_to(connect),
        protocol,
        parse_address(protocol, address),
        baud or usual_baud,
        parity or usual_parity,
        profile,
    )


def of_site(path: Path, serial: str, connect: str | None) -> Target:
    """A meter as the site file has it; `connect` where a board's line isn't ours. UserError."""
    try:
        site = load_site(path)
    except GatewayError as error:
        raise UserError(str(error)) from None
    meter = next((each for each in site.meters if each.serial == serial), None)
    if meter is None:
        known = ", ".join(each.serial for each in site.meters)
        raise UserError(
            tr("{path}: no meter {serial}; it has {known}", path=path, serial=serial, known=known)
        )
    bus = next(each for each in site.node(meter.node).buses if each.name == meter.bus)
    if not connect and not bus.connect:
        raise UserError(
            tr(
                "meter {serial} hangs on a board's line; write where you have plugged in, "
                "such as: nuan read --site {path} {serial} /dev/ttyUSB0",
                serial=serial,
                path=path,
            )
        )
    found = target(
        connect or bus.connect, bus.protocol, str(meter.address), None, None, meter.model
    )
    return replace(
        found,
        baud=meter.baud or bus.baud,
        parity=meter.parity or bus.parity,
        reset=application_reset(meter, registry.profile(meter.model)),
    )


def parse_address(protocol: str, text: str) -> int | str:
    """An address as site files take it. Raises UserError that says how one is written."""
    digits = text.strip().upper()
    if protocol == "modbus" or (protocol == "mbus" and len(digits) < _SECONDARY_DIGITS):
        most = 247 if protocol == "modbus" else 250
        least = 1 if protocol == "modbus" else 0
        if digits.isdecimal() and least <= int(digits) <= most:
            return int(digits)
    elif len(digits) == _DIGITS[protocol] and set(digits) <= _ALPHABET[protocol]:
        return digits
    raise UserError(tr("--address {text}: {wanted}", text=text, wanted=tr(_WANTED[protocol])))


_SECONDARY_DIGITS = 16
_DIGITS = {"mbus": _SECONDARY_DIGITS, "cjt188": 14, "dlt645": 12}
_HEX = set("0123456789ABCDEF")
_ALPHABET = {"mbus": _HEX, "cjt188": _HEX, "dlt645": set("0123456789A")}
_WANTED = {
    "mbus": "write 0 to 250, or the 16 hex digits of a secondary address",
    "modbus": "write 1 to 247",
    "cjt188": "write the 14 hex digits printed on the meter, AAAAAAAAAAAAAA for a meter alone",
    "dlt645": "write the 12 digits printed on the meter, AAAAAAAAAAAA for a meter alone",
}
