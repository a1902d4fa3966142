"""`nuan decode` from the outside: tables for people, JSON for programs, one line for mistakes."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from nuan_protocols.checksum import crc16_modbus, sum8
from nuan_protocols.mbus.header import long_header
from nuan_protocols.modbus.identification import identification_request
from nuan_protocols.modbus.rtu import closed, read_request
from nuan_protocols.modbus.tcp import from_rtu
from nuan_tools import cli, i18n
from nuan_tools.console import out
from nuan_tools.decoding import RECORD_KEYS

ROOM_QUESTION = read_request(1, 4, 1, 2)


def modbus_answer(*head: int) -> bytes:
    body = bytes(head)
    return body + crc16_modbus(body).to_bytes(2, "little")


def mbus_answer(records: str, *, identification: str = "12345678", status: int = 0) -> bytes:
    """A long frame of a heat meter KAM, written out byte for byte here."""
    header = bytes.fromhex(identification)[::-1] + bytes([0x2D, 0x2C, 27, 4, 9, status, 0, 0])
    body = bytes([0x08, 0x01, 0x72]) + header + bytes.fromhex(records)
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum8(body), 0x16])


ROOM_ANSWER = modbus_answer(1, 4, 4, 0, 0xE1, 1, 0xF0)
# Energy 561080 kWh (storage 0), maximum power 24.3 kW, a reserved DIF at the end.
HEAT_ANSWER = mbus_answer("04 06 b8 8f 08 00  12 2c 7e 09  3f 12 34")


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


Decode = Callable[..., Outcome]


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Decode]:
    """Runs `nuan decode` in this process."""

    def run(*arguments: str, given: bytes = b"", language: str = "en") -> Outcome:
        monkeypatch.setenv("LC_ALL", "C")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        # The console remembers the stream of the test before.
        out.cache_clear()
        code = cli.run(["--lang", language, "decode", *arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    yield run
    i18n.use("en")


def test_a_heat_meter_in_json(decode: Decode) -> None:
    done = decode("--json", HEAT_ANSWER.hex())
    assert done.code == 0
    (telegram,) = done.objects()
    assert list(telegram) == ["protocol", "header", "records"]
    assert telegram["protocol"] == "mbus"
    header = telegram["header"]
    assert (header["identification"], header["manufacturer"]) == ("12345678", "KAM")
    assert (header["medium_code"], header["version"], header["access_number"]) == (4, 27, 9)
    energy, power, rest = telegram["records"]
    assert tuple(energy) == RECORD_KEYS
    assert (energy["offset"], energy["raw"]) == (19, "0406b88f0800")
    assert (energy["quantity"], energy["value"], energy["unit"]) == ("energy", "561080000", "Wh")
    assert (power["function"], power["value"], power["unit"]) == ("maximum", "24300", "W")
    assert rest["value"] is None
    assert rest["status"].startswith("unreadable:")
    assert (rest["offset"], rest["raw"]) == (29, "3f1234")


def test_a_heat_meter_for_people(decode: Decode) -> None:
    done = decode(HEAT_ANSWER.hex(" "))
    assert done.code == 0
    assert "M-Bus, address 1, KAM 12345678, heat" in done.out
    assert "561080000  Wh" in done.out
    assert "max." in done.out
    assert "byte 29: unreadable: " in done.out
    assert "3f 12 34" in done.out
    assert max(cell_len(line.rstrip()) for line in done.out.splitlines()) <= 80


def test_a_heat_meter_in_chinese(decode: Decode) -> None:
    done = decode(HEAT_ANSWER.hex(), language="zh")
    assert "M-Bus，地址 1，KAM 12345678，热量" in done.out
    assert "能量" in done.out
    assert "字节 29：无法解读：" in done.out
    # Double-width characters keep the columns in line.
    rows = [line for line in done.out.splitlines() if " Wh " in line or " W " in line]
    assert len({cell_len(row.partition(" W")[0]) for row in rows}) == 1


def test_every_medium_has_a_chinese_name() -> None:
    headers = [long_header(bytes([0] * 7 + [code] + [0] * 8), 0) for code in range(256)]
    i18n.use("zh")
    try:
        assert [each.medium for each in headers if i18n.tr(each.medium[1]) == each.medium[1]] == []
    finally:
        i18n.use("en")


def test_a_modbus_answer_needs_its_question(decode: Decode) -> None:
    alone = decode(ROOM_ANSWER.hex())
    assert alone.code == 2
    assert "telegram 1, byte 0" in alone.err
    assert "--question" in alone.err
    bare = decode("--json", "--question", ROOM_QUESTION.hex(), ROOM_ANSWER.hex())
    records = bare.objects()[0]["records"]
    assert [each["quantity"] for each in records] == ["register:1", "register:2"]
    assert [(each["offset"], each["value"], each["raw"]) for each in records] == [
        (3, "225", "00e1"),
        (5, "496", "01f0"),
    ]


def test_a_modbus_tcp_answer_is_read_as_it_was_on_the_wire(decode: Decode) -> None:
    question, answer = from_rtu(ROOM_QUESTION, 513), from_rtu(ROOM_ANSWER, 513)
    bare = decode("--json", "--question", question.hex(), answer.hex())
    assert bare.code == 0
    (telegram,) = [json.loads(line) for line in bare.out.splitlines()]
    assert [(r["offset"], r["value"]) for r in telegram["records"]] == [(9, "225"), (11, "496")]
    named = decode("--bytes", "--question", question.hex(), answer.hex())
    assert named.code == 0
    assert "transaction" in named.out


def test_a_device_says_who_it_is(decode: Decode) -> None:
    question = identification_request(1)
    answer = closed(bytes.fromhex("012b0e010100000100034e5541"))
    done = decode("--json", "--question", question.hex(), answer.hex())
    assert done.code == 0
    (telegram,) = [json.loads(line) for line in done.out.splitlines()]
    assert [record["text"] for record in telegram["records"]] == ["NUA"]


def test_a_model_gives_modbus_registers_their_meaning(decode: Decode) -> None:
    arguments = ("--question", ROOM_QUESTION.hex(), "--model", "room_rs485", ROOM_ANSWER.hex())
    records = decode("--json", *arguments).objects()[0]["records"]
    assert [(each["quantity"], each["value"], each["unit"]) for each in records] == [
        ("room_temperature", "22.5", "degC"),
        ("relative_humidity", "49.6", "%"),
    ]
    assert "22.5  °C" in decode(*arguments).out


def test_an_exception_answer_is_named(decode: Decode) -> None:
    answer = modbus_answer(1, 0x84, 2)
    done = decode("--question", ROOM_QUESTION.hex(), answer.hex())
    assert done.code == 0
    assert "exception 2: illegal data address" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "no_such"], "known are adw300"),
        (["--model", "mbus_heat"], "no Modbus meter"),
    ],
)
def test_a_wrong_model_is_told(decode: Decode, arguments: list[str], words: str) -> None:
    done = decode("--question", ROOM_QUESTION.hex(), *arguments, ROOM_ANSWER.hex())
    assert done.code == 2
    assert words in done.err


def test_a_wrong_question_is_told_once(decode: Decode) -> None:
    done = decode("--question", "01 0", given=b"e5\ne5\n")
    assert done.code == 2
    assert done.err == (
        "nuan: --question, column 4: an odd number of digits (3); the last byte is half\n"
    )


def test_a_question_that_is_no_request_is_not_blamed_on_the_telegrams(decode: Decode) -> None:
    done = decode("--question", "01 04", given=b"e5\ne5\n")
    assert done.code == 2
    reason = "a request has at least 7 bytes, this one has 2"
    assert done.err == f"nuan: --question, byte 2: {reason}\n"


def test_a_model_without_a_question_is_refused(decode: Decode) -> None:
    done = decode("--model", "dtsu666", HEAT_ANSWER.hex())
    assert done.code == 2
    assert "give the request with --question" in done.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (HEAT_ANSWER * 2, f"byte {len(HEAT_ANSWER)}: the telegram ended before this byte"),
        (HEAT_ANSWER + b"\x16", f"byte {len(HEAT_ANSWER)}: the telegram ended before this byte"),
        (b"\xe5" + HEAT_ANSWER, "byte 1: the telegram ended before this byte"),
        (b"\xe5", "byte 0: an acknowledgement carries no records"),
        (bytes.fromhex("105b015c16"), "byte 0: a master's short frame carries no records"),
    ],
)
def test_what_is_not_one_telegram_says_so(decode: Decode, line: bytes, words: str) -> None:
    done = decode("--json", given=line.hex().encode() + b"\n" + HEAT_ANSWER.hex().encode())
    assert done.code == 2
    assert done.err.startswith(f"nuan: line 1, {words}")
    assert len(done.err.splitlines()) == 1
    assert len(done.objects()) == 1


def test_stdin_goes_on_behind_a_bad_line(decode: Decode) -> None:
    broken = bytearray(HEAT_ANSWER)
    broken[20] ^= 1
    lines = [
        b"# a comment",
        HEAT_ANSWER.hex().encode(),
        b"",
        b"68 0",
        broken.hex().encode(),
        b"\xff\xfe",
        HEAT_ANSWER.hex(":").encode() + b"\r",
    ]
    done = decode("--json", given=b"\n".join(lines))
    assert done.code == 2
    assert len(done.objects()) == 2
    errors = done.err.splitlines()
    assert len(errors) == 3
    assert errors[0].startswith("nuan: line 4, column 4: an odd number of digits")
    assert errors[1].startswith(f"nuan: line 5, byte {len(HEAT_ANSWER) - 2}: ")
    assert errors[2].startswith("nuan: line 6, column 1: ")


def test_a_telegram_may_be_split_by_the_shell(decode: Decode) -> None:
    done = decode("--json", *HEAT_ANSWER.hex(" ").split())
    assert done.code == 0
    assert len(done.objects()) == 1
    assert len(decode("--json", HEAT_ANSWER.hex(), HEAT_ANSWER.hex()).objects()) == 2


def test_every_byte_can_be_named(decode: Decode) -> None:
    for done in (
        decode("--bytes", HEAT_ANSWER.hex()),
        decode("--bytes", "--question", ROOM_QUESTION.hex(), ROOM_ANSWER.hex()),
    ):
        assert done.code == 0
        assert "meaning" in done.out
        assert "00 e1" in done.out or "b8 8f 08 00" in done.out


def test_recorded_telegrams_all_say_something(decode: Decode, shared_data: Path) -> None:
    files = sorted((shared_data / "mbus").glob("*.json"))
    frames = [json.loads(file.read_text())["hex"] for file in files]
    done = decode("--json", given="\n".join(frames).encode())
    assert len(done.objects()) + len(done.err.splitlines()) == len(frames)
    for telegram in done.objects():
        assert all(tuple(record) == RECORD_KEYS for record in telegram["records"])
    assert "Traceback" not in done.err
    people = decode(given="\n".join(frames).encode())
    assert max(cell_len(line.rstrip()) for line in people.out.splitlines()) <= 80
