"""The files of a gateway that runs in one folder: settings, keys, site and tariff.

DIR/gateway.toml  keys.toml  site.toml  tariff.toml   what a person writes
DIR/data/         database, signing key, CSV          what the gateway keeps
DIR/node/         flash image and NVS                 what the board keeps
"""

from pathlib import Path
from random import Random

from nuan_tools.errors import UserError

NODE_ID = "6e75616e00000001"
NODE_KEY_BYTES = 32


def node_key(seed: int) -> bytes:
    """The emulated node's key, drawn from the run's seed so that runs repeat."""
    return Random(f"{seed}/key/{NODE_ID}").randbytes(NODE_KEY_BYTES)  # noqa: S311 - repeatable


def refuse_used(folder: Path) -> None:
    """Raise UserError when the folder holds a gateway already."""
    if (folder / "gateway.toml").exists():
        raise UserError(f"{folder} holds a gateway already; name another folder or remove it")


def lay_out(folder: Path, *, site: str, tariff: str, key: bytes, feed_url: str) -> None:
    """Write the four files and make the folders.

    Raises UserError when the folder holds a gateway already or cannot be written.
    """
    refuse_used(folder)
    try:
        for name in ("data", "node"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "site.toml").write_text(site, "utf-8")
        (folder / "tariff.toml").write_text(tariff, "utf-8")
        keys = folder / "keys.toml"
        keys.touch(mode=0o600)
        keys.write_text(f'"{NODE_ID}" = "{key.hex()}"\n', "utf-8")
        (folder / "gateway.toml").write_text(_SETTINGS.format(feed_url=feed_url), "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {error.filename}: {error.strerror}") from error


_SETTINGS = """\
# Settings of a gateway beside an emulated building.
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"

[mqtt]
embedded = true
host = "127.0.0.1"
port = 0 # any free one; data/gateway.json says which

[clock]
file = "data/clock" # the emulator's time stands in for the machine's

[forward]
url = "{feed_url}"
csv_dir = "data/out"

[log]
level = "warning"
"""
