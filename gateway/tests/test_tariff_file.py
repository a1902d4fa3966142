"""A bad tariff file gets one clear line per problem, with file, line and key."""

from pathlib import Path

import pytest

from nuan_gateway.errors import TariffError
from nuan_gateway.tariff_file import load_tariff

TARIFF = """\
format = 1
id = "sample"
version = "2025-1"
title = "两部制热价"
legal_reference = "none"
valid_from = 2025-11-01
valid_to = 2026-11-01

[base]
price = "12.00"
unit = "CNY/m2.season"

[metered]
price = "0.16"
unit = "CNY/kWh"

[prepayment]
price = "24.00"
unit = "CNY/m2.season"

[settlement]
policy = "refund_and_charge"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "tariff.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    found = load_tariff(write(tmp_path, TARIFF))
    assert found.metered.price == "0.16"
    assert found.heat_unit == "kWh"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"0.16"', "0.16", ":14: metered.price: 0.16 must be in quotes to stay exact"),
        ('"0.16"', '"0,16"', ":14: metered.price: '0,16' is no price; write a number such as"),
        ('"0.16"', '"-1"', ":14: metered.price: '-1' is no price"),
        ("CNY/kWh", "CNY/MWh", ":15: metered.unit: 'CNY/MWh' is unknown; write 'CNY/kWh'"),
        ("policy =", "polcy =", ":22: settlement.polcy: unknown key; did you mean policy?"),
        ("2025-11-01", '"2025-11-01"', ":6: valid_from: '2025-11-01' won't do; write a date"),
        ("valid_to = 2026", "valid_to = 2025", "valid_to must be after valid_from"),
        ('id = "sample"\n', "", ":1: id: missing; write this key"),
        ("format = 1", "format = 2", ":1: format: 2 is unknown; write 1"),
        ("[base]", "[base", "mend the TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = write(tmp_path, TARIFF.replace(old, new, 1))
    with pytest.raises(TariffError) as caught:
        load_tariff(path)
    assert str(caught.value).startswith(f"{path}:")
    assert complaint in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TariffError, match=r"tariff\.toml: no such file"):
        load_tariff(tmp_path / "tariff.toml")
