"""`nuan firmware`: keys, bundles and key changes as files."""

import stat
from pathlib import Path

import pytest
from field_lines import Nuan

from nuan_emulator.firmware_image import vm_image
from nuan_protocols.bundle import HEAD_BYTES, IMAGE, Head
from nuan_protocols.key_change import KeyChange
from nuan_protocols.sealed import payload
from nuan_tools.firmware.keys import SigningKey, read_key, read_modulus


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from nuan_tools.firmware.keys import make_key

    folder = tmp_path_factory.mktemp("keys")
    for name in ("a.pem", "b.pem"):
        make_key(folder / name, "")
    return folder


def key_of(keys: Path, name: str) -> SigningKey:
    return read_key(keys / name, lambda: "")


def test_a_key_is_for_its_owner_only_and_never_overwritten(
    nuan: Nuan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUAN_KEY_PASSPHRASE", "warm")
    made = nuan("firmware", "keygen", "key.pem", "--passphrase")
    assert made.code == 0
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert read_key(tmp_path / "key.pem", lambda: "").modulus == read_modulus(
        tmp_path / "key.pem.pub"
    )
    monkeypatch.setenv("NUAN_KEY_PASSPHRASE", "cold")
    wrong = nuan("firmware", "build", "x.nuf", "--build", "1", "--key", "key.pem")
    assert (wrong.code, wrong.err) == (2, "nuan: key.pem: the passphrase is wrong\n")
    again = nuan("firmware", "keygen", "key.pem")
    assert (again.code, again.err) == (2, "nuan: key.pem exists; name another file\n")


def test_a_bundle_repeats_to_the_byte_and_is_shown(nuan: Nuan, tmp_path: Path, keys: Path) -> None:
    for name in ("one.nuf", "two.nuf"):
        key = str(keys / "a.pem")
        made = nuan("firmware", "build", name, "--build", "7", "--key", key)
        assert made.code == 0, made.err
    data = (tmp_path / "one.nuf").read_bytes()
    assert data == (tmp_path / "two.nuf").read_bytes()
    modulus = key_of(keys, "a.pem").modulus
    assert payload(memoryview(data), [modulus])[:3] == b"\xd2\xcd\x31"
    shown = nuan("firmware", "show", "one.nuf", "--key", str(keys / "a.pem.pub"))
    assert shown.code == 0
    assert "nuan_firmware/start.mpy" in shown.out
    assert key_of(keys, "a.pem").name.hex() in shown.out
    assert "yes, and checked" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    chinese = nuan("--lang", "zh", "firmware", "show", "one.nuf")
    assert "未验证" in chinese.out


def test_a_line_of_a_panic_leads_to_its_source(nuan: Nuan, keys: Path) -> None:
    assert nuan("firmware", "build", "app", "--build", "7", "--key", str(keys / "a.pem")).code == 0
    found = nuan("firmware", "where", "app", "1003")
    assert found.code == 0
    places = found.out.split()
    for place in places:
        name, line = place.split(":")
        folder = "firmware" if name.startswith("nuan_firmware") else "protocols"
        assert (Path(__file__).resolve().parents[2] / folder / name).is_file()
        assert line == "3"
    assert len(places) == 2
    assert nuan("firmware", "where", "app", "999003").code == 2


@pytest.mark.parametrize("at", [20, 40, 70, 100, 200, HEAD_BYTES + 3, -1])
def test_a_damaged_bundle_is_told_from_a_sound_one(
    nuan: Nuan, tmp_path: Path, keys: Path, at: int
) -> None:
    path = tmp_path / "x.nuf"
    assert (
        nuan("firmware", "build", "x.nuf", "--build", "7", "--key", str(keys / "a.pem")).code == 0
    )
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    shown = nuan("firmware", "show", "x.nuf", "--key", str(keys / "a.pem.pub"))
    assert shown.code in (1, 2)
    assert shown.err.startswith("nuan: x.nuf: ")
    assert not shown.out


def test_a_bundle_of_another_key_fails_the_check(nuan: Nuan, keys: Path) -> None:
    assert (
        nuan("firmware", "build", "x.nuf", "--build", "7", "--key", str(keys / "a.pem")).code == 0
    )
    shown = nuan("firmware", "show", "x.nuf", "--key", str(keys / "b.pem.pub"))
    assert (shown.code, shown.err) == (1, "nuan: x.nuf: signed by another key\n")


def test_a_vm_image_is_bundled_for_its_chip(nuan: Nuan, tmp_path: Path, keys: Path) -> None:
    image = vm_image(b"VfsRom" * 1000, chip=9)
    (tmp_path / "micropython.bin").write_bytes(image)
    common = ("--build", "2", "--key", str(keys / "a.pem"), "--image", "micropython.bin")
    unnamed = nuan("firmware", "build", "vm.nuf", *common)
    assert (unnamed.code, unnamed.err) == (2, "nuan: name MicroPython's version with --version\n")
    made = nuan("firmware", "build", "vm.nuf", *common, "--version", "1.26.0")
    assert made.code == 0, made.err
    data = (tmp_path / "vm.nuf").read_bytes()
    head = Head(data)
    assert (head.kind, head.chip, head.version) == (IMAGE, 9, "1.26.0")
    assert data[head.payload_at :] == image


def test_a_key_change_is_signed_by_the_other_key(nuan: Nuan, tmp_path: Path, keys: Path) -> None:
    new = str(keys / "b.pem.pub")
    common = ("--slot", "1", "--number", "3", "--key", str(keys / "a.pem"))
    made = nuan("firmware", "rotate", "change.nuk", "--new", new, *common)
    assert made.code == 0, made.err
    change = KeyChange((tmp_path / "change.nuk").read_bytes())
    assert (change.slot, change.number) == (1, 3)
    assert change.is_signed_by(key_of(keys, "a.pem").modulus)
    assert change.modulus == key_of(keys, "b.pem").modulus
    same = nuan("firmware", "rotate", "c.nuk", "--new", str(keys / "a.pem.pub"), *common)
    assert same.code == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("build", "x", "--build", "1"), "give either --key PEM or --unsigned"),
        (("build", "x", "--build", "1", "--key", "none.pem"), "none.pem: No such file"),
        (("show", "none.nuf"), "none.nuf: No such file"),
        (("show", "odd"), "odd: no firmware bundle"),
        (("show", "odd", "--key", "odd"), "odd: no public key in PEM"),
        (("build", "x", "--build", "1", "--key", "odd"), "odd: no private key in PEM"),
        (("build", "no/such/x", "--build", "1", "--unsigned"), "no/such/x: No such file"),
    ],
)
def test_what_is_wrong_is_named(
    nuan: Nuan, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    (tmp_path / "odd").write_bytes(bytes(600))
    ran = nuan("firmware", *arguments)
    assert ran.code == 2
    assert ran.err.startswith("nuan: " + problem)
