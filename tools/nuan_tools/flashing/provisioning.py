"""Makes a flashed board a node of a site, over its console.

    1  the node's key, made here, goes into the gateway's keys.toml first: a board never has a key
       that nobody else knows
    2  authorities, update keys and passwords, then the configuration from the site file
    3  the node's key: from then on the console asks for it

A run that broke off is simply made again: it takes the key that is registered already.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from pathlib import Path

    from nuan_tools.node_link.client import ConsoleClient

KEY_BYTES = 32

Told = Callable[[str], None]
"""Called with each step that is done."""


@dataclass(frozen=True)
class Wish:
    """What the node shall become. `large` holds blobs by their names in the node's store (ca0, ca1,
    fw_key0, fw_key1), `passwords` texts by theirs (wifi_key, mqtt_key, ppp_key)."""

    node: str
    config: Mapping[str, Any]
    keys_file: Path
    large: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    passwords: Mapping[str, str] = field(default_factory=dict[str, str])
    confirm: bool = False


def provision(console: ConsoleClient, wish: Wish, told: Told) -> None:
    """Do it; raises UserError, and then everything can be done again."""
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.key_file import register

    registered = _registered(wish)
    status = console.request("status", tries=3)
    if status.get("locked"):
        _unlock(console, wish, registered)
        told(tr("console unlocked with the node's key"))
    key = registered or secrets.token_bytes(KEY_BYTES)
    if registered is None:
        try:
            register(wish.keys_file, wish.node, key)
        except GatewayError as error:
            raise UserError(str(error)) from None
        told(tr("key registered in {path}", path=wish.keys_file))
    for name, blob in sorted(wish.large.items()):
        console.transfer("key", blob, name=name)
        told(name)
    for name, text in sorted(wish.passwords.items()):
        console.request("key", name=name, value=text)
        told(name)
    _configure(console, wish)
    told(tr("configuration, version {version}", version=wish.config["version"]))
    console.request("key", name="key", value=key.hex())
    told(tr("node key"))
    if wish.confirm or not status.get("config_version"):
        # Nothing to go back to: a trial would end with no configuration at all.
        console.request("config", do="confirm")
    console.request("reboot")


def _registered(wish: Wish) -> bytes | None:
    from nuan_gateway.errors import SettingsError
    from nuan_gateway.settings import load_keys

    if not wish.keys_file.exists():
        return None
    try:
        return load_keys(wish.keys_file).get(wish.node)
    except SettingsError as error:
        raise UserError(str(error)) from None


def _unlock(console: ConsoleClient, wish: Wish, key: bytes | None) -> None:
    from nuan_tools.node_link.client import RefusedError

    if key is not None:
        try:
            console.unlock(key)
        except RefusedError:
            pass
        else:
            return
    raise UserError(
        tr(
            "the board belongs to another node: {path} has no key that opens it; flash it anew, or"
            " use the keys of the gateway it came from",
            path=wish.keys_file,
        )
    )


def _configure(console: ConsoleClient, wish: Wish) -> None:
    import json

    text = json.dumps(wish.config, ensure_ascii=False, separators=(",", ":"))
    console.transfer("config", text.encode())
