"""What can go wrong at the gateway's edges, each told in lines a user can act on.

GatewayError                one line for the user; the command ends with exit code 2
├── StoreError              the database can't be opened, or belongs to another version
└── SourceError             a TOML file is wrong; `problems` holds one line per problem
    ├── SettingsError       gateway.toml or keys.toml
    ├── SiteError           site.toml
    └── TariffError         the tariff file
"""

from collections.abc import Sequence

PROBLEMS_SHOWN_MAX = 20


class GatewayError(Exception):
    """Something outside the gateway is wrong; str() is one line that says how to mend it."""


class StoreError(GatewayError):
    """The database can't be used: unreadable, locked, or made by a newer nuan."""


class SourceError(GatewayError):
    """A TOML file is wrong: `problems` are lines `file:line: key: what; how to mend it`."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        shown = self.problems[:PROBLEMS_SHOWN_MAX]
        if len(self.problems) > len(shown):
            shown.append(f"... and {len(self.problems) - len(shown)} more problems")
        super().__init__("\n".join(shown))


class SettingsError(SourceError):
    """gateway.toml or keys.toml is wrong."""


class SiteError(SourceError):
    """site.toml is wrong."""


class TariffError(SourceError):
    """The tariff file is wrong."""
