"""One heating season in a folder: gateway, world and node, from power-on to the last root.

node on  -15 min |  first day ... last day  | the day's root is sealed and handed on
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Protocol

from nuan_emulator.line import Line
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_gateway.node_config import node_config
from nuan_gateway.site import Site, load_site
from nuan_tools.season.layout import NODE_ID, lay_out, node_key
from nuan_tools.season.processes import Gateway
from nuan_tools.vm import vm_path

SEED = 20251101
DAY_MS = 86_400_000
POWER_ON_EARLY_MS = 15 * 60_000
SEAL_LATE_MS = 20 * 60_000


class Wiring(Protocol):
    """What hangs on a node: a line on each serial port, and who follows its pins."""

    @property
    def lines(self) -> Mapping[int, Line]:
        """Lines by UART number."""
        ...

    @property
    def pins(self) -> Mapping[int, Callable[[int, int], None]]:
        """Callbacks (level, UTC ms) by pin number."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a season is: virtual days, telegrams read, entries the gateway hasn't confirmed."""

    day: int
    days: int
    telegrams: int
    backlog: int


@dataclass(frozen=True)
class Span:
    """The season in UTC ms; `until_ms` is when the last day's root has been sealed."""

    start_ms: int
    end_ms: int
    until_ms: int

    @property
    def on_ms(self) -> int:
        """When the node gets power."""
        return self.start_ms - POWER_ON_EARLY_MS

    @property
    def days(self) -> int:
        """Civil days of the season."""
        return round((self.end_ms - self.start_ms) / DAY_MS)


def span_of(site: Site) -> Span:
    """The season of a site, bounded by its civil midnights."""
    start = datetime.combine(site.season.start, time(), site.time_zone)
    end = datetime.combine(site.season.end, time(), site.time_zone)
    start_ms, end_ms = int(start.timestamp()) * 1000, int(end.timestamp()) * 1000
    # Roots are sealed by UTC days, and a day only after its end.
    midnight_ms = -(-(end_ms + SEAL_LATE_MS) // DAY_MS) * DAY_MS
    return Span(start_ms, end_ms, midnight_ms + SEAL_LATE_MS)


class Season:
    """A site comes to life: its gateway as a process, its node in a world of its own."""

    def __init__(
        self, folder: Path, *, site: str, tariff: str, seed: int, feed_url: str = ""
    ) -> None:
        """Lay out `folder`; `site` and `tariff` are TOML. Nothing runs before power_on()."""
        self.folder = folder
        self._seed = seed
        self._key = node_key(seed)
        self.gateway: Gateway | None = None
        self._world: World | None = None
        self._node: Node | None = None
        lay_out(folder, site=site, tariff=tariff, key=self._key, feed_url=feed_url)
        self.site = load_site(folder / "site.toml")
        self.span = span_of(self.site)

    def power_on(self, wiring: Wiring) -> None:
        """Start the gateway, then the node on its lines."""
        clock = self.folder / "data" / "clock"
        self._world = World(
            seed=self._seed, start_ms=self.span.on_ms, clock_file=clock, vm=vm_path()
        )
        self.gateway = Gateway(self.folder)
        self._node = self._world.add_node(
            NodeSpec(
                node_id=NODE_ID,
                key=self._key,
                config=node_config(self.site, NODE_ID),
                image=self.folder / "node" / "flash.img",
                broker=("127.0.0.1", self.gateway.port),
                lines=wiring.lines,
                pins=wiring.pins,
            )
        )

    @property
    def world(self) -> World:
        """The world, once there is power."""
        if self._world is None:
            raise RuntimeError("the season has no power yet")
        return self._world

    @property
    def node(self) -> Node:
        """The node, once there is power."""
        if self._node is None:
            raise RuntimeError("the season has no power yet")
        return self._node

    def run(self, progress: Callable[[Progress], None]) -> None:
        """Let the season pass, telling of each day."""

        def tell(now_ms: int) -> None:
            day = max(0, min(self.span.days, (now_ms - self.span.start_ms) // DAY_MS))
            backlog = self.node.tunnel.stats.backlog
            progress(Progress(day, self.span.days, self.node.exchanges, backlog))

        self.world.run_until(self.span.until_ms, tell)

    def close(self) -> None:
        """Stop the world and the gateway."""
        if self._world is not None:
            self._world.close()
        if self.gateway is not None:
            self.gateway.stop()
