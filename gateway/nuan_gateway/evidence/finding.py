"""One broken link of a bundle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Which link is broken ("entry 3", "statement signature", ...) and what is wrong with it."""

    link: str
    detail: str

    def __str__(self) -> str:
        return f"{self.link}: {self.detail}"
