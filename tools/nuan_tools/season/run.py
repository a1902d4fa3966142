"""One heating season of the sample building, from power-on of the node to the last root.

node on  -15 min |  first day ... last day  | + 8 h: the day's root is sealed and handed on
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from nuan_emulator.building import Building, Scenario
from nuan_emulator.node import Node
from nuan_emulator.weather import Weather
from nuan_emulator.world import World
from nuan_gateway.site import Site, load_site
from nuan_tools.season.building import MeteredBuilding
from nuan_tools.season.layout import lay_out, node_key, sample_text
from nuan_tools.season.processes import Gateway, Receiver
from nuan_tools.vm import vm_path

SEED = 20251101
DAY_MS = 86_400_000
POWER_ON_EARLY_MS = 15 * 60_000
SEAL_LATE_MS = 20 * 60_000


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
    def days(self) -> int:
        """Civil days of the season."""
        return (self.end_ms - self.start_ms) // DAY_MS


def span_of(site: Site) -> Span:
    """The season of a site, bounded by its civil midnights."""
    start = datetime.combine(site.season.start, time(), site.time_zone)
    end = datetime.combine(site.season.end, time(), site.time_zone)
    start_ms, end_ms = int(start.timestamp()) * 1000, int(end.timestamp()) * 1000
    # Roots are sealed by UTC days, and a day only after its end.
    midnight_ms = -(-(end_ms + SEAL_LATE_MS) // DAY_MS) * DAY_MS
    return Span(start_ms, end_ms, midnight_ms + SEAL_LATE_MS)


def sample_site(days: int | None) -> str:
    """The sample's site file, its season cut to `days` from the first."""
    text = sample_text("site.toml")
    if days is None:
        return text
    start = datetime(2025, 11, 1)  # noqa: DTZ001 - a civil day
    end = (start + timedelta(days=days)).date()
    return text.replace("end = 2026-04-01", f"end = {end.isoformat()}")


class SampleSeason:
    """A laid-out folder with gateway, receiver and world; a context manager that stops them all."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = SEED,
        days: int | None = None,
        weather: Weather | None = None,
    ) -> None:
        """Lay out `folder`, start receiver and gateway, power the node on."""
        self.folder = folder
        self.receiver = Receiver(folder, "--trust", str(folder / "data" / "signing.pub"))
        self.gateway: Gateway | None = None
        self._world: World | None = None
        try:
            self._start(seed, days, weather)
        except BaseException:
            self.close()
            raise

    def _start(self, seed: int, days: int | None, weather: Weather | None) -> None:
        folder = self.folder
        node = "6e75616e00000001"
        key = node_key(seed, node)
        lay_out(
            folder,
            site=sample_site(days),
            tariff=sample_text("tariff.toml"),
            keys={node: key},
            feed_url=self.receiver.url,
        )
        self.site = load_site(folder / "site.toml")
        self.span = span_of(self.site)
        start_ms = self.span.start_ms - POWER_ON_EARLY_MS
        self.world = self._world = World(
            seed=seed, start_ms=start_ms, clock_file=folder / "data" / "clock", vm=vm_path()
        )
        self.gateway = Gateway(folder)
        building = Building(Scenario(start_ms, weather=weather), seed)
        self.metered = MeteredBuilding(building, self.site, seed)
        broker = ("127.0.0.1", self.gateway.port)
        self.node: Node = self.world.add_node(self.metered.node_spec(folder, key, broker))

    def run(self, progress: Callable[[Progress], None]) -> None:
        """Let the season pass, telling of each day."""

        def tell(now_ms: int) -> None:
            day = max(0, min(self.span.days, (now_ms - self.span.start_ms) // DAY_MS))
            backlog = self.node.tunnel.stats.backlog
            progress(Progress(day, self.span.days, self.metered.exchanges, backlog))

        self.world.run_until(self.span.until_ms, tell)

    def close(self) -> None:
        """Stop the world, the gateway and the receiver."""
        if self._world is not None:
            self._world.close()
        if self.gateway is not None:
            self.gateway.stop()
        self.receiver.stop()
