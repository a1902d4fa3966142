"""A season of the sample building, with a receiver that plays the heating company."""

from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

from nuan_emulator.building import Building, Scenario
from nuan_emulator.weather import Weather
from nuan_tools.season.building import MeteredBuilding
from nuan_tools.season.layout import refuse_used
from nuan_tools.season.processes import Receiver
from nuan_tools.season.run import SEED, Season

FIRST_DAY = date(2025, 11, 1)
_LAST_LINE = "end = 2026-04-01"


def sample_text(name: str) -> str:
    """The text of a file of the sample building: site.toml or tariff.toml."""
    return (files("nuan_tools") / "sample" / name).read_text("utf-8")


def sample_site(days: int | None) -> str:
    """The sample's site file, its season cut to `days` from the first."""
    text = sample_text("site.toml")
    if days is None:
        return text
    return text.replace(_LAST_LINE, f"end = {FIRST_DAY + timedelta(days=days)}")


class SampleSeason(Season):
    """The sample building's season; close() stops everything that was started."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = SEED,
        days: int | None = None,
        weather: Weather | None = None,
    ) -> None:
        """Lay out `folder`, start receiver and gateway, power the node on."""
        refuse_used(folder)
        self.receiver = Receiver(folder, "--trust", str(folder / "data" / "signing.pub"))
        try:
            super().__init__(
                folder,
                site=sample_site(days),
                tariff=sample_text("tariff.toml"),
                seed=seed,
                feed_url=self.receiver.url,
            )
            building = Building(Scenario(self.span.on_ms, weather=weather), seed)
            self.metered = MeteredBuilding(building, self.site, seed)
            self.power_on(self.metered)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the world, the gateway and the receiver."""
        super().close()
        self.receiver.stop()
