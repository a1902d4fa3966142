"""gateway.toml: how this gateway runs; keys.toml: the nodes' keys.

Paths in a file are relative to that file's folder, so that a folder can be moved as a whole;
models hold them absolute.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nuan_gateway.errors import SettingsError
from nuan_gateway.toml_source import FilePath, Section, TomlSource, load, read_toml

NODE_KEY_BYTES = 32
_NODE_ID = re.compile(r"[0-9a-f]{16}")


def node_id(text: str) -> str:
    """Check the 16 lower-case hex digits of a node's id."""
    if not _NODE_ID.fullmatch(text):
        raise ValueError(f"{text!r} is no node id; write 16 lower-case hex digits")
    return text


NodeId = Annotated[str, AfterValidator(node_id)]
Port = Annotated[int, Field(ge=0, le=65535)]


class MqttSettings(Section):
    """Where nodes and gateway meet. Embedded: the listener's host and port, port 0 a free one;
    else the broker's, and who the gateway is there."""

    embedded: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883
    user: str = ""
    password: Annotated[str, Field(repr=False)] = ""
    client_id: str = "nuan-gateway"
    # The embedded broker's users, lines `name:argon2 hash`; without it everybody may come in, which
    # is allowed on loopback only.
    password_file: FilePath | None = None
    # The embedded broker's certificate and key in PEM: with them it speaks TLS only.
    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None
    # Another broker is spoken to over TLS when an authority is named here, and must be of it.
    ca_file: FilePath | None = None


class ClockSettings(Section):
    """What tells the time: the machine, or 8 bytes of UTC milliseconds in a file (a simulation)."""

    file: FilePath | None = None


class IngestSettings(Section):
    """How much may be on its way to the gateway at once."""

    credit_total: Annotated[int, Field(ge=1, le=4096)] = 64


class ForwardSettings(Section):
    """Deliveries to the heating company: no url, no HTTP; no csv_dir, no CSV."""

    url: str = ""
    timeout_s: Annotated[int, Field(ge=1, le=300)] = 10
    retry_min_s: Annotated[int, Field(ge=1, le=3600)] = 5
    retry_max_s: Annotated[int, Field(ge=1, le=86400)] = 900
    csv_dir: FilePath | None = None


class NodeSettings(Section):
    """What the gateway does about its nodes by itself."""

    # Offer a node the site's configuration when its own has a lower version.
    push_config: bool = True


class LogSettings(Section):
    """How much goes to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """gateway.toml."""

    format: Literal[1]
    data_dir: FilePath  # database, signing key and gateway.json
    site: FilePath
    keys: FilePath
    mqtt: MqttSettings = MqttSettings()
    clock: ClockSettings = ClockSettings()
    ingest: IngestSettings = IngestSettings()
    forward: ForwardSettings = ForwardSettings()
    nodes: NodeSettings = NodeSettings()
    log: LogSettings = LogSettings()


def load_settings(path: Path) -> Settings:
    """Read gateway.toml; raises SettingsError with every problem."""
    settings, source = load(path, Settings, SettingsError)
    problems = _cross_check(settings, source)
    if problems:
        raise SettingsError(problems)
    return settings


def load_keys(path: Path) -> dict[str, bytes]:
    """Node id -> its 32-byte key, from lines `"<node id>" = "<64 hex digits>"`."""
    source = read_toml(path, SettingsError)
    keys: dict[str, bytes] = {}
    problems: list[str] = []
    for node, text in source.data.items():
        try:
            node_id(node)
            keys[node] = _node_key(text)
        except ValueError as error:
            problems.append(source.problem((node,), str(error)))
    if problems:
        raise SettingsError(problems)
    return keys


def _node_key(text: object) -> bytes:
    # The message must not show the key.
    wanted = f"write {2 * NODE_KEY_BYTES} hex digits in quotes"
    if not isinstance(text, str):
        raise ValueError(f"not text; {wanted}")
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * NODE_KEY_BYTES}}}", text):
        raise ValueError(f"not a {NODE_KEY_BYTES}-byte key; {wanted}")
    return bytes.fromhex(text)


def _cross_check(settings: Settings, source: TomlSource) -> list[str]:
    problems: list[str] = []
    mqtt, forward = settings.mqtt, settings.forward
    problems += _cross_check_tls(mqtt, source)
    if not mqtt.embedded and mqtt.port == 0:
        problems.append(
            source.problem(
                ("mqtt", "port"), "0 is for the embedded broker; write the broker's port"
            )
        )
    if forward.url and not re.match(r"https?://[^/]", forward.url):
        problems.append(
            source.problem(
                ("forward", "url"), f"{forward.url!r} is no web address; write http(s)://..."
            )
        )
    if forward.retry_max_s < forward.retry_min_s:
        problems.append(
            source.problem(
                ("forward", "retry_max_s"),
                f"{forward.retry_max_s} is below retry_min_s; write at least {forward.retry_min_s}",
            )
        )
    return problems


def _cross_check_tls(mqtt: MqttSettings, source: TomlSource) -> list[str]:
    found: list[tuple[str, str]] = []
    if mqtt.embedded:
        if mqtt.ca_file is not None:
            found.append(("ca_file", "is for another broker; write tls_cert and tls_key"))
        if mqtt.tls_cert is not None and mqtt.tls_key is None:
            found.append(("tls_key", "missing; a certificate needs its key"))
        if mqtt.tls_key is not None and mqtt.tls_cert is None:
            found.append(("tls_cert", "missing; a key needs its certificate"))
    else:
        given = [key for key in ("tls_cert", "tls_key") if getattr(mqtt, key) is not None]
        found += [(key, "is for the embedded broker; write ca_file") for key in given]
    return [source.problem(("mqtt", key), text) for key, text in found]
