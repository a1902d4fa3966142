"""`nuan read` and `nuan emulate` from the outside: one meter, everything it says, and mistakes."""

import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from field_lines import FAST, NUAN, Nuan, connects, emulated

from nuan_tools.errors import UserError
from nuan_tools.field.line import connect_to
from nuan_tools.field.session import Session, Wish

QUICK = (*FAST, "--baud", "38400")
SITE = """\
format = 1
[site]
id = "yard"
name = "Yard"
[season]
name = "2026"
start = 2026-11-01
end = 2027-04-01
[tariff]
file = "tariff.toml"
[[node]]
id = "1a2b3c4d5e6f7081"
kind = "gateway"
config_version = 1
[[node.bus]]
name = "riser"
protocol = "cjt188"
connect = "CONNECT"
baud = 2400
parity = "E"
timeout_ms = 800
[[meter]]
serial = "12345678901234"
model = "cjt188_danfoss"
node = "1a2b3c4d5e6f7081"
bus = "riser"
slot = 1
address = "12345678901234"
every_s = 3600
"""


def test_an_mbus_meter_is_read_whole(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    done = nuan("read", tcp_lines["mbus"], "--protocol", "mbus", "--address", "8", *QUICK)
    assert done.code == 0
    assert "ITW" in done.out
    assert "flow temperature" in done.out
    assert done.widest() <= 80
    whole = nuan(
        *("read", tcp_lines["mbus"], "--protocol", "mbus", "--address", "8", *QUICK),
        *("--all-telegrams", "--json"),
    )
    assert len(whole.json()["telegrams"]) == 2
    assert whole.json()["model"] == "mbus_heat"


def test_a_meter_is_read_by_its_secondary_address(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    where = ("--protocol", "mbus", "--address", "6512347832a70404")
    done = nuan("read", tcp_lines["mbus"], *where, *QUICK, "--json")
    assert done.json()["maker"] == "LUG"


def test_a_dialect_comes_with_its_reason(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    where = ("--protocol", "cjt188", "--address", "12345678901234")
    done = nuan("read", tcp_lines["cjt188"], *where, *QUICK)
    assert "dialect high_first, " in done.out
    assert "flow x difference" in " ".join(done.out.split())
    given = nuan(
        "read", tcp_lines["cjt188"], *where, *QUICK, "--model", "cjt188_huizhong", "--json"
    )
    assert (given.json()["model"], given.json()["dialect"]) == ("cjt188_huizhong", "high_first")


def test_chinese_says_why_too(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    where = ("--protocol", "cjt188", "--address", "12345678901234", "--lang", "zh")
    done = nuan("read", tcp_lines["cjt188"], *where, *QUICK)
    assert "流量×温差×1.163" in done.out
    assert "热量" in done.out
    assert done.widest() <= 80


def test_both_editions_of_dlt645(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    for address, model in (("260351050020", "dlt645_2007"), ("010003635927", "dlt645_1997")):
        where = ("--protocol", "dlt645", "--address", address)
        done = nuan("read", tcp_lines["dlt645"], *where, *QUICK, "--json")
        assert done.json()["model"] == model


def test_every_byte_is_named_on_demand(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    where = ("--protocol", "modbus", "--address", "3", "--model", "dtsu666", "--raw")
    done = nuan("read", tcp_lines["modbus-tcp"], *where, *FAST)
    assert "voltage:l1" in done.out
    assert "asked: 03 03" in done.out
    assert done.widest() <= 80


def test_a_site_file_says_everything(nuan: Nuan, tcp_lines: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    (tmp_path / "tariff.toml").touch()
    path.write_text(SITE.replace("CONNECT", tcp_lines["cjt188"]), "utf-8")
    done = nuan("read", "--site", str(path), "12345678901234", *FAST, "--json")
    assert done.json()["model"] == "cjt188_danfoss"
    plugged = nuan("read", "--site", str(path), "12345678901234", "tcp://127.0.0.1:1", *FAST)
    assert "tcp://127.0.0.1:1: connection refused" in plugged.err
    unknown = nuan("read", "--site", str(path), "1234", *FAST)
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)
    assert "it has 12345678901234" in unknown.err


def test_silence_is_one_line_and_exit_code_1(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    done = nuan("read", tcp_lines["mbus"], "--protocol", "mbus", "--address", "77", *QUICK)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "doesn't answer" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/dev/nuan-none", "--protocol", "mbus", "--address", "1"], "no such device"),
        (["/dev/null", "--protocol", "mbus", "--address", "1"], "is no serial port"),
        (["tcp://127.0.0.1:1", "--protocol", "mbus", "--address", "1"], "connection refused"),
        (["basement", "--protocol", "mbus", "--address", "1"], "leads nowhere"),
        (["/dev/nuan-none", "--protocol", "mbus", "--address", "251"], "write 0 to 250"),
        (["/dev/nuan-none", "--protocol", "cjt188", "--address", "12"], "14 hex digits"),
        (["/dev/nuan-none", "--address", "12"], "--protocol"),
        (["/dev/nuan-none", "--model", "mbux_heat", "--address", "1"], "is unknown"),
        (["/dev/nuan-none", "--protocol", "mbus", "--address", "1", "--baud", "7"], "--baud 7"),
        (["/dev/nuan-none", "--protocol", "mbus", "--address", "1", "--key", "00"], "16 bytes"),
        (
            ["/dev/nuan-none", "--protocol", "cjt188", "--address", "1", "--dialect", "x"],
            "--dialect x",
        ),
    ],
)
def test_mistakes_are_one_line(nuan: Nuan, arguments: list[str], words: str) -> None:
    done = nuan("read", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


def test_a_port_of_others_is_told(nuan: Nuan, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    # Root, who runs tests in containers, is refused nothing.
    monkeypatch.setattr("serial.serialposix.os.open", refuse)
    done = nuan("read", "/dev/ttyUSB0", "--protocol", "mbus", "--address", "1")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "permission denied; add your user to the group dialout" in done.err


def test_a_stopped_scan_goes_on_where_it_was(nuan: Nuan, tmp_path: Path) -> None:
    path = tmp_path / "scan.json"
    with emulated("--tcp", "--line", "mbus") as lines:
        where = (connects(lines)["mbus"], "--protocol", "mbus", "--to", "32", *QUICK)
        command = [*NUAN, "scan", *where, "--resume", str(path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "M-Bus  5" in line:
                    process.send_signal(signal.SIGINT)
                    break
            said = process.stderr.read()
            assert process.wait(20) == 130
        assert "go on with: nuan scan" in said
        kept = json.loads(path.read_text("utf-8"))
        assert 5 <= len(kept["found"]) < 10
        assert kept["states"]["mbus"]["address"] < 30
        other = nuan("scan", *where, "--secondary", "--resume", str(path))
        assert (other.code, "secondary" in other.err) == (2, True)
        done = nuan("scan", *where, "--resume", str(path), "--json")
    assert len(done.json()["meters"]) == 10
    assert not path.exists()


def test_a_file_that_is_no_scan_is_refused(tmp_path: Path) -> None:
    session = Session(Wish(connect_to("/dev/ttyUSB0"), ("mbus",)))
    for text in ("", "{}", "[1]", '{"format": "nuan scan 2"}'):
        path = tmp_path / "x.json"
        path.write_text(text, "utf-8")
        with pytest.raises(UserError, match="no unfinished scan"):
            session.load(path)


def test_emulate_tells_people_what_to_type() -> None:
    command = [*NUAN, "emulate", "--line", "cjt188"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(7)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "nuan scan /dev/pts/" in "".join(lines)


@pytest.mark.parametrize("faults", ["silence=2", "silense=0.1", "echo=1", "x"])
def test_unknown_faults_are_refused(nuan: Nuan, faults: str) -> None:
    done = nuan("emulate", "--faults", faults)
    assert (done.code, done.err.count("\n")) == (2, 1)
