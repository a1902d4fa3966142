"""The tariff file: TOML, checked with file, line and key in every complaint."""

from __future__ import annotations

from pathlib import Path

from nuan_gateway.billing.tariff import Tariff
from nuan_gateway.errors import TariffError
from nuan_gateway.toml_source import load


def load_tariff(path: Path) -> Tariff:
    """Read a tariff; raises TariffError with every problem."""
    return load(path, Tariff, TariffError)[0]
