"""`nuan node`: commands are queued in a gateway's database, and what became of them is shown."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from sqlalchemy import insert

from nuan_gateway.store import commands
from nuan_gateway.store.commands import NodeState
from nuan_gateway.store.engine import DATABASE_NAME, begin_write, open_database
from nuan_gateway.store.schema import entry
from nuan_protocols.uplink import command as wire
from nuan_tools import cli, i18n
from nuan_tools.firmware.build import make_app
from nuan_tools.season.sample import sample_site, sample_text

Nuan = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gateway's folder with the sample site and a database."""
    (tmp_path / "site.toml").write_text(sample_site(9), "utf-8")
    (tmp_path / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
    (tmp_path / "keys.toml").write_text(f'"6e75616e00000001" = "{bytes(32).hex()}"\n')
    (tmp_path / "gateway.toml").write_text(
        'format = 1\ndata_dir = "."\nsite = "site.toml"\nkeys = "keys.toml"\n'
    )
    open_database(tmp_path / DATABASE_NAME).dispose()
    return tmp_path


@pytest.fixture
def nuan(folder: Path, capsys: pytest.CaptureFixture[str]) -> Nuan:
    """Runs `nuan node ...` on the folder: exit code, and what was said."""

    def run(*arguments: str, lang: str = "en") -> tuple[int, str]:
        code = cli.run(["--lang", lang, "node", *arguments, "--gateway", str(folder)])
        i18n.use("en")
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def rows(folder: Path) -> list[commands.StoredCommand]:
    engine = open_database(folder / DATABASE_NAME)
    with engine.connect() as connection:
        found = commands.latest(connection, 100)
    engine.dispose()
    return found


def change(folder: Path, number: int, **values: object) -> None:
    engine = open_database(folder / DATABASE_NAME)
    with begin_write(engine) as connection:
        commands.change(connection, number, **values)
    engine.dispose()


def test_every_command_is_queued_with_who_asked(folder: Path, nuan: Nuan) -> None:
    bundle = folder / "nuan-0.2.bundle"
    bundle.write_bytes(make_app(2, None, "0.2"))
    for arguments in (
        ("config", "6e75"),
        ("read", "0001", "--slot", "1", "--slot", "3"),
        ("setpoint", "0001", "1", "19.5", "--until", "2099-01-01T18:00", "--why", "ill"),
        ("setpoint", "0001", "1", "off", "--until", "23:59", "--why", "away"),
        ("end-override", "0001", "1", "--why", "well again"),
        ("update", "0001", str(bundle)),
        ("resend", "0001", "--from", "7"),
        ("time", "0001"),
    ):
        code, said = nuan(*arguments, "--who", "李四")
        assert (code, said[:10]) == (0, "Queued for"), said
    found = rows(folder)[::-1]
    assert [each.code for each in found] == [
        *(wire.BEGIN, wire.READ, wire.SETPOINT, wire.SETPOINT, wire.SETPOINT),
        *(wire.BEGIN, wire.AGAIN, wire.TIME),
    ]
    assert {each.who for each in found} == {"李四"}
    assert wire.parse_read(found[1].payload) == [1, 3]
    # Six in the evening at the building.
    until = 4_070_944_800
    assert wire.parse_setpoint(found[2].payload) == (1, 195, until, "李四", "ill")
    assert wire.parse_setpoint(found[3].payload)[:2] == (1, 0)
    assert wire.parse_setpoint(found[4].payload)[2] == 0
    assert wire.parse_begin(found[5].payload)[:2] == (wire.KIND_BUNDLE, bundle.stat().st_size)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("time", "ff"), "no node is ff; the site has 6e75616e00000001"),
        (("read", "01", "--slot", "999"), "has no meter in slot 999; its slots: 1, 2, 3"),
        (("setpoint", "01", "1", "19.55", "--until", "18:00", "--why", "x"), "from 5 to 35"),
        (("setpoint", "01", "1", "nan", "--until", "18:00", "--why", "x"), "from 5 to 35"),
        (("setpoint", "01", "1", "19", "--until", "soon", "--why", "x"), "write 2026-11-21T18:00"),
        (("setpoint", "01", "1", "19", "--until", "2020-01-01T18:00", "--why", "x"), "is over"),
        (("setpoint", "01", "77", "19", "--until", "18:00", "--why", "x"), "has no zone 77"),
        (("setpoint", "01", "1", "19", "--until", "18:00", "--why", "x" * 121), "1 to 120 bytes"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_queued(
    folder: Path, nuan: Nuan, arguments: tuple[str, ...], why: str
) -> None:
    code, said = nuan(*arguments)
    assert code == 2
    assert why in " ".join(said.split())
    assert rows(folder) == []


def test_waiting_shows_the_way_and_ends_with_the_outcome(folder: Path, nuan: Nuan) -> None:
    outcomes = ((commands.DONE, "3 read", 0), (commands.REFUSED, "there is no meter in slot 3", 1))
    for state, result, code in outcomes:
        number = len(rows(folder)) + 1

        def node_does(number: int = number, state: str = state, result: str = result) -> None:
            while len(rows(folder)) < number:
                time.sleep(0.02)
            change(folder, number, state=commands.SENT)
            time.sleep(0.5)
            change(folder, number, state=state, result=result)

        node = threading.Thread(target=node_does)
        node.start()
        done, said = nuan("read", "0001", "--slot", "3", "--wait")
        node.join()
        assert done == code
        assert f"sent\n{state}: {result}" in said


def test_lists_keep_to_80_columns_in_both_languages(folder: Path, nuan: Nuan) -> None:
    nuan("read", "01", "--slot", "1", "--who", "somebody with a long name")
    nuan("config", "01", "--who", "张三")
    change(folder, 1, state=commands.FAILED, result="0 read, no good answer from slot 1")
    engine = open_database(folder / DATABASE_NAME)
    with begin_write(engine) as connection:
        state = NodeState(
            "6e75616e00000001", "e0" * 8, "a0" * 8, "0.2.0", 4, 1, 9, 1_793_500_800_000
        )
        commands.save_state(connection, state)
    engine.dispose()
    for lang, words in (("en", ("failed", "0.2.0", "4 (")), ("zh", ("失败", "槽位 1", "固件"))):
        said = nuan("list", lang=lang)[1] + nuan("log", lang=lang)[1]
        assert max(cell_len(line) for line in said.splitlines()) <= 80
        assert all(word in said for word in words), said


def test_what_a_node_says_is_no_markup_and_moves_no_cursor(folder: Path, nuan: Nuan) -> None:
    hostile = "a[/]b[red]c\x1b]52;c;cm0=\x07d\x9b2Je\rf"
    nuan("read", "01", "--slot", "1", "--who", "x[/y]")
    change(folder, 1, state=commands.FAILED, result=hostile)
    engine = open_database(folder / DATABASE_NAME)
    with begin_write(engine) as connection:
        place = ("6e75616e00000001", "e0" * 8, "a0" * 8)
        commands.save_state(connection, NodeState(*place, hostile, 4, 1, 9, 1_793_500_800_000))
        event = b"\x01\x02" + bytes(25) + b"\x04" + hostile.encode()
        row = {"node": place[0], "epoch": place[1], "seq": 1, "kind": 2, "raw": event}
        row |= {"time": 1_793_500_800, "clock": 2, "digest": bytes(32), "received_at": 0}
        connection.execute(insert(entry), [row])
    engine.dispose()
    for command in ("list", "log", "events"):
        code, said = nuan(command)
        assert code == 0
        assert not {"\x1b", "\x07", "\x9b", "\r"} & set(said)
        assert "a[/]b[red]c" in said.replace("\n", "").replace(" ", "")


def test_a_node_without_a_key_is_listed_as_such(folder: Path, nuan: Nuan) -> None:
    (folder / "keys.toml").write_text("")
    assert "no key yet" in nuan("list")[1]
    assert "尚无密钥" in nuan("list", lang="zh")[1]
    assert json.loads(nuan("list", "--json")[1])["nodes"][0]["has_key"] is False


def test_programs_get_json(folder: Path, nuan: Nuan) -> None:
    nuan("time", "01")
    listed = json.loads(nuan("list", "--json")[1])["nodes"]
    assert [(each["node"], each["firmware"], each["waiting"]) for each in listed] == [
        ("6e75616e00000001", None, 1)
    ]
    logged = json.loads(nuan("log", "01", "--json", "--count", "5")[1])["commands"]
    assert [(each["what"], each["state"]) for each in logged] == [("time", "queued")]
