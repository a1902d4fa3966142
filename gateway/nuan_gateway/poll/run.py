"""All lines that the gateway polls itself, each in a task of its own."""

import asyncio
import logging
from contextlib import suppress
from importlib.metadata import version

from sqlalchemy.exc import SQLAlchemyError

from nuan_gateway.clock import Clock
from nuan_gateway.drafts import Draft, Note, event_draft
from nuan_gateway.poll.plan import plans_of
from nuan_gateway.poll.poller import Poller
from nuan_gateway.site import Node, Site
from nuan_protocols.uplink.body import EVENT_BOOT, EVENT_CONFIGURATION

RESTART_MIN_S = 1.0
RESTART_MAX_S = 600.0

log = logging.getLogger(__name__)


async def poll_site(site: Site, clock: Clock, note: Note) -> None:
    """Poll every line of the site's gateway nodes until cancelled. `note` commits entries."""
    pollers: list[Poller] = []
    for node in site.gateway_nodes:
        await note(node.id, _boot(node, clock.now_ms() // 1000))
        for bus, line in enumerate(node.buses):
            plans = plans_of(site, node, bus)
            pollers.append(Poller(node, bus, plans, clock, note))
            log.info("node %s: %d meters on %s (%s)", node.id, len(plans), line.connect, line.name)
    async with asyncio.TaskGroup() as group:
        for poller in pollers:
            group.create_task(_guard(poller), name=f"poll {poller.name}")


def _boot(node: Node, now_s: int) -> list[Draft]:
    return [
        event_draft(now_s, EVENT_BOOT, f"gateway nuan {version('nuan')}"),
        event_draft(now_s, EVENT_CONFIGURATION, f"version {node.config_version}"),
    ]


async def _guard(poller: Poller) -> None:
    """A fault of ours in one line must not stop the others."""
    pause_s = RESTART_MIN_S
    loop = asyncio.get_running_loop()
    while True:
        begun_s = loop.time()
        try:
            await poller.run()
            return
        except Exception as problem:
            if loop.time() - begun_s > RESTART_MAX_S:
                pause_s = RESTART_MIN_S
            log.exception("poller of bus %s failed; again in %.0f s", poller.name, pause_s)
            with suppress(SQLAlchemyError):
                await poller.fault(f"{type(problem).__name__}: {problem}")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, RESTART_MAX_S)
