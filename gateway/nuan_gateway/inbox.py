"""Files for a running gateway: whoever can write into its data folder hands it pulled journals.

A file is put into `inbox` under a passing name and renamed to *.pull; the gateway deletes it when
the database has all that is sound in it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from nuan_gateway.ingest.channel import Message
from nuan_gateway.ingest.pull_file import Pulled, load, node_of, records

INBOX_NAME = "inbox"
PATTERN = "*.pull"
LOOK_S = 0.5
# What one transaction takes.
GROUP = 64

log = logging.getLogger(__name__)


async def serve(folder: Path, keep: Callable[[list[Message]], Awaitable[None]]) -> None:
    """Give what comes into the folder to `keep`, for ever."""
    while True:
        for path in await asyncio.to_thread(_waiting, folder):
            await _take(path, keep)
        await asyncio.sleep(LOOK_S)


async def _take(path: Path, keep: Callable[[list[Message]], Awaitable[None]]) -> None:
    try:
        messages = await asyncio.to_thread(_messages, path)
        for at in range(0, len(messages), GROUP):
            await keep(messages[at : at + GROUP])
    except Exception:  # one file must not stop the gateway
        log.exception("inbox: %s: put aside", path)
        await asyncio.to_thread(path.rename, path.with_suffix(".refused"))
        return
    await asyncio.to_thread(path.unlink)
    log.info("inbox: %s: %d messages", path, len(messages))


def _waiting(folder: Path) -> list[Path]:
    return sorted(folder.glob(PATTERN))


def _messages(path: Path) -> list[Message]:
    data = load(path)
    topic = f"nuan/v1/{node_of(data, path).hex()}/up"
    return [(topic, each.message) for each in records(data) if isinstance(each, Pulled)]
