"""[[node.link]] and TLS in site.toml, and what the node is told of them."""

from pathlib import Path

import pytest

from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site

NODE = "6e75616e00000001"
ETHERNET = '[[node.link]]\nkind = "ethernet"\nphy = "LAN8720"\nmdc = 23\nmdio = 18\n'
WIFI = '[[node.link]]\nkind = "wifi"\nssid = "house"\n'
PPP = '[[node.link]]\nkind = "ppp"\nuart = 2\ntx = 4\nrx = 5\napn = "cmnet"\n'


def write(folder: Path, links: str, change: tuple[str, str] = ("", "")) -> Path:
    """The sample site with its RS-485 line taken away where a modem needs the port."""
    path = folder / "site.toml"
    text = path.read_text("utf-8").replace(*change)
    path.write_text(text.replace("[[node.bus]]", links + "\n[[node.bus]]", 1), "utf-8")
    return path


def complaints(path: Path) -> list[str]:
    with pytest.raises(SiteError) as caught:
        load_site(path)
    return [problem.split(": ", 1)[1] for problem in caught.value.problems]


def test_links_go_to_the_node_in_their_order_with_nothing_but_what_was_written(site_folder) -> None:
    config = node_config(load_site(write(site_folder, ETHERNET + WIFI)), NODE)
    assert "wifi" not in config
    assert config["links"] == [
        {"kind": "ethernet", "phy": "LAN8720", "mdc": 23, "mdio": 18},
        {"kind": "wifi", "ssid": "house"},
    ]


def test_tls_changes_the_port_unless_one_is_written(site_folder) -> None:
    host = 'mqtt = { host = "10.1.0.1"'
    path = site_folder / "site.toml"
    assert host in path.read_text("utf-8")
    assert node_config(load_site(path), NODE)["mqtt"]["port"] == 1883
    write(site_folder, "", (host, host + ", tls = true"))
    mqtt = node_config(load_site(path), NODE)["mqtt"]
    assert (mqtt["port"], mqtt["tls"]) == (8883, True)
    write(site_folder, "", ("tls = true", "tls = true, port = 9000"))
    assert node_config(load_site(path), NODE)["mqtt"]["port"] == 9000


@pytest.mark.parametrize(
    ("links", "said"),
    [
        (WIFI + WIFI, "node[1].link[2].kind: 'wifi' is used by link[1] already; write another"),
        (PPP, "node[1].link[1].uart: 2 is a bus's already; a board has 1 and 2"),
        (
            ETHERNET.replace("mdio = 18\n", ""),
            "node[1].link[1].mdio: missing; a link of kind 'ethernet' needs it",
        ),
        (WIFI + "mdc = 3\n", "node[1].link[1].mdc: no key of a link of kind 'wifi'; remove it"),
        (
            ETHERNET + "cs = 3\n",
            "node[1].link[1].cs: no key of a link of kind 'ethernet' with LAN8720; remove it",
        ),
        (
            ETHERNET.replace("mdc = 23", "mdc = 17"),
            "node[1].link[1].mdc: pin 17 is tx of bus 'mbus' already; choose a free one",
        ),
        (
            ETHERNET.replace("LAN8720", "LAN9999"),
            "node[1].link[1].phy: 'LAN9999' is unknown; write ",
        ),
        (WIFI.replace("wifi", "wlan"), "node[1].link[1].kind: 'wlan' is unknown; write "),
        (WIFI + "sid = 1\n", "node[1].link[1].sid: unknown key; did you mean ssid?"),
    ],
)
def test_what_can_be_wrong_with_links(site_folder, links: str, said: str) -> None:
    assert any(each.startswith(said) for each in complaints(write(site_folder, links)))


def test_wifi_and_links_cannot_both_be_written(site_folder) -> None:
    path = write(site_folder, WIFI, ("config_version", 'wifi = { ssid = "a" }\nconfig_version'))
    assert any(each.startswith("node[1].wifi: written beside") for each in complaints(path))
