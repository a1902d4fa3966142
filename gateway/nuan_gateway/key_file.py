"""keys.toml as it changes: a node is provisioned while the gateway runs.

A file that can't be read keeps the keys that were read before, and is said once.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from nuan_gateway.errors import GatewayError, SettingsError
from nuan_gateway.settings import load_keys
from nuan_gateway.whole_file import write_whole

log = logging.getLogger(__name__)

_MODE = 0o600


class KeyFile:
    """Looks whether the file has changed since it was read last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        if path.exists() and path.stat().st_mode & 0o077:
            log.warning("%s: others can read the nodes' keys; chmod 600 it", path)

    def renewed(self) -> Mapping[str, bytes] | None:
        """The keys when the file has changed and is sound, else None."""
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            keys = load_keys(self._path)
        except SettingsError as error:
            log.error("the keys stay as they were: %s", error)  # it says it all
            return None
        log.info("%s: read again, %d nodes", self._path, len(keys))
        return keys

    def _stamp(self) -> tuple[int, int, int]:
        try:
            stat = self._path.stat()
        except OSError:
            return 0, 0, 0
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def register(path: Path, node: str, key: bytes) -> None:
    """Give the node this key in the file, and leave every other line as it is.

    The file is replaced as a whole, readable by its owner alone. Raises GatewayError.
    """
    try:
        text = path.read_text("utf-8") if path.exists() else ""
        line = f'"{node}" = "{key.hex()}"'
        pattern = re.compile(rf'^"?{node}"?[ \t]*=.*$', re.MULTILINE)
        if pattern.search(text):
            text = pattern.sub(line, text, count=1)
        else:
            text += ("" if not text or text.endswith("\n") else "\n") + line + "\n"
        write_whole(path, text.encode(), _MODE)
    except OSError as error:
        raise GatewayError(f"{path}: {error.strerror}; the node's key is not registered") from None
