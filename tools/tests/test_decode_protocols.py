"""`nuan decode` tells the protocols apart, and says what is wrong in the right one."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from field_lines import Nuan

from nuan_protocols.mbus.frame import long_frame

# A heat meter with numbers high byte first: 6.48 kW at 0.2726 m3/h and 20.64 K.
CJT188 = (
    "68 20 26 59 04 11 00 68 16 81 2e 90 1f 07 00 12 34 56 05 00 23 45 67 05 00 00 06 48 17"
    "00 00 27 26 35 00 09 87 65 2c 00 55 12 00 34 48 00 43 21 20 26 01 15 08 30 05 00 02 5e 16"
)
# Currents of a three-phase meter, the third not fitted.
DLT645 = "68 34 12 00 11 05 23 68 91 0d 33 32 35 35 67 89 45 38 33 b3 32 32 32 a5 16"
DLT645_1997 = "68 10 32 04 00 00 00 68 81 03 54 f3 74 55 16"


# A maker's that puts a byte before the checksum.
EXTRA_BYTE = (
    "68 55 26 59 04 11 00 68 16 81 2e 90 1f 07 56 34 12 00 05 67 45 23 00 05 48 06 00 00 17"
    "26 27 00 00 35 65 87 09 00 2c 12 55 00 48 34 00 21 43 00 05 30 08 15 01 26 20 00 00 5a eb 16"
)


@pytest.mark.parametrize("wake_up", ["", "FE FE", "FE FE FE FE"])
@pytest.mark.parametrize(
    ("telegram", "protocol", "address", "quantity"),
    [
        (CJT188, "cjt188", "26590411006816", "energy"),
        (DLT645, "dlt645", "230511001234", "current:l1"),
        (DLT645_1997, "dlt645", "000000043210", "error_flags:grid"),
        (EXTRA_BYTE, "cjt188", "16680011045926", "energy"),
    ],
)
def test_a_telegram_says_its_protocol(
    nuan: Nuan, wake_up: str, telegram: str, protocol: str, address: str, quantity: str
) -> None:
    found = nuan("decode", "--json", f"{wake_up} {telegram}").json()
    assert found["protocol"] == protocol
    assert found["header"]["address"] == address
    assert found["records"][0]["quantity"] == quantity


def test_a_dialect_is_found_or_taken(nuan: Nuan) -> None:
    header = nuan("decode", "--json", CJT188).json()["header"]
    assert (header["dialect"], header["state"]) == ("high_first", "confirmed")
    other = nuan("decode", "--json", "--dialect", "standard", CJT188).json()["header"]
    assert (other["dialect"], other["state"]) == ("standard", "contradicted")
    model = nuan("decode", "--json", "--model", "cjt188_danfoss", CJT188).json()["header"]
    assert (model["dialect"], model["model"]) == ("high_first", "cjt188_danfoss")
    assert model["conditions"]


@pytest.mark.parametrize(
    ("telegram", "reason"),
    [
        (CJT188[:-2] + "17", "the last byte is 17 instead of 16"),
        (DLT645[:-2] + "17", "the last byte is 17 instead of 16"),
        (CJT188[:-5] + "00 16", "the checksum is 00"),
        ("FE" + CJT188[:-5] + "00 16", "the checksum is 00"),
        ("FE FE 22", "22h begins no telegram"),
        ("01 03 04 00 00 00 00 00 00", "give --question"),
    ],
)
def test_what_is_wrong_is_said_in_the_right_protocol(
    nuan: Nuan, telegram: str, reason: str
) -> None:
    done = nuan("decode", telegram)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert reason in done.err


def test_a_model_of_another_protocol_is_refused(nuan: Nuan) -> None:
    assert "speaks mbus" in nuan("decode", "--model", "mbus_heat", CJT188).err
    assert "--question" in nuan("decode", "--model", "dtsu666", CJT188).err


def test_every_byte_of_each_protocol_is_named(nuan: Nuan) -> None:
    for telegram in (CJT188, DLT645, DLT645_1997):
        done = nuan("decode", "--bytes", telegram)
        assert done.code == 0
        assert "stop" in done.out
        assert done.widest() <= 80


def test_a_model_says_what_an_mbus_status_byte_means(nuan: Nuan) -> None:
    records = "04 06 b8 8f 08 00"
    body = bytes.fromhex("78563412 2d2c 1b 04 09 04 0000" + records)
    telegram = long_frame(0x08, 1, 0x72, body).hex()
    done = nuan("decode", "--model", "mbus_heat", telegram)
    assert "model mbus_heat: battery low (notice)" in done.out
    chinese = nuan("decode", "--model", "mbus_heat", "--lang", "zh", telegram)
    assert "型号 mbus_heat：" in chinese.out


def test_a_key_that_is_none_is_refused(nuan: Nuan) -> None:
    done = nuan("decode", "--key", "0102", DLT645)
    assert (done.code, "16 bytes" in done.err) == (2, True)


def test_a_key_deciphers_an_mbus_telegram(nuan: Nuan) -> None:
    key = bytes(range(16))
    plain = bytes.fromhex("2f2f 0406 b88f0800 2f2f2f2f2f2f2f2f")
    who = bytes.fromhex("78563412 2d2c 1b 04")
    vector = who[4:6] + who[:4] + who[6:] + bytes([9]) * 8
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    body = who + bytes.fromhex("09 00 1005") + encryptor.update(plain) + encryptor.finalize()
    telegram = long_frame(0x08, 1, 0x72, body).hex()
    done = nuan("decode", "--json", "--key", key.hex(), telegram)
    assert done.json()["records"][-1]["value"] == "561080000"
    wrong = nuan("decode", "--key", "00" * 16, telegram)
    assert (wrong.code, "this isn't its key" in wrong.err) == (2, True)
