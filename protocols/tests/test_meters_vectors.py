"""Every model reads the vectors in its folder: frames from manuals, or of an encoder of their own.

The form of protocols/tests/vectors/<model>/<what>.json: nuan_protocols/meters/vectors.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.meters import registry
from nuan_protocols.meters.vectors import differences

FOLDER = Path(__file__).parent / "vectors"
FILES = sorted(FOLDER.glob("*/*.json"))


@pytest.mark.parametrize("file", FILES, ids=[f"{f.parent.name}-{f.stem}" for f in FILES])
def test_a_vector_is_read_as_it_says(file: Path) -> None:
    assert differences(file.parent.name, str(file)) == []


def test_every_model_has_vectors_and_every_folder_a_model() -> None:
    assert {file.parent.name for file in FILES} == set(registry.models())


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"readings": []}, "6 readings, not 0: ['volume_flow', 'power', 'volume', 'energy', "),
    ({"source": ""}, "source is empty: say where the frame is from"),
    ({"conditions": [["leak", "alarm"]]}, "conditions are [], not [['leak', 'alarm']]"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES, ids=[str(list(c)) for c, _ in CHANGES])
def test_a_vector_that_says_otherwise_is_told(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    vector = json.loads((FOLDER / "tuf2000" / "registers.json").read_text())
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(vector | change))
    (line,) = differences("tuf2000", str(file))
    assert line.startswith(told)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("value", "1", "power: value is '875000000', not '1'"),
        ("unit", "W", "power: unit is 'J/h', not 'W'"),
        ("status", "error", "power: status is 'ok', not 'error'"),
        ("storage", 1, "power: storage is 0, not 1"),
    ],
)
def test_each_part_of_a_reading_is_compared(
    tmp_path: Path, key: str, value: object, told: str
) -> None:
    vector = json.loads((FOLDER / "tuf2000" / "registers.json").read_text())
    vector["readings"][1][key] = value
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(vector))
    assert differences("tuf2000", str(file)) == [told]
