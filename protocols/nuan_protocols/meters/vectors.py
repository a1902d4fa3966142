"""Whether a model reads its vectors as they say: frames from manuals with what they must mean.

A vector is a JSON file in a folder named after its model:

    {"source": "where the frame is from",
     "question": "hex, or null", "answer": "hex",
     "readings": [{"quantity": "energy", "value": "12.5", "unit": "Wh"}, ...],
     "conditions": [["battery low", "notice"], ...]}

Readings stand in the answer's order. What one leaves out is storage, tariff and subunit 0,
instantaneous, no text, status "ok"; a value of null without status and text takes whatever reason
the reading gives. Without "conditions" none are compared.
"""

import json
from typing import TYPE_CHECKING

from nuan_protocols.meters import registry
from nuan_protocols.meters.annotate import answer_groups, question_groups
from nuan_protocols.reading import decimal_text

if TYPE_CHECKING:
    from typing import Any

    from nuan_protocols.meters.annotate import Group
    from nuan_protocols.meters.profile import Profile
    from nuan_protocols.reading import Reading

_LEFT_OUT = {
    "storage": 0,
    "tariff": 0,
    "subunit": 0,
    "function": "instantaneous",
    "status": "ok",
    "text": "",
}
_KEYS = ("quantity", "value", "unit", "storage", "tariff", "subunit", "function", "status", "text")


def differences(model: str, file: str) -> list[str]:
    """Where a model reads a vector otherwise than it says, each in one line; [] where nowhere.

    Raises UnknownModelError, and what the codecs raise of a frame they refuse.
    """
    with open(file, encoding="utf-8") as opened:
        vector = json.load(opened)
    meter = registry.profile(model)
    question = bytes.fromhex(vector["question"] or "")
    answer = bytes.fromhex(vector["answer"])
    found = registry.readings(meter, question, answer)
    told = _readings(found, vector["readings"])
    if "conditions" in vector:
        said = [[c.name, c.severity] for c in registry.status(meter, found)]
        if said != vector["conditions"]:
            told.append(f"conditions are {said}, not {vector['conditions']}")
    told.extend(_naming(meter, question, answer))
    if not vector["source"]:
        told.append("source is empty: say where the frame is from")
    return told


def _readings(found: "list[Reading]", expected: "list[dict[str, Any]]") -> list[str]:
    told: list[str] = []
    if len(found) != len(expected):
        names = [reading.quantity for reading in found]
        told.append(f"{len(found)} readings, not {len(expected)}: {names}")
    for reading, wanted in zip(found, expected):
        value = None if reading.integer is None else decimal_text(reading.integer, reading.exponent)
        for key in _KEYS:
            is_value = value if key == "value" else getattr(reading, key)
            if key in wanted or not _may_differ(key, wanted):
                should = wanted.get(key, _LEFT_OUT.get(key))
                if is_value != should:
                    told.append(f"{reading.quantity}: {key} is {is_value!r}, not {should!r}")
        if value is None and reading.status == "ok" and not reading.text:
            told.append(f"{reading.quantity}: neither value nor reason")
    return told


def _may_differ(key: str, wanted: "dict[str, Any]") -> bool:
    return key in ("status", "text") and wanted.get("value") is None


def _naming(meter: "Profile", question: bytes, answer: bytes) -> list[str]:
    told: list[str] = []
    if question and not _covers(question_groups(meter, question), question):
        told.append("not every byte of the question is named once")
    if not _covers(answer_groups(meter, question, answer), answer):
        told.append("not every byte of the answer is named once")
    return told


def _covers(groups: "list[Group]", data: bytes) -> bool:
    at = 0
    for offset, length, name, _ in groups:
        if offset != at or length <= 0 or not name:
            return False
        at += length
    return at == len(data)
