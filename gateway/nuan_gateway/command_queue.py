"""Commands for nodes, queued by people and by the gateway itself; raises CommandError."""

import hashlib
import json
from datetime import datetime

from sqlalchemy import Connection

from nuan_gateway.errors import GatewayError
from nuan_gateway.node_config import node_config
from nuan_gateway.plain_text import plain
from nuan_gateway.site import Node, Site
from nuan_gateway.store import commands
from nuan_protocols.ca_change import DOCUMENT_BYTES_MAX
from nuan_protocols.ca_change import MAGIC as CA_MAGIC
from nuan_protocols.errors import UplinkError
from nuan_protocols.key_change import MAGIC as KEY_MAGIC
from nuan_protocols.uplink import command as wire

CONFIG_BYTES_MAX = 32_768
BUNDLE_BYTES_MAX = 4 << 20
DAY_MS = 86_400_000
EXPIRES_MS = 7 * DAY_MS
READ_EXPIRES_MS = DAY_MS
_DOCUMENTS = {KEY_MAGIC: wire.KIND_KEY, CA_MAGIC: wire.KIND_AUTHORITY}


class CommandError(GatewayError):
    """A command that no node would carry out."""


class Orders:
    """Queues the commands of one person, in one transaction."""

    def __init__(self, connection: Connection, site: Site, who: str, now_ms: int) -> None:
        self._connection = connection
        self.site = site
        self._who = who
        self.now_ms = now_ms

    def config(self, node: str) -> int:
        """Transfer the site's configuration, on trial; an older one that waits is taken back."""
        version, content = configuration(self.site, node)
        digest = hashlib.sha256(content).hexdigest()
        for other in commands.open_commands(self._connection):
            if other.node != node or other.version is None or other.state == commands.TRIAL:
                continue
            if other.file == digest:
                return other.id
            result = f"superseded by version {version}"
            commands.change(
                self._connection,
                other.id,
                state=commands.EXPIRED,
                ended_at=self.now_ms,
                result=result,
            )
        return self._transfer(
            node, wire.KIND_CONFIG, content, f"configuration {version}", version=version
        )

    def update(self, node: str, content: bytes, name: str, *, image: bool = False) -> int:
        """Transfer a firmware bundle, or an image of the interpreter itself."""
        self._board(node)
        if not 0 < len(content) <= BUNDLE_BYTES_MAX:
            raise CommandError(f"{name}: {len(content)} bytes are no firmware")
        kind = wire.KIND_IMAGE if image else wire.KIND_BUNDLE
        return self._transfer(node, kind, content, f"update {name}")

    def rotate(self, node: str, content: bytes, name: str) -> int:
        """Transfer a signed document: another update key, or another authority for TLS."""
        self._board(node)
        kind = _DOCUMENTS.get(content[:4])
        if kind is None or len(content) > DOCUMENT_BYTES_MAX:
            raise CommandError(f"{name}: no document of `nuan firmware rotate` or `rotate-ca`")
        return self._transfer(node, kind, content, f"rotate {name}")

    def read(self, node: str, slots: list[int]) -> int:
        """Read meters now, out of their turn."""
        self._board(node)
        known = {meter.slot for meter in self.site.meters_of(node)}
        for slot in slots:
            if slot not in known:
                listed = ", ".join(str(each) for each in sorted(known))
                raise CommandError(f"node {node} has no meter in slot {slot}; its slots: {listed}")
        what = "read " + ", ".join(str(slot) for slot in slots)
        expires = self.now_ms + READ_EXPIRES_MS
        return self._add(node, wire.READ, _built(wire.read_payload, slots), what, expires)

    def setpoint(
        self, node: str, zone: int, setpoint_dc: int, until: datetime | None, why: str
    ) -> int:
        """Override a zone's setting (tenths of a degree, 0: off but for frost) until an instant
        with a time zone; None ends what holds."""
        self._board(node)
        known = [each.zone for each in self.site.zones if each.node == node]
        if zone not in known:
            listed = ", ".join(str(each) for each in sorted(known)) or "none"
            raise CommandError(f"node {node} has no zone {zone}; its zones: {listed}")
        until_s = int(until.timestamp()) if until else 0
        if until and until_s * 1000 <= self.now_ms:
            raise CommandError(f"{until:%Y-%m-%d %H:%M} is over already")
        # A node journals both, and shows them on its console.
        who, why = plain(self._who), plain(why)
        payload = _built(wire.setpoint_payload, zone, setpoint_dc, until_s, who, why)
        what = f"zone {zone}: end of the override, {why}"
        if until:
            setting = f"{setpoint_dc / 10:.1f} °C" if setpoint_dc else "off"
            what = f"zone {zone}: {setting} until {until:%Y-%m-%d %H:%M}, {why}"
        return self._add(node, wire.SETPOINT, payload, what, until_s * 1000)

    def again(self, node: str, seq: int) -> int:
        """Have the journal sent once more from this number on."""
        self._board(node)
        payload = _built(wire.number_payload, seq)
        return self._add(node, wire.AGAIN, payload, f"send again from {seq}")

    def time(self, node: str) -> int:
        """Tell the time; which, is known when the command is sent."""
        self._board(node)
        return self._add(node, wire.TIME, b"", "time")

    def _transfer(
        self, node: str, kind: int, content: bytes, what: str, *, version: int | None = None
    ) -> int:
        payload = wire.begin_payload(kind, len(content), hashlib.sha256(content).digest())
        return commands.add(
            self._connection,
            node,
            wire.BEGIN,
            payload,
            who=self._who,
            what=what,
            now_ms=self.now_ms,
            expires_ms=self.now_ms + EXPIRES_MS,
            content=content,
            version=version,
        )

    def _add(
        self, node: str, code: int, payload: bytes, what: str, expires_ms: int | None = None
    ) -> int:
        return commands.add(
            self._connection,
            node,
            code,
            payload,
            who=self._who,
            what=what,
            now_ms=self.now_ms,
            expires_ms=expires_ms or self.now_ms + EXPIRES_MS,
        )

    def _board(self, node: str) -> Node:
        return board(self.site, node)


def board(site: Site, node: str) -> Node:
    """A board of the site. Raises CommandError with those there are."""
    found = next((each for each in site.boards if each.id == node), None)
    if found is None:
        known = ", ".join(each.id for each in site.boards) or "none"
        raise CommandError(f"the site has no board {node}; its boards: {known}")
    return found


def configuration(site: Site, node: str) -> tuple[int, bytes]:
    """(version, bytes) of a board's configuration as it is transferred."""
    version = board(site, node).config_version
    document = node_config(site, node)
    content = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    encoded = content.encode()
    if len(encoded) > CONFIG_BYTES_MAX:
        raise CommandError(
            f"node {node}: its configuration has {len(encoded)} bytes, "
            f"a node takes {CONFIG_BYTES_MAX}; give some of its meters to another node"
        )
    return version, encoded


def _built(build: object, *values: object) -> bytes:
    try:
        return build(*values)  # type: ignore[operator,no-any-return]
    except UplinkError as error:
        raise CommandError(error.reason) from None
