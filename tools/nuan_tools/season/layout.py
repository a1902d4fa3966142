"""The files of a gateway that runs in one folder: settings, keys, site and tariff.

DIR/gateway.toml  keys.toml  site.toml  tariff.toml   what a person writes
DIR/data/         database, signing key, CSV          what the gateway keeps
DIR/node/         flash image and NVS                 what the board keeps
"""

from importlib.resources import files
from pathlib import Path
from random import Random

from nuan_tools.errors import UserError

NODE_KEY_BYTES = 32


def node_key(seed: int, node: str) -> bytes:
    """A node's key drawn from the run's seed: an emulated secret, so that runs repeat."""
    return Random(f"{seed}/key/{node}").randbytes(NODE_KEY_BYTES)  # noqa: S311 - repeatable


def sample_text(name: str) -> str:
    """The text of a file of the sample building: site.toml or tariff.toml."""
    return (files("nuan_tools") / "sample" / name).read_text("utf-8")


def lay_out(
    folder: Path, *, site: str, tariff: str, keys: dict[str, bytes], feed_url: str, mqtt: str = ""
) -> None:
    """Write the four files and make the folders; `mqtt` replaces the embedded broker's section.

    Raises UserError when the folder holds a gateway already or cannot be written.
    """
    if (folder / "gateway.toml").exists():
        raise UserError(f"{folder} holds a gateway already; name another folder or remove it")
    try:
        for name in ("data", "node"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "site.toml").write_text(site, "utf-8")
        (folder / "tariff.toml").write_text(tariff, "utf-8")
        key_file = folder / "keys.toml"
        key_file.touch(mode=0o600)
        key_file.write_text("".join(f'"{n}" = "{k.hex()}"\n' for n, k in keys.items()), "utf-8")
        (folder / "gateway.toml").write_text(
            _SETTINGS.format(mqtt=mqtt or _EMBEDDED, feed_url=feed_url), "utf-8"
        )
    except OSError as error:
        raise UserError(f"cannot write {error.filename}: {error.strerror}") from error


_EMBEDDED = """\
embedded = true
host = "127.0.0.1"
port = 0 # any free one; data/gateway.json says which
"""

_SETTINGS = """\
# Settings of a gateway beside an emulated building.
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"

[mqtt]
{mqtt}
[clock]
file = "data/clock" # the emulator's time stands in for the machine's

[forward]
url = "{feed_url}"
csv_dir = "data/out"

[log]
level = "warning"
"""
