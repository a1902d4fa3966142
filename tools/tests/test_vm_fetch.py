"""Finding a mirror in a machine's own settings, and the program that comes from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from nuan_tools import vm as vm_module
from nuan_tools.apt_sources import codename, debian_mirrors, read_sources, stanza
from nuan_tools.errors import UserError

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://key.example/debian http://second.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""
ONE_LINE = """\
deb-src http://src.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg trusted=yes] http://list.example/debian bookworm main # note
deb http://list.example/other nodistro main
deb cdrom:[Debian]/ bookworm main
"""


def etc(folder: Path) -> Path:
    parts = folder / "sources.list.d"
    parts.mkdir()
    (parts / "debian.sources").write_text(DEB822)
    (parts / "off.list.disabled").write_text(ONE_LINE)
    (folder / "sources.list").write_text(ONE_LINE)
    return folder


def test_debian_mirrors_come_from_both_formats(tmp_path: Path) -> None:
    mirrors = debian_mirrors(read_sources(etc(tmp_path)), "bookworm")
    assert [mirror.uri for mirror in mirrors] == [
        "http://list.example/debian",
        "http://mirror.example/debian",
        "http://key.example/debian",
        "http://second.example/debian",
    ]


def test_a_stanza_keeps_the_mirror_and_its_trust(tmp_path: Path) -> None:
    one_line, deb822, with_key, _ = debian_mirrors(read_sources(etc(tmp_path)), "bookworm")
    text = stanza(one_line, "trixie", "i386")
    assert "URIs: http://list.example/debian\nSuites: trixie\n" in text
    assert "Signed-By: /k.gpg\n" in text
    assert "Trusted: yes\n" in text
    assert "Architectures: i386\n" in text
    assert "debian-archive-keyring.gpg" in stanza(deb822, "trixie", "i386")
    assert "Signed-By: \n -----BEGIN PGP" in stanza(with_key, "trixie", "i386")


def test_a_machine_without_debian_sources_has_no_mirror(tmp_path: Path) -> None:
    assert debian_mirrors(read_sources(tmp_path), "bookworm") == []


def test_the_codename_is_read_from_os_release(tmp_path: Path) -> None:
    file = tmp_path / "os-release"
    file.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    assert codename(file) == "bookworm"
    assert codename(tmp_path / "missing") == ""


def test_the_program_is_a_32_bit_micropython(vm: Path) -> None:
    info = vm_module.probe(vm)
    assert info is not None
    assert info.version >= vm_module.VERSION_MIN
    assert info.bits in {32, 64}
    assert vm_module.vm_version(vm).startswith("1.")


def test_a_named_program_is_used_and_checked(vm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUAN_VM", str(vm))
    assert vm_module.vm_path() == vm
    monkeypatch.setenv("NUAN_VM", sys.executable)
    with pytest.raises(UserError, match="NUAN_VM"):
        vm_module.vm_path()


def fetch_elsewhere(cache: Path, *, path: str = "") -> "subprocess.Popen[str]":
    code = "from nuan_tools.vm import vm_path; print(vm_path())"
    environment = {
        "XDG_CACHE_HOME": str(cache),
        "HOME": str(cache),
        "PATH": path or "/usr/bin:/bin",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_fetch_it_once(tmp_path: Path) -> None:
    fetchers = [fetch_elsewhere(tmp_path) for _ in range(2)]
    results = [fetcher.communicate(timeout=100) for fetcher in fetchers]
    assert [fetcher.returncode for fetcher in fetchers] == [0, 0], results
    assert results[0][0] == results[1][0]
    # One of them did the work, unless the machine has a MicroPython of its own.
    assert sum("fetching" in errors for _, errors in results) <= 1
    assert not list(tmp_path.rglob("fetch-*"))


def test_without_apt_the_error_is_one_line_that_helps(tmp_path: Path) -> None:
    fetcher = fetch_elsewhere(tmp_path, path=str(tmp_path))
    _, errors = fetcher.communicate(timeout=100)
    assert fetcher.returncode == 1
    last = errors.strip().splitlines()[-1]
    assert "no apt-get" in last
    assert "NUAN_VM" in last
