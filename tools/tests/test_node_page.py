"""docs/node.md says what the lamp and the events really are."""

import re
from pathlib import Path

from nuan_gateway.node_events import NAMES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "node.md").read_text("utf-8")
LAMP = (ROOT / "firmware" / "nuan_firmware" / "lamp.py").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table whose first heading is that."""
    lines = PAGE.split(f"| {heading} |", 1)[1].splitlines()[2:]
    table = lines[: [*lines, ""].index("")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_page_shows_every_pattern_of_the_lamp() -> None:
    patterns = re.findall(r'\("([^"]+)", b"[^"]+", "([^"]+)"\)', LAMP)
    assert len(patterns) > 5
    assert rows("lamp") == [[look, state] for state, look in patterns]


def test_the_page_names_every_event() -> None:
    assert [(int(row[0]), row[1]) for row in rows("code")] == list(NAMES.items())
