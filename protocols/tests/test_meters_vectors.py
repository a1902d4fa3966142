"""Every model reads the vectors in its folder: frames from manuals, or of an encoder of their own.

protocols/tests/vectors/<model>/<what>.json: source, question, answer, the readings in order and,
where the model has a status map, the conditions (name, severity). What a reading leaves out there
is storage, tariff and subunit 0, instantaneous, no text; its status is "ok", or whatever tells why
there is no value.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.meters import registry
from nuan_protocols.meters.annotate import answer_groups, question_groups
from nuan_protocols.reading import Reading, decimal_text

FOLDER = Path(__file__).parent / "vectors"
FILES = sorted(FOLDER.glob("*/*.json"))


def loaded(file: Path) -> tuple[dict[str, Any], bytes, bytes]:
    vector = json.loads(file.read_text(encoding="utf-8"))
    assert vector["source"], "say where the frame comes from"
    return vector, bytes.fromhex(vector["question"] or ""), bytes.fromhex(vector["answer"])


def shown(reading: Reading, expected: dict[str, Any]) -> dict[str, Any]:
    value = None if reading.integer is None else decimal_text(reading.integer, reading.exponent)
    found = {**reading._asdict(), "value": value}
    if "status" not in expected and value is None and not reading.text:
        assert reading.status != "ok"
        found["status"] = "ok"
    if "text" not in expected and value is None and reading.status != "ok":
        found["text"] = ""
    del found["integer"], found["exponent"]
    return found


def filled(expected: dict[str, Any]) -> dict[str, Any]:
    plain = {"storage": 0, "tariff": 0, "subunit": 0, "function": "instantaneous"}
    return {**plain, "value": None, "status": "ok", "text": "", **expected}


@pytest.mark.parametrize("file", FILES, ids=[f"{f.parent.name}-{f.stem}" for f in FILES])
def test_a_vector_is_read_as_it_says(file: Path) -> None:
    vector, question, answer = loaded(file)
    meter = registry.profile(file.parent.name)
    found = registry.readings(meter, question, answer)
    assert len(found) == len(vector["readings"]), found
    for reading, expected in zip(found, vector["readings"], strict=True):
        assert shown(reading, expected) == filled(expected)
    if "conditions" in vector:
        said = [[c.name, c.severity] for c in registry.conditions(meter, question, answer)]
        assert said == vector["conditions"]


@pytest.mark.parametrize("file", FILES, ids=[f"{f.parent.name}-{f.stem}" for f in FILES])
def test_every_byte_of_a_vector_is_named_once(file: Path) -> None:
    vector, question, answer = loaded(file)
    meter = registry.profile(file.parent.name)
    named = [(answer, answer_groups(meter, question, answer))]
    if vector["question"]:
        named.append((question, question_groups(meter, question)))
    for data, groups in named:
        at = 0
        for offset, length, name, _ in groups:
            assert offset == at
            assert length > 0
            assert name
            at += length
        assert at == len(data)


def test_every_model_has_vectors_and_every_folder_a_model() -> None:
    folders = {file.parent.name for file in FILES}
    assert folders == set(registry.models())
