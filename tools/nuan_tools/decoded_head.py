"""What the head of a decoded telegram says, in a line or two of the chosen language."""

from typing import Any

from nuan_protocols.cjt188.annotate import TYPE_NAMES
from nuan_tools.decoding import Decoded
from nuan_tools.i18n import tr, tr_like


def head(decoded: Decoded) -> str:
    """Who answers, and how it is."""
    values = decoded.header
    lines = _HEADS[decoded.protocol](values)
    if "model" in values:
        said = [condition_text(each) for each in values["conditions"]]
        what = tr(", ").join(said) if said else tr("nothing to report")
        lines.append(tr("model {model}: {what}", model=values["model"], what=what))
    return "\n".join(lines)


def condition_text(condition: dict[str, str]) -> str:
    """A condition in words with its severity: "battery low (notice)"."""
    name = condition["name"]
    return tr("{name} ({severity})", name=tr_like(name), severity=tr(condition["severity"]))


def dialect_text(dialect: str, state: str, reason: str) -> str:
    """A CJ/T 188 dialect, whether it is proved, and why."""
    parts = [tr_like(part) for part in reason.split("; ")]
    values = {"dialect": dialect, "state": tr(state), "reason": tr("; ").join(parts)}
    return tr("dialect {dialect}, {state}: {reason}", **values)


def _modbus(values: dict[str, Any]) -> list[str]:
    lines = [tr("Modbus, unit {unit}, function {function}, {count} from address {start}", **values)]
    if "exception" in values:
        lines.append(tr("exception {exception}: {exception_name}", **values))
    return lines


def _mbus(values: dict[str, Any]) -> list[str]:
    first = [tr("M-Bus, address {address}", **values)]
    if values.get("identification") is not None:
        first.append(f"{values['manufacturer'] or ''} {values['identification']}".strip())
    if values.get("medium") is not None:
        first.append(tr(values["medium"]))
    if values.get("version") is not None:
        first.append(tr("version {version}", **values))
    second: list[str] = []
    if values.get("access_number") is not None:
        second.append(tr("access {access_number}", **values))
    if values.get("status") is not None:
        second.append(tr("status {status:02X}h", **values))
    if values["more"]:
        second.append(tr("more telegrams follow"))
    return [tr(", ").join(parts) for parts in (first, second) if parts]


def _cjt188(values: dict[str, Any]) -> list[str]:
    kind = TYPE_NAMES.get(values["type"], "").partition(" (")[0]
    first = [tr("CJ/T 188, meter {address}", **values)]
    first.append(tr(kind) if kind else tr("type {type:02X}h", **values))
    if values["di"] is not None:
        first.append(values["di"])
    if values["control"] & _REFUSED:
        first.append(tr("refused"))
    dialect = dialect_text(values["dialect"], values["state"], values["reason"])
    return [tr(", ").join(first), dialect]


def _dlt645(values: dict[str, Any]) -> list[str]:
    first = [tr("DL/T 645-{version}, meter {address}", **values)]
    if values["di"] is not None:
        first.append(values["di"])
    if values["part"] is not None:
        first.append(tr("part {part}", **values))
    if values["error"] is not None:
        first.append(tr("refused"))
    if values["more"]:
        first.append(tr("another part follows"))
    return [tr(", ").join(first)]


_REFUSED = 0x40
_HEADS = {"modbus": _modbus, "mbus": _mbus, "cjt188": _cjt188, "dlt645": _dlt645}
