"""A node's console opened with the node's key, from the gateway's keys file."""

from __future__ import annotations

from pathlib import Path

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr
from nuan_tools.node_link.client import ConsoleClient


def key_of(keys_file: Path, node: str) -> bytes:
    """The node's 32-byte key. Raises UserError."""
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.settings import load_keys

    try:
        keys = load_keys(keys_file)
    except GatewayError as error:
        raise UserError(str(error)) from None
    key = keys.get(node)
    if key is None:
        raise UserError(
            tr(
                'node {node} has no key in {file}; add its line, "{node}" = "64 hex digits"',
                node=node,
                file=keys_file,
            )
        )
    return key


def open_up(client: ConsoleClient, keys_file: Path | None) -> dict[str, object]:
    """What `status` says, after unlocking where there is a keys file. Raises UserError."""
    status = client.request("status", tries=3)
    if status.get("locked") and keys_file is not None:
        client.unlock(key_of(keys_file, str(status.get("node", ""))))
        status = client.request("status", tries=3)
    return status
