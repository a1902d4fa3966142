"""Reads this machine's own apt sources, so that no mirror is ever written into the repository.

Both formats are understood: deb822 stanzas (`*.sources`) and one-line entries (`*.list`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ETC_APT = Path("/etc/apt")
# A machine may follow Debian by codename or by one of the moving names.
MOVING_SUITES = ("stable", "oldstable", "testing", "unstable", "sid")
# Options that decide whether apt trusts a mirror; they travel with it.
TRUST_OPTIONS = ("signed-by", "trusted", "check-valid-until", "allow-insecure")

_ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)$"
)


class AptSource(NamedTuple):
    """One (URI, suites, components) with the trust options, names in lower case."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: dict[str, str]


def read_sources(etc: Path = ETC_APT) -> list[AptSource]:
    """Every enabled binary source under `etc`, in the order of their file names."""
    parts = etc / "sources.list.d"
    sources = list(_one_line_sources(etc / "sources.list"))
    for path in sorted(parts.glob("*")) if parts.is_dir() else []:
        if path.suffix == ".list":
            sources += _one_line_sources(path)
        elif path.suffix == ".sources":
            sources += _deb822_sources(path)
    return sources


def debian_mirrors(sources: list[AptSource], codename: str) -> list[AptSource]:
    """The sources that serve Debian proper: this release's own suite with component main."""
    return [
        source
        for source in sources
        if "main" in source.components
        and not source.uri.startswith("cdrom:")
        and any(suite == codename or suite in MOVING_SUITES for suite in source.suites)
    ]


def codename(os_release: Path = Path("/etc/os-release")) -> str:
    """The release's codename ("bookworm"), or "" on a system that gives none."""
    try:
        lines = os_release.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip("\"' ")
    return ""


def stanza(source: AptSource, suite: str, architecture: str) -> str:
    """A deb822 stanza that asks the same mirror for another suite and architecture."""
    lines = [
        "Types: deb",
        f"URIs: {source.uri}",
        f"Suites: {suite}",
        "Components: main",
        f"Architectures: {architecture}",
    ]
    lines += [f"{name.title()}: {value}" for name, value in source.options.items()]
    return "\n".join(lines) + "\n"


def _one_line_sources(path: Path) -> Iterator[AptSource]:
    for line in _lines(path):
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        options: dict[str, str] = {}
        for pair in (match["options"] or "").split():
            name, _, value = pair.partition("=")
            options[name.lower()] = value
        yield AptSource(
            match["uri"],
            (match["suite"],),
            tuple(match["components"].split()),
            _trust(options),
        )


def _deb822_sources(path: Path) -> Iterator[AptSource]:
    for fields in _stanzas(_lines(path)):
        if fields.get("enabled", "yes").strip().lower() in {"no", "false", "0", "off"}:
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield AptSource(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                _trust(fields),
            )


def _stanzas(lines: list[str]) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    name = ""
    for line in [*lines, ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t" and name:
            # Continuation lines are kept as they are: Signed-By may hold a whole key.
            fields[name] += "\n" + line
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def _trust(options: dict[str, str]) -> dict[str, str]:
    return {name: options[name] for name in TRUST_OPTIONS if name in options}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
