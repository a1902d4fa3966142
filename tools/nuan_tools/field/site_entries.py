"""The [[meter]] entries that a site file needs for what was found: TOML to paste and to check.

Without a node they hang on a gateway node of their own, which polls the line that was scanned.
Whatever isn't certain is said in a comment; what can't be read has its whole entry commented out.
"""

import hashlib
import json
import re
from dataclasses import dataclass

from nuan_gateway.connect import Connect
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_tools.field.found import Found
from nuan_tools.field.settings import usual_character
from nuan_tools.i18n import tr
from nuan_tools.protocol_names import protocol_name

_EVERY_S = 900
_EVERY_BATTERY_S = 3600
_DAY_S = 86_400
_TIMEOUT_MS = {"mbus": 300, "modbus": 300, "cjt188": 800, "dlt645": 600}
_CONFIRMED = "confirmed"
# What a serial may not hold.
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Place:
    """Where the entries go: an existing node and bus, or "" for a gateway node made here; slots
    are numbered from `slot` on."""

    node: str = ""
    bus: str = ""
    slot: int = 1


def site_entries(found: list[Found], connect: Connect, place: Place) -> str:
    """The entries as TOML, "" for nothing."""
    if not found:
        return ""
    blocks: list[str] = []
    node = place.node or hashlib.sha256(str(connect).encode()).hexdigest()[:16]
    protocols = sorted({each.protocol for each in found})
    if not place.node:
        blocks.append(_node(node, connect, found, protocols))
    serials: set[str] = set()
    for slot, each in enumerate(found, place.slot):
        bus = place.bus or each.protocol
        blocks.append(_meter(each, node, bus, slot, serials))
    return "\n".join(blocks)


def _node(node: str, connect: Connect, found: list[Found], protocols: list[str]) -> str:
    lines = [
        "# " + tr("The gateway polls this line itself; leave this block out if a board does."),
        "[[node]]",
        f'id = "{node}"',
        'kind = "gateway"',
        "config_version = 1",
    ]
    if not any(each.model for each in found):
        lines = [f"# {line}" if not line.startswith("#") else line for line in lines]
    for protocol in protocols:
        mine = [each for each in found if each.protocol == protocol]
        baud, parity = _character(mine)
        block = [
            "[[node.bus]]",
            f'name = "{protocol}"',
            f'protocol = "{protocol}"',
            f"connect = {json.dumps(str(connect))}",
            f"baud = {baud}",
            f'parity = "{parity}"',
            f"timeout_ms = {_TIMEOUT_MS[protocol]}",
        ]
        known = any(each.model for each in mine)
        lines += block if known else [f"# {line}" for line in block]
    return "\n".join(lines) + "\n"


def _character(found: list[Found]) -> tuple[int, str]:
    """What most of the meters have."""
    seen = [(each.heard.baud, each.heard.parity) for each in found]
    return max(seen, key=seen.count) if seen else usual_character("mbus")


def _meter(found: Found, node: str, bus: str, slot: int, serials: set[str]) -> str:
    address = found.address if isinstance(found.address, int) else f'"{found.address}"'
    lines = [f"# {text}" for text in _remarks(found)]
    profile = registry.profile(found.model) if found.model else None
    entry = [
        "[[meter]]",
        f'serial = "{_serial(found, serials)}"',
        f'model = "{found.model or "?"}"',
        f'node = "{node}"',
        f'bus = "{bus}"',
        f"slot = {slot}",
        f"address = {address}",
        f"every_s = {_every_s(profile)}",
    ]
    usable = profile is not None and found.address != 0
    return "\n".join(lines + (entry if usable else [f"# {line}" for line in entry])) + "\n"


def _remarks(found: Found) -> list[str]:
    """What somebody should know or check, one comment each."""
    who = [found.maker, found.secondary if found.secondary != found.address else "", found.medium]
    said = " ".join(each for each in who if each)
    remarks = [f"{protocol_name(found.protocol)} {found.address}" + (f": {said}" if said else "")]
    if found.model is None:
        remarks.append(tr("model unknown: {why}", why=found.why))
    elif found.protocol == "modbus":
        remarks.append(tr("model: {why}", why=found.why))
    if found.state and found.state != _CONFIRMED:
        remarks.append(f"{tr(found.state)}: {found.reason}")
    if found.others:
        remarks.append(tr("or: {models}", models=", ".join(found.others)))
    if found.address == 0:
        remarks.append(tr("address 0 is the factory's: give it one of its own (nuan meter)"))
    if found.protocol == "modbus":
        remarks.append(tr("serial: write the number printed on the meter"))
    return remarks


def _serial(found: Found, taken: set[str]) -> str:
    """The printed number; meters that share it are told apart by what differs."""
    serial = found.serial
    if serial in taken and found.maker:
        serial = f"{found.serial}-{found.maker}"
    number = 2
    while serial in taken:
        serial = f"{found.serial}-{number}"
        number += 1
    taken.add(serial)
    return _NO_NAME.sub("-", serial)


def _every_s(profile: Profile | None) -> int:
    """How often to read: battery meters rarely, and never oftener than their makers allow."""
    if profile is None or profile.cost is None:
        return _EVERY_S
    cost = profile.cost
    least = max(cost.interval_s, _DAY_S // cost.per_day if cost.per_day else 0)
    return min(_DAY_S, max(least, _EVERY_BATTERY_S))
