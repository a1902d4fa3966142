"""What a profile must hold to: each fault in words that say how to mend it. PC only."""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.dlt645.frame import READ_DATA_BYTES_MAX, di_bytes, version_of
from nuan_protocols.dlt645.items import di_text, layout
from nuan_protocols.meters.profile import PROTOCOLS, Register
from nuan_protocols.meters.status import RECORD, SEVERITIES
from nuan_protocols.modbus.registers import FLOATS, REGISTERS_OF
from nuan_protocols.modbus.rtu import READ_DISCRETE_INPUTS
from nuan_protocols.quantity import UNITS_OF, base

if TYPE_CHECKING:
    from nuan_protocols.meters.places import ModbusRegister
    from nuan_protocols.meters.profile import Profile

SUB_CODE_MAX = 255
_ORDERS = ("big", "little")
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


def problems(profile: "Profile") -> list[str]:
    """Everything that is wrong with a profile, each fault in one sentence; [] for a good one."""
    found = _identity(profile)
    found.extend(_registers(profile))
    found.extend(_asking(profile))
    for one in profile.places:
        found.extend(_place(profile, one))
    found.extend(_status(profile))
    return found


def units_of(profile: "Profile", quantity: str) -> tuple[str, ...]:
    """The units a quantity may carry with this model: the closed ones and the maker's own."""
    name = base(quantity)
    own = tuple(unit.name for unit in profile.units if unit.quantity == name)
    return UNITS_OF.get(name, ()) + own


def _identity(profile: "Profile") -> list[str]:
    found: list[str] = []
    if not profile.name or profile.name.strip(_NAME_CHARACTERS):
        found.append(f"name {profile.name!r}: write small letters, digits and underscores")
    if not profile.title:
        found.append("title is empty: write what people call the model")
    if profile.protocol not in PROTOCOLS:
        found.append(f"protocol {profile.protocol!r}: write one of {', '.join(PROTOCOLS)}")
    if profile.version < 1:
        found.append(f"version {profile.version}: versions begin at 1")
    return found


def _registers(profile: "Profile") -> list[str]:
    found: list[str] = []
    if not profile.registers:
        found.append("registers are missing: name at least one")
    if len(set(profile.registers)) != len(profile.registers):
        found.append("registers: the same one is named twice")
    found.extend(
        f"registers: {register.quantity!r} is no quantity of quantity.py"
        for register in profile.registers
        if base(register.quantity) not in UNITS_OF
    )
    if profile.billing is not None and profile.billing not in profile.registers:
        found.append(f"billing: {profile.billing.quantity!r} is not among the registers")
    if profile.billing is None and (profile.resolution or profile.rollover):
        found.append("resolution and rollover are the billing register's: name that one")
    if profile.billing is not None and profile.resolution is not None:
        known = units_of(profile, profile.billing.quantity)
        if profile.resolution.unit not in known:
            found.append(f"resolution: unit {profile.resolution.unit!r}, write {_either(known)}")
    for pair in profile.aliases:
        found.extend(
            f"aliases: {register.quantity!r} is not among the registers"
            for register in pair
            if register not in profile.registers
        )
    settlement = profile.cost.settlement if profile.cost else ()
    found.extend(
        f"cost: {register.quantity!r} is not among the registers"
        for register in settlement
        if register not in profile.registers
    )
    return found


def _asking(profile: "Profile") -> list[str]:
    found: list[str] = []
    if profile.protocol == "mbus" and profile.reads:
        found.append("reads: an M-Bus meter is asked for its telegram; leave them out")
    if profile.protocol != "mbus" and not profile.reads:
        found.append("reads are missing: say what to ask for")
    if bool(profile.places) != (profile.protocol == "modbus"):
        found.append("places: a Modbus profile says where its registers stand, and only that")
    if profile.protocol == "cjt188" and profile.dialect not in DIALECTS:
        found.append(f"dialect {profile.dialect!r}: write {_either(tuple(sorted(DIALECTS)))}")
    for code in (profile.reset, profile.short.reset if profile.short else None):
        if code is not None and not 0 <= code <= SUB_CODE_MAX:
            found.append(f"reset {code}: a sub-code is 0 to {SUB_CODE_MAX}")
        if code is not None and profile.protocol != "mbus":
            found.append("reset: only M-Bus knows it; leave it out")
    if profile.protocol == "dlt645":
        found.extend(_split(profile))
    return found


def _split(profile: "Profile") -> list[str]:
    """DL/T 645 registers that a meter sends in a follow-up frame, where they can't be told."""
    found: list[str] = []
    for control, di, _ in profile.reads:
        version = version_of(control)
        known = layout(version, di)
        if isinstance(known, str):
            continue
        at = di_bytes(control)
        for storage, tariff, items in known.groups:
            for item in items:
                at += item.size
                register = Register(item.quantity, storage, tariff, 0, item.function)
                if at > READ_DATA_BYTES_MAX and register in profile.registers:
                    found.append(
                        f"reads: {item.quantity}, storage {storage}, tariff {tariff} stands in "
                        f"{di_text(version, di)} behind the {READ_DATA_BYTES_MAX} bytes of a "
                        "frame; read it by its own identifier"
                    )
    return found


def _place(profile: "Profile", one: "ModbusRegister") -> list[str]:
    found: list[str] = []
    where = f"place {one.address:04X}h"
    known = units_of(profile, one.quantity)
    if one.unit not in known:
        found.append(f"{where}: unit {one.unit!r} of {one.quantity}, write {_either(known)}")
    parts = [(one.address, one.kind)]
    parts.extend((term.address, term.kind) for term in one.terms)
    if any(kind not in REGISTERS_OF for _, kind in parts):
        found.append(f"{where}: kind, write one of {', '.join(sorted(REGISTERS_OF))}")
        return found
    found.extend(_words(where, one, [kind for _, kind in parts]))
    covering = [
        (function, start, count)
        for function, start, count in profile.reads
        if function == one.function
        and all(start <= at and at + REGISTERS_OF[kind] <= start + count for at, kind in parts)
    ]
    if len(covering) != 1:
        found.append(f"{where}: {len(covering)} of the reads hold it whole, one must")
    return found


def _words(where: str, one: "ModbusRegister", kinds: list[str]) -> list[str]:
    """What is wrong with how a place's words become a number."""
    found: list[str] = []
    if one.word_order not in _ORDERS or one.byte_order not in _ORDERS:
        found.append(f"{where}: word_order and byte_order, write {_either(_ORDERS)}")
    if ("bit" in kinds) != (one.function <= READ_DISCRETE_INPUTS) or "bit" in kinds[1:]:
        found.append(f'{where}: kind "bit" goes with function 1 or 2, and only that')
    if one.mask and kinds[0][:3] not in ("int", "uin"):
        found.append(f"{where}: mask picks bits of an int or uint, not of a {kinds[0]}")
    floats = [kind for kind in kinds if kind in FLOATS]
    if one.quantum and not floats:
        found.append(f"{where}: quantum is a float's step; a whole number counts in exponent")
    if one.quantum > 0 and len(floats) < len(kinds):
        found.append(f"{where}: quantum above 0 would round the whole numbers among its terms")
    return found


def _status(profile: "Profile") -> list[str]:
    found: list[str] = []
    read = {register.quantity for register in profile.registers}
    for flag in profile.flags:
        if base(flag.source) != RECORD:
            found.append(
                f"flag {flag.name!r}: source {flag.source!r}, write {RECORD} or {RECORD}:..."
            )
        elif profile.protocol in ("mbus", "modbus") and flag.source not in read | {
            RECORD + ":header"
        }:
            found.append(f"flag {flag.name!r}: {flag.source} is not among the registers")
        if flag.severity not in SEVERITIES:
            found.append(f"flag {flag.name!r}: severity, write {_either(SEVERITIES)}")
        if not flag.value or flag.value & ~flag.mask:
            found.append(f"flag {flag.name!r}: value {flag.value:#x} lies not in {flag.mask:#x}")
    for setting in profile.settings:
        if setting.source not in read:
            found.append(f"setting {setting.name!r}: {setting.source} is not among the registers")
        if setting.severity not in SEVERITIES:
            found.append(f"setting {setting.name!r}: severity, write {_either(SEVERITIES)}")
    return found


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names) or "a quantity of quantity.py"
