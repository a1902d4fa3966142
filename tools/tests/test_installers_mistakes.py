"""What an installer or operator does wrong is said at his desk, in his language, in one line."""

import os
import pty
import sys
from pathlib import Path

import pytest
from field_lines import Nuan

from nuan_emulator.firmware_image import vm_image
from nuan_gateway.store import commands
from nuan_gateway.store.datings import StoredDating, save
from nuan_gateway.store.engine import DATABASE_NAME, begin_write, open_database
from nuan_gateway.store.exchanges import add
from nuan_tools.firmware.build import make_app, make_image
from nuan_tools.season.sample import sample_site, sample_text

NODE = "6e75616e00000001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gateway's folder with the sample site and a database."""
    (tmp_path / "site.toml").write_text(sample_site(9), "utf-8")
    (tmp_path / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
    (tmp_path / "keys.toml").write_text(f'"{NODE}" = "{bytes(32).hex()}"\n')
    (tmp_path / "gateway.toml").write_text(
        'format = 1\ndata_dir = "."\nsite = "site.toml"\nkeys = "keys.toml"\n'
    )
    open_database(tmp_path / DATABASE_NAME).dispose()
    return tmp_path


def queued(folder: Path) -> list[commands.StoredCommand]:
    engine = open_database(folder / DATABASE_NAME)
    with engine.connect() as connection:
        found = commands.latest(connection, 100)
    engine.dispose()
    return found


def test_a_word_he_typed_is_not_translated(nuan: Nuan) -> None:
    said = nuan("--lang", "zh", "console", "/dev/null", "status")
    assert (said.code, "多余的参数：status" in said.err) == (2, True), said.err


def test_a_tcp_port_without_number_is_told_by_its_form(nuan: Nuan) -> None:
    said = nuan("pull", "tcp://10.1.0.7", "-o", "x.pull")
    assert (said.code, said.err) == (2, "nuan: tcp://10.1.0.7: write tcp://host:port\n")


def test_what_is_no_bundle_or_damaged_is_never_queued(nuan: Nuan, folder: Path) -> None:
    bundle = bytearray(make_app(2, None, "0.2"))
    bundle[-1] ^= 1
    (folder / "damaged.nuf").write_bytes(bundle)
    for name, code, why in (("site.toml", 2, "no firmware bundle"), ("damaged.nuf", 1, "damaged")):
        said = nuan("node", "update", NODE, str(folder / name), "-g", str(folder))
        assert (said.code, why in said.err) == (code, True), said.err
    assert not queued(folder)


def test_an_image_is_sent_as_one_without_a_word(nuan: Nuan, folder: Path) -> None:
    (folder / "vm.bin").write_bytes(vm_image(b"VfsRom" * 1000))
    (folder / "vm-2.nuf").write_bytes(make_image(folder / "vm.bin", 2, None, "1.25"))
    said = nuan("node", "update", NODE, str(folder / "vm-2.nuf"), "-g", str(folder))
    assert said.code == 0, said.err
    assert queued(folder)[0].what == "update vm-2.nuf"


def test_a_replaced_meter_gets_its_day_once_the_boot_is_dated(nuan: Nuan, folder: Path) -> None:
    row = dict.fromkeys(("old_register", "new_register", "seals", "note", "read_of"), "")
    row |= {"old_serial": "12345678", "new_serial": "87654321", "who": "Li Na"}
    place = {"node": NODE, "epoch": "e0" * 8, "seq": 5}
    engine = open_database(folder / DATABASE_NAME)
    with begin_write(engine) as connection:
        times = {"entry_id": 1, "slot": 1, "time": 64, "clock": 0, "read_seq": None}
        add(connection, [row | place | times])
    assert "boot + 64 s" in nuan("gateway", "exchanges", str(folder)).out
    boot_s = 1_793_500_800
    with begin_write(engine) as connection:
        told = (NODE, "e0" * 8, 1, 9, "gateway", boot_s, boot_s, boot_s, 9, 0)
        save(connection, [StoredDating(*told)])
    engine.dispose()
    assert "2026-11-01 10:41" in nuan("gateway", "exchanges", str(folder)).out


def test_passwords_are_asked_for_on_a_terminal_only(nuan: Nuan, folder: Path) -> None:
    said = nuan("provision", "/dev/null", str(folder / "gateway.toml"))
    assert said.code == 2
    assert said.err.splitlines()[-1] == (
        "nuan: password of the Wi-Fi nuan: no terminal to ask on; set NUAN_WIFI_PASSWORD"
    )


def test_ctrl_c_at_a_question_ends_without_a_traceback(folder: Path) -> None:
    """The question of the password, on a terminal of its own."""
    command = [str(Path(sys.executable).with_name("nuan")), "provision", "/dev/null"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], [*command, str(folder / "gateway.toml")])
    said = b""
    while b"password of" not in said:
        said += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130, said
    assert b"Traceback" not in said
