"""A two-part heat tariff: its document, and the arithmetic from area and heat to fen.

    base    = area * base price            round once
    metered = heat * metered price         round once, heat exact in the price's own unit
    payable = base + metered               refund_and_charge
            = min(base + metered, area fee)  refund_only
            = area fee                     where the meter can't be used
    settlement = payable - prepaid,  prepaid = area fee = area * prepayment price

Prices are decimal text, so that a tariff has one canonical form and no float ever holds a price.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator

from nuan_gateway.billing.consumption import EnergyUnit, Heat
from nuan_gateway.billing.decimals import decimal, exact_text
from nuan_gateway.billing.money import FEN_PER_CNY, fen_text, round_fen

RULES_VERSION = 1
"""Version of the arithmetic in this file; a change of any result raises it."""


def _price(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError(f'{text!r} must be in quotes to stay exact; write "{text}"')
    try:
        decimal(text)
    except ValueError:
        raise ValueError(f"{text!r} is no price; write a number such as '0.16'") from None
    return text


Price = Annotated[str, BeforeValidator(_price)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BasePart(_Part):
    """Price for the heated area over the season."""

    price: Price
    unit: Literal["CNY/m2.season"]


class MeteredPart(_Part):
    """Price for metered heat, in the unit it was published in."""

    price: Price
    unit: Literal["CNY/kWh", "CNY/GJ"]


class PrepaymentPart(_Part):
    """The area fee paid before the season; also the fallback and the cap."""

    price: Price
    unit: Literal["CNY/m2.season"]


class SettlementPart(_Part):
    """Whether a shortfall is charged (refund_and_charge) or borne by the supplier (refund_only)."""

    policy: Literal["refund_and_charge", "refund_only"]


class Tariff(_Part):
    """A tariff as published; equal documents have equal digests."""

    format: Literal[1]
    id: Name
    version: Name
    title: Name
    legal_reference: Name
    valid_from: date
    valid_to: date | None = None
    currency: Literal["CNY"] = "CNY"
    base: BasePart
    metered: MeteredPart
    prepayment: PrepaymentPart
    settlement: SettlementPart

    @model_validator(mode="after")
    def _dates_in_order(self) -> Tariff:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from (the day it names is not included)")
        return self

    def canonical(self) -> str:
        """Return the canonical JSON text: what the digest covers and what a bundle carries."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON, in hex."""
        return hashlib.sha256(self.canonical().encode("utf-8")).hexdigest()

    @property
    def heat_unit(self) -> EnergyUnit:
        """The unit that metered heat is priced in."""
        return "kWh" if self.metered.unit == "CNY/kWh" else "GJ"

    def covers(self, start: date, end: date) -> bool:
        """Tell whether the tariff is in force on every day of [start, end)."""
        return self.valid_from <= start and (self.valid_to is None or end <= self.valid_to)


LineItem = Literal["base", "metered", "area", "cap"]


@dataclass(frozen=True)
class Line:
    """One bill line; `arithmetic` spells out how the amount came about."""

    item: LineItem
    arithmetic: str
    amount_fen: int

    def document(self) -> dict[str, object]:
        """Return the JSON form."""
        return {"item": self.item, "arithmetic": self.arithmetic, "amount_fen": self.amount_fen}


@dataclass(frozen=True)
class Charge:
    """What a unit owes for a season: lines that sum to `total_fen`, and the settlement."""

    lines: tuple[Line, ...]
    total_fen: int
    prepaid_fen: int

    @property
    def settlement_fen(self) -> int:
        """What is still to pay; negative is a refund."""
        return self.total_fen - self.prepaid_fen

    def amount_fen(self, item: LineItem) -> int:
        """Return the amount of one item, 0 where the bill has no such line."""
        return sum(line.amount_fen for line in self.lines if line.item == item)


def charge(tariff: Tariff, area_m2: str, heat: Heat | None) -> Charge:
    """Return the charge for an area and its heat; `heat` None means billing by area."""
    area = Quantity(decimal(area_m2), f"{area_m2} m2")
    area_line = _line("area", area, tariff.prepayment)
    if heat is None:
        return Charge((area_line,), area_line.amount_fen, area_line.amount_fen)
    used = heat.in_unit(tariff.heat_unit)
    lines = [
        _line("base", area, tariff.base),
        _line("metered", Quantity(used, f"{exact_text(used)} {tariff.heat_unit}"), tariff.metered),
    ]
    two_part = sum(line.amount_fen for line in lines)
    if tariff.settlement.policy == "refund_only" and two_part > area_line.amount_fen:
        fee, over = area_line.amount_fen, area_line.amount_fen - two_part
        text = (
            f"min({fen_text(two_part)}, {fen_text(fee)}) - {fen_text(two_part)} = {fen_text(over)}"
        )
        lines.append(Line("cap", text, over))
    return Charge(tuple(lines), sum(line.amount_fen for line in lines), area_line.amount_fen)


@dataclass(frozen=True)
class Quantity:
    """What a price is multiplied with, and how the bill shows it."""

    value: Fraction
    text: str


def _line(
    item: LineItem, quantity: Quantity, part: BasePart | MeteredPart | PrepaymentPart
) -> Line:
    exact = quantity.value * decimal(part.price)
    fen = round_fen(exact)
    text = f"{quantity.text} x {part.price} {part.unit} = "
    if exact == Fraction(fen, FEN_PER_CNY):
        return Line(item, f"{text}{fen_text(fen)} CNY", fen)
    return Line(item, f"{text}{exact_text(exact)} CNY, rounded {fen_text(fen)}", fen)
