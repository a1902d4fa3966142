"""Finds or fetches a genuine MicroPython for the PC.

The firmware is tested on a 32-bit build, whose objects are as large as a microcontroller's.
In this order: the program named by NUAN_VM; the machine's own `micropython`; Debian's package,
taken from the machine's own mirror and unpacked into the user's cache without root.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from nuan_tools import apt_sources
from nuan_tools.errors import UserError

VERSION_MIN = (1, 25, 0)
# The release whose micropython package stays at one version and is new enough.
SUITE = "trixie"
PACKAGES = ("micropython", "libc6", "libffi8", "libmbedtls21", "libmbedcrypto16", "libmbedx509-7")
# The 32-bit sister first: its object sizes are a microcontroller's.
ARCHITECTURES = {
    "x86_64": ("i386", "amd64"),
    "i686": ("i386",),
    "aarch64": ("armhf", "arm64"),
    "armv7l": ("armhf",),
}
PROBE_SECONDS_MAX = 20
APT_SECONDS_MAX = 300
_PROBE = "import sys;print('.'.join(map(str, sys.implementation[1][:3])), sys.maxsize)"


class VmInfo(NamedTuple):
    """What a MicroPython program says of itself; `bits` is the size of its small machine word."""

    path: Path
    version: tuple[int, ...]
    bits: int


def vm_path() -> Path:
    """A MicroPython of version 1.25 or newer, 32-bit where possible; fetched when missing."""
    named = os.environ.get("NUAN_VM")
    if named:
        return _named(Path(named)).path
    own = _machine_own()
    if own is not None and own.bits == 32:
        return own.path
    reasons: list[str] = []
    for architecture in ARCHITECTURES.get(platform.machine(), ()):
        if own is not None and architecture in {"amd64", "arm64"}:
            break
        try:
            return _fetched(architecture)
        except UserError as error:
            reasons.append(str(error))
    if own is not None:
        return own.path
    detail = reasons[0] if reasons else f"no build for {platform.machine()}"
    raise UserError(
        f"MicroPython 1.25 or newer is missing and can't be fetched: {detail}. "
        "Go online, or set NUAN_VM to a micropython program."
    )


def vm_version(path: Path) -> str:
    """The version a MicroPython program reports, "1.25.0"."""
    info = probe(path)
    if info is None:
        raise UserError(f"{path}: doesn't run as MicroPython")
    return ".".join(map(str, info.version))


def probe(path: Path) -> VmInfo | None:
    """Asks a program for its version and word size; None when it isn't a running MicroPython."""
    try:
        answer = subprocess.run(
            [str(path), "-c", _PROBE],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS_MAX,
        )
        version, maxsize = answer.stdout.split()
        numbers = tuple(int(part) for part in version.split("."))
        return VmInfo(path, numbers, int(maxsize).bit_length() + 1)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def cache_folder() -> Path:
    """Where fetched programs live: outside the repository, per user."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nuan" / "vm"


def _named(path: Path) -> VmInfo:
    info = probe(path)
    if info is None or info.version < VERSION_MIN:
        raise UserError(f"NUAN_VM={path}: not a MicroPython of version 1.25 or newer")
    return info


def _machine_own() -> VmInfo | None:
    found = shutil.which("micropython")
    info = probe(Path(found)) if found else None
    return info if info is not None and info.version >= VERSION_MIN else None


def _fetched(architecture: str) -> Path:
    cache = cache_folder()
    cached = _cached(cache, architecture)
    if cached is not None:
        return cached
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{cache}: can't be made ({error.strerror})") from error
    with _locked(cache / "lock"):
        # Another process may have fetched it while this one waited.
        return _cached(cache, architecture) or _fetch(cache, architecture)


def _cached(cache: Path, architecture: str) -> Path | None:
    for program in sorted(cache.glob(f"*-{architecture}/micropython"), reverse=True):
        info = probe(program)
        if info is not None and info.version >= VERSION_MIN:
            return program
    return None


@contextmanager
def _locked(path: Path) -> Generator[None]:
    import fcntl

    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(cache: Path, architecture: str) -> Path:
    for tool in ("apt-get", "apt-config", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise UserError(f"this machine has no {tool}")
    mirrors = apt_sources.debian_mirrors(apt_sources.read_sources(), apt_sources.codename())
    if not mirrors:
        raise UserError("this machine's apt sources name no Debian mirror")
    print(f"fetching MicroPython ({SUITE}, {architecture})", file=sys.stderr)  # noqa: T201  # progress of a slow step
    for left_over in cache.glob("fetch-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache) as name:
        work = Path(name)
        packages = _download(work, mirrors, architecture)
        root = work / "vm" / "root"
        root.mkdir(parents=True)
        for package in packages:
            _run(["dpkg-deb", "-x", str(package), str(root)], work)
        version = next(p.name for p in packages if p.name.startswith("micropython_")).split("_")[1]
        target = cache / f"{version.partition('+')[0]}-{architecture}"
        program = _write_wrapper(work / "vm", target)
        if target.exists():
            # A damaged earlier copy: it didn't answer, or it would have been used.
            shutil.rmtree(target)
        program.parent.rename(target)
    info = probe(target / "micropython")
    if info is None or info.version < VERSION_MIN:
        raise UserError(f"the {architecture} build of MicroPython doesn't run on this machine")
    return info.path


def _download(work: Path, mirrors: list[apt_sources.AptSource], architecture: str) -> list[Path]:
    for folder in ("lists/partial", "cache/archives/partial", "sources.d", "debs"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    text = "\n".join(apt_sources.stanza(mirror, SUITE, architecture) for mirror in mirrors[:1])
    (work / "sources.d" / "nuan.sources").write_text(text, encoding="utf-8")
    (work / "apt.conf").write_text(_apt_settings(work, architecture), encoding="utf-8")
    _run(["apt-get", "-qq", "update"], work)
    names = [f"{name}:{architecture}" for name in PACKAGES]
    _run(["apt-get", "-qq", "download", *names], work / "debs")
    return sorted((work / "debs").glob("*.deb"))


def _apt_settings(work: Path, architecture: str) -> str:
    """An apt configuration that touches only `work`; proxies and certificates are the machine's."""
    dump = _run(["apt-config", "dump"], work, own_settings=False)
    lines = [line for line in dump.splitlines() if line.startswith("Acquire::")]
    settings = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": f"{work}/sources.d",
        "Dir::State": str(work),
        "Dir::State::lists": f"{work}/lists",
        "Dir::State::status": f"{work}/status",
        "Dir::Cache": f"{work}/cache",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        # Without it an update that reached no mirror counts as success.
        "APT::Update::Error-Mode": "any",
    }
    lines += [f'{name} "{value}";' for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def _run(command: list[str], folder: Path, *, own_settings: bool = True) -> str:
    environment = dict(os.environ, LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive")
    if own_settings:
        root = folder if (folder / "apt.conf").exists() else folder.parent
        environment["APT_CONFIG"] = str(root / "apt.conf")
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=APT_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{shlex.join(command[:3])} took over {APT_SECONDS_MAX} s") from error
    if done.returncode != 0:
        lines = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()
        reason = next((line for line in lines if line.startswith("E:")), lines[-1])
        raise UserError(f"{shlex.join(command[:3])}: {reason}")
    return done.stdout


def _write_wrapper(folder: Path, target: Path) -> Path:
    """A script that starts the unpacked program with its own loader and libraries."""
    loaders = sorted((folder / "root" / "usr" / "lib").glob("*-linux-gnu*/ld-linux*.so.*"))
    if not loaders:
        raise UserError("the downloaded libc6 holds no loader")
    loader = target / loaders[0].relative_to(folder)
    binary = target / "root" / "usr" / "bin" / "micropython"
    parts = ["exec", str(loader), "--library-path", str(loader.parent), str(binary)]
    script = folder / "micropython"
    script.write_text(f'#!/bin/sh\n{shlex.join(parts)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script
