"""What a board's flash is good for, told beside its configuration."""

import json
from typing import Any

import typer

from nuan_gateway.autonomy import autonomy
from nuan_gateway.site import Site
from nuan_tools.i18n import tr


def found(site: Site, node_id: str) -> dict[str, Any] | None:
    """The estimate as JSON values; None for a board without meters."""
    node = next(item for item in site.boards if item.id == node_id)
    try:
        return autonomy(site, node).as_json()
    except ValueError:
        return None


def tell(site: Site, node_id: str) -> None:
    """Print the estimate to standard error: the configuration itself goes to a file or a board."""
    values = found(site, node_id)
    if values is None:
        return
    lines = (
        tr(
            "Without a gateway: {days} days in full, then day boundaries for {thinned} days.",
            days=round(values["full_days"]),
            thinned=round(values["thinned_days"]),
        ),
        tr(
            "{entries} entries a day of {bytes} bytes; the flash lasts {years} years.",
            entries=round(values["entries_per_day"]),
            bytes=round(values["bytes_per_entry"]),
            years=round(values["flash_years"]),
        ),
    )
    for line in (*lines, *_calendar(site, node_id)):
        typer.echo(line, err=True)


def _calendar(site: Site, node_id: str) -> list[str]:
    """Until when the holidays of its rooms are known."""
    until = site.calendar.known_until()
    if until is None or not any(zone.node == node_id and zone.program for zone in site.zones):
        return []
    return [
        tr(
            "Make-up working days are known to the end of {year}; later ones go into [calendar].",
            year=until,
        )
    ]


def as_text(site: Site, node_id: str) -> str:
    """The estimate as one line of JSON, "null" for a board without meters."""
    return json.dumps(found(site, node_id))
