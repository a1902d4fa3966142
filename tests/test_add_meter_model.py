"""Adding a meter model takes one file and one folder of vectors, and nothing else anywhere.

The model added here counts heat in a unit nobody has counted in before and has status bits of its
own; its readings go all the way into a bill.
"""

import json
import struct
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nuan_gateway.billing.bill import (
    BillInput,
    Meter,
    Season,
    SlotPlace,
    Unit,
    bill_statement,
    compute_bill,
)
from nuan_gateway.billing.consumption import Register
from nuan_gateway.billing.tariff import Tariff
from nuan_gateway.errors import SiteError
from nuan_gateway.evidence.check_bill import check_bill
from nuan_gateway.evidence.documents import BundleDoc, EntryDoc, StatementDoc
from nuan_gateway.evidence.reread import reread
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site
from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.meters import registry
from nuan_protocols.meters.vectors import differences
from nuan_protocols.modbus.rtu import read_request
from nuan_protocols.uplink import body, entry

NODE = bytes.fromhex("6e75616e00000001")
EPOCH = bytes(8)
START_S = 1_761_926_400
END_S = START_S + 86_400

MODEL = '''\
"""Acme Calorie 7, a heat meter that counts thermies on Modbus RTU.

Source      none: made up for a test
Certainty   sure
Bills from  input register 10h, in thermies of 4.1855 MJ, to a thousandth
"""

from nuan_protocols.meters.profile import Profile, Resolution, current, place
from nuan_protocols.meters.status import ALARM, NOTICE, Flag, bit
from nuan_protocols.quantity import own_unit

PROFILE = Profile(
    name="acme_calorie7",
    title="Acme Calorie 7",
    protocol="modbus",
    version=4,
    reads=((4, 0x10, 3),),
    places=(
        place(4, 0x10, "uint32", "energy", -3, "thermie", word_order="little"),
        place(4, 0x12, "uint16", "error_flags:acme", 0, "1"),
    ),
    billing=current("energy"),
    resolution=Resolution(1, -3, "thermie"),
    rollover=2**32,
    units=(own_unit("thermie", "energy", 41_855_000, 10, "J"),),
    flags=(
        Flag("error_flags:acme", 0x000F, 0x0005, "magnet held to the meter", ALARM),
        bit("error_flags:acme", 9, "cover opened", NOTICE),
    ),
)
'''


def answer_of(thousandths: int, status: int) -> bytes:
    words = struct.pack(">HHH", thousandths & 0xFFFF, thousandths >> 16, status)
    frame = bytes((9, 4, len(words))) + words
    return frame + crc16_modbus(frame).to_bytes(2, "little")


QUESTION = read_request(9, 4, 0x10, 3)
ANSWER = answer_of(1_234_567, 0x1205)
VECTOR: dict[str, Any] = {
    "source": "made up",
    "question": QUESTION.hex(),
    "answer": ANSWER.hex(),
    "readings": [
        {"quantity": "energy", "value": "1234.567", "unit": "thermie"},
        {"quantity": "error_flags:acme", "value": "4613", "unit": "1"},
    ],
    "conditions": [
        ["magnet held to the meter", "alarm"],
        ["cover opened", "notice"],
        ["bit 12 of error_flags:acme", "info"],
    ],
}
TARIFF = Tariff.model_validate(
    {
        "format": 1,
        "id": "sample",
        "version": "1",
        "title": "Two-part heat price",
        "legal_reference": "none",
        "valid_from": date(2025, 11, 1),
        "valid_to": None,
        "base": {"price": "12", "unit": "CNY/m2.season"},
        "metered": {"price": "80", "unit": "CNY/GJ"},
        "prepayment": {"price": "24", "unit": "CNY/m2.season"},
        "settlement": {"policy": "refund_and_charge"},
    }
)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One file and one vectors folder; what was added is forgotten afterwards."""
    monkeypatch.setattr(registry, "_profiles", dict(registry._all()))
    models, vectors = tmp_path / "models", tmp_path / "vectors" / "acme_calorie7"
    models.mkdir()
    vectors.mkdir(parents=True)
    (models / "acme_calorie7.py").write_text(MODEL)
    (vectors / "magnet.json").write_text(json.dumps(VECTOR))
    assert registry.add_folder(str(models)) == ("acme_calorie7",)
    return vectors


def raw_entry(seq: int, time: int, answer: bytes) -> bytes:
    buffer = bytearray(entry.ENTRY_BYTES_MAX)
    at = entry.put_head(buffer, entry.KIND_EXCHANGE, NODE, EPOCH, seq, time, 2)
    end = body.put_exchange(buffer, at, 0, 5, 7, body.RESULT_OK, 1, QUESTION, answer)
    return bytes(buffer[:end])


def register_of(raw: bytes) -> Register:
    profile = registry.profile("acme_calorie7")
    found = reread(raw, "acme_calorie7").register(profile, bytes(32).hex())
    assert found is not None
    return found


def bill_input(opening: Register, closing: Register) -> BillInput:
    return BillInput(
        site="t1",
        season=Season("day", date(2025, 11, 1), date(2025, 11, 2), "Asia/Shanghai", START_S, END_S),
        unit=Unit("101", "101", "89.37"),
        point="heat-101",
        meter=Meter("7", "acme_calorie7", 4, (SlotPlace(NODE.hex(), 7, 5),)),
        opening=opening,
        closing=closing,
        tolerance_s=3600,
        tariff=TARIFF,
        entries=(bytes(32).hex(), bytes(32).hex()),
    )


def test_its_vectors_are_read_as_they_say(added: Path) -> None:
    assert "acme_calorie7" in registry.models()
    assert [differences(added.name, str(file)) for file in added.glob("*.json")] == [[]]


def test_its_status_is_told_in_words(added: Path) -> None:
    said = registry.conditions(registry.profile(added.name), QUESTION, ANSWER)
    assert [(c.name, c.severity) for c in said] == [tuple(c) for c in VECTOR["conditions"]]


def test_heat_in_its_unit_is_billed_exactly(added: Path) -> None:
    opening = raw_entry(1, START_S, answer_of(1_000, 0))
    closing = raw_entry(2, END_S, answer_of(1_334, 0))
    bill = compute_bill(bill_input(register_of(opening), register_of(closing)))
    assert not bill.problems
    assert bill.heat is not None
    # 0.334 thermies of 4.1855 MJ.
    assert bill.heat.joules == Fraction("0.334") * 4_185_500
    statement = bill_statement(bill, 1, None)
    document = StatementDoc.model_validate(statement)
    assert document.opening is not None
    assert document.opening.value == "1"
    assert document.opening.unit == "thermie"
    assert document.opening.worth is not None
    assert (document.opening.worth.factor, document.opening.worth.unit) == ("4185500", "J")
    # 0.001397957 GJ at 80 CNY.
    metered = next(line for line in document.lines if line.item == "metered")
    assert metered.amount_fen == 11
    bundle = BundleDoc.model_construct(
        statement=document,
        tariff=TARIFF,
        entries=[
            EntryDoc.model_construct(raw=raw.hex(), digest=bytes(32).hex())
            for raw in (opening, closing)
        ],
    )
    assert list(check_bill(statement, bundle)) == []


def test_a_worth_that_was_tampered_with_is_found(added: Path) -> None:
    entries = [raw_entry(1, START_S, answer_of(1_000, 0)), raw_entry(2, END_S, answer_of(1_334, 0))]
    bill = compute_bill(bill_input(*map(register_of, entries)))
    statement: Any = json.loads(json.dumps(bill_statement(bill, 1, None)))
    statement["closing"]["worth"]["factor"] = "5000000"
    bundle = BundleDoc.model_construct(
        statement=StatementDoc.model_validate(statement),
        tariff=TARIFF,
        entries=[
            EntryDoc.model_construct(raw=raw.hex(), digest=bytes(32).hex()) for raw in entries
        ],
    )
    assert [finding.link for finding in check_bill(statement, bundle)] == ["closing register"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("41_855_000, 10", "0, 10"), "unit 'thermie': 0/10 is no positive fraction"),
        (('"J"),)', '"kWh"),)'), "'kWh' is no unit of 'energy'; write one of Wh, J, cal, Btu"),
        (('"thermie", word', '"therm", word'), "place 0010h: unit 'therm' of energy, write Wh"),
        (("0x0005,", "0x0015,"), "value 0x15 lies not in 0xf"),
        (('"error_flags:acme", 9', '"energy", 9'), "flag 'cover opened': source 'energy', write"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_slip_in_the_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], told: str
) -> None:
    monkeypatch.setattr(registry, "_profiles", dict(registry._all()))
    assert change[0] in MODEL
    (tmp_path / "acme.py").write_text(MODEL.replace(*change))
    with pytest.raises(registry.ModelFileError) as caught:
        registry.add_folder(str(tmp_path))
    assert "acme.py" in str(caught.value)
    assert told in str(caught.value)


SITE = """\
format = 1
[site]
id = "t1"
name = "Test house"
models = "models"
[season]
name = "2025-2026"
start = 2025-11-01
end = 2026-03-31
[tariff]
file = "tariff.toml"
[[node]]
id = "6e75616e00000001"
config_version = 7
mqtt = { host = "10.1.0.1" }
[[node.bus]]
name = "rs485"
protocol = "modbus"
uart = 1
tx = 17
rx = 16
baud = 9600
parity = "N"
timeout_ms = 1100
[[meter]]
serial = "7"
model = "acme_calorie7"
node = "6e75616e00000001"
bus = "rs485"
slot = 5
address = 9
every_s = 900
[[point]]
id = "heat"
role = "building_heat"
meter = "7"
"""


def test_a_site_names_the_folder_of_its_own_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_profiles", dict(registry._all()))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme_calorie7.py").write_text(MODEL)
    (tmp_path / "site.toml").write_text(SITE)
    for _ in range(2):
        site = load_site(tmp_path / "site.toml")
        (meter,) = node_config(site, NODE.hex())["meters"]
        assert meter["reads"] == [[4, 0x10, 3]]
    (tmp_path / "models" / "acme_calorie7.py").write_text(MODEL.replace("version=4", "version=0"))
    with pytest.raises(SiteError) as caught:
        load_site(tmp_path / "site.toml")
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'site.toml'}:5: site.models: ")
    assert "acme_calorie7.py: version 0: versions begin at 1" in problem
