"""`nuan provision`: makes a flashed board a node of a site, and prints its label."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError, complain
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_gateway.settings import Settings
    from nuan_gateway.site import Node, Site
    from nuan_tools.flashing.provisioning import Wish

ORDER = 51
# Passwords come from here or are asked for: a command line is seen by everybody on the machine.
PASSWORD_VARIABLES = {
    "wifi_key": "NUAN_WIFI_PASSWORD",
    "mqtt_key": "NUAN_MQTT_PASSWORD",
    "ppp_key": "NUAN_PPP_PASSWORD",
    "sim_pin": "NUAN_SIM_PIN",
}
_SLOTS = 2


def register(app: App) -> None:
    """Adds the command."""

    @app.command("provision", help=tr("Give a flashed board its key, its site and its label."))
    def provision(
        port: Annotated[str, typer.Argument(help=tr("The serial port, such as /dev/ttyUSB0."))],
        settings: Annotated[
            Path, typer.Argument(help=tr("The gateway's settings (gateway.toml)."))
        ],
        node: Annotated[
            str | None, typer.Option(help=tr("The node's id; needed where the site has several."))
        ] = None,
        ca: Annotated[
            list[Path] | None,
            typer.Option(help=tr("An authority's certificate (ca0.pem); at most two.")),
        ] = None,
        update_key: Annotated[
            list[Path] | None,
            typer.Option("--update-key", help=tr("A public update key in PEM; at most two.")),
        ] = None,
        label: Annotated[
            Path | None, typer.Option(help=tr("Where to put the label, a PNG file."))
        ] = None,
        offline: Annotated[
            bool,
            typer.Option(
                "--offline", help=tr("Trust the configuration at once, without the gateway.")
            ),
        ] = False,
    ) -> None:
        _provision(port, settings, node, ca or [], update_key or [], label, offline)


def _provision(
    port: str,
    settings_path: Path,
    node_id: str | None,
    ca: list[Path],
    update_keys: list[Path],
    label: Path | None,
    offline: bool,
) -> None:
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.settings import load_settings
    from nuan_gateway.site import load_site
    from nuan_tools.flashing.label import make_label
    from nuan_tools.flashing.provisioning import provision
    from nuan_tools.node_link.client import ConsoleClient

    try:
        settings = load_settings(settings_path)
        site = load_site(settings.site)
    except GatewayError as error:
        raise UserError(str(error)) from None
    node = _node(site, node_id)
    if not update_keys:
        complain(
            tr("no --update-key: this node takes firmware signed by anybody, until it is given one")
        )
    wish = _wish(settings, site, node, ca, update_keys, offline)
    with ConsoleClient(port) as console:
        provision(console, wish, lambda step: typer.echo(f"  {step}"))
    if label is not None:
        make_label(node.id, site.site.id, label)
        typer.echo(tr("label in {path}", path=label))
    typer.echo(
        tr(
            "node {node} is provisioned and starts; `nuan console {port}` shows how it is",
            node=node.id,
            port=port,
        )
    )


def _node(site: Site, wanted: str | None) -> Node:
    known = {node.id: node for node in site.boards}
    if wanted is None and len(known) == 1:
        return next(iter(known.values()))
    if wanted not in known:
        raise UserError(
            tr("name a node of the site with --node; it has {known}", known=", ".join(known) or "-")
        )
    return known[wanted]


def _wish(
    settings: Settings,
    site: Site,
    node: Node,
    ca: list[Path],
    update_keys: list[Path],
    offline: bool,
) -> Wish:
    from nuan_gateway.authority import authority_der
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.node_config import node_config
    from nuan_tools.firmware.keys import read_modulus
    from nuan_tools.flashing.provisioning import Wish

    if len(ca) > _SLOTS or len(update_keys) > _SLOTS:
        raise UserError(tr("a node has two slots each for authorities and update keys"))
    if node.mqtt is not None and node.mqtt.tls and not ca:
        raise UserError(
            tr("the site says tls = true for this node: name its authority with --ca ca0.pem")
        )
    try:
        large = {f"ca{slot}": authority_der(path) for slot, path in enumerate(ca)}
    except GatewayError as error:
        raise UserError(str(error)) from None
    large |= {f"fw_key{slot}": read_modulus(path) for slot, path in enumerate(update_keys)}
    return Wish(
        node.id,
        node_config(site, node.id),
        settings.keys,
        large,
        _passwords(node),
        confirm=offline,
    )


def _passwords(node: Node) -> dict[str, str]:
    """What the node's links and its broker ask for, from the environment or from the person."""
    wanted: dict[str, str] = {}
    links = {link.kind: link for link in node.links}
    wifi = links["wifi"].ssid if "wifi" in links else None if links else node.wifi.ssid
    if wifi:
        wanted["wifi_key"] = tr("password of the Wi-Fi {name}", name=wifi)
    if node.mqtt is not None and node.mqtt.user:
        wanted["mqtt_key"] = tr("password of {name} at the broker", name=node.mqtt.user)
    if "ppp" in links and links["ppp"].user:
        wanted["ppp_key"] = tr("password of {name} at the mobile network", name=links["ppp"].user)
    if "ppp" in links:
        wanted["sim_pin"] = tr("PIN of the modem's SIM, nothing if it has none")
    return {name: _password(name, question) for name, question in wanted.items()}


def _password(name: str, question: str) -> str:
    variable = PASSWORD_VARIABLES[name]
    given = os.environ.get(variable)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise UserError(
            tr("{what}: no terminal to ask on; set {variable}", what=question, variable=variable)
        )
    return str(typer.prompt(question, hide_input=True, default="", show_default=False))
