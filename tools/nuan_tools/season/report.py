"""How a season is told to a person: a progress line while it runs, tables when it has ended."""

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from nuan_gateway.billing.money import fen_text
from nuan_tools.console import out, table
from nuan_tools.i18n import tr
from nuan_tools.season.outcome import Outcome, UnitBill
from nuan_tools.season.run import Progress as SeasonDay

BAR_COLUMNS = 16


class SeasonProgress:
    """Days done, telegrams and journal backlog in one line; silent when `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        """Drawn on a terminal; elsewhere a line for every thirty days."""
        self._quiet = quiet
        self._plain = not out().is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(BAR_COLUMNS),
            TextColumn("{task.fields[what]}"),
            TimeElapsedColumn(),
            console=out(),
            transient=True,
        )
        self._task: TaskID | None = None
        self._said = -1

    def begin(self) -> None:
        """Say what is about to run."""
        if not self._quiet:
            out().print(tr("A sample building: 12 flats, one public room, one node, one gateway."))

    def tell(self, day: SeasonDay) -> None:
        """Show how far the season is."""
        if self._quiet:
            return
        what = tr(
            "day {day}/{days}, {telegrams} telegrams, backlog {backlog}",
            day=day.day,
            days=day.days,
            telegrams=day.telegrams,
            backlog=day.backlog,
        )
        if self._plain:
            if day.day % 30 == 0 and day.day != self._said:
                self._said = day.day
                out().print(what)
            return
        if self._task is None:
            self._task = self._bar.add_task(tr("season"), total=day.days, what=what)
        self._bar.update(self._task, completed=day.day, what=what)

    def billing(self) -> None:
        """The season has passed; what is left takes seconds."""
        if not self._quiet and self._task is not None:
            self._bar.update(self._task, what=tr("billing and delivering"))

    def __enter__(self) -> Self:
        """Begin to draw."""
        if not self._quiet and not self._plain:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away."""
        if not self._quiet and not self._plain:
            self._bar.stop()


def report(outcome: Outcome, seconds: float, keep: Path | None) -> None:
    """Print the bills, the balance, the room, the feed, the truth, and the next commands."""
    out().print(Group(_bills(outcome), *_findings(outcome, seconds), Text(), *_next(keep)))


def _bills(outcome: Outcome) -> Table:
    rows = table(tr("Heat bills of the season, in yuan"))
    names = ("flat", "m²", "kWh", "base", "metered", "total", "prepaid", "settlement")
    for name in names:
        rows.add_column(tr(name), justify="left" if name == "flat" else "right", no_wrap=True)
    for bill in outcome.bills:
        rows.add_row(*_row(bill))
    rows.add_section()
    total = [sum(fen) for fen in zip(*(_fens(bill) for bill in outcome.bills), strict=True)]
    rows.add_row(tr("all"), "", "", *(fen_text(fen) for fen in total), style="bold")
    return rows


def _fens(bill: UnitBill) -> tuple[int, ...]:
    return (
        bill.base_fen,
        bill.metered_fen,
        bill.total_fen,
        bill.prepaid_fen,
        bill.settlement_fen,
    )


def _row(bill: UnitBill) -> tuple[str, ...]:
    heat = bill.heat_kwh if bill.heat_kwh is not None else tr("by area")
    return (bill.unit, bill.area_m2, heat, *(fen_text(fen) for fen in _fens(bill)))


def _findings(outcome: Outcome, seconds: float) -> list[Text]:
    received = ", ".join(f"{count} {tr(kind)}" for kind, count in sorted(outcome.received.items()))
    lines = [
        tr(
            "Building meter {building} kWh, lost before the flats (pipes, public room) {loss} kWh.",
            building=outcome.building_heat_kwh or "-",
            loss=outcome.loss_kwh or "-",
        ),
        tr(
            "Gas {gas} m³, electricity {electricity} kWh.",
            gas=outcome.gas_m3 or "-",
            electricity=outcome.electricity_kwh or "-",
        ),
        tr(
            "Public room above 20 °C: {with_control} h, without control {without} h.",
            with_control=outcome.hours_above_limit,
            without=outcome.hours_above_limit_uncontrolled,
        ),
        tr("The heating company received: {received}.", received=received),
        tr(
            "{telegrams} telegrams in {days} days: {lost} lost, {doubled} stored twice.",
            telegrams=outcome.telegrams,
            days=outcome.season_days,
            lost=outcome.entries_lost,
            doubled=outcome.entries_duplicated,
        ),
        tr(
            "Billed heat is at most {error} kWh from the building model's true heat between the"
            " instants its registers were read (a register's step is 1 kWh).",
            error=outcome.max_heat_error_kwh,
        ),
        tr("It took {seconds} s.", seconds=f"{seconds:.0f}"),
    ]
    return [Text(line) for line in lines]


def _next(keep: Path | None) -> list[Text]:
    folder = str(keep) if keep else "season"
    commands = [] if keep else [f"nuan demo --keep {folder}"]
    commands += [
        f"nuan explain {folder} 1-101",
        f"nuan export {folder} 1-101 -o bill.json",
        "nuan verify bill.json",
    ]
    return [Text(tr("Next, try:"), style="bold"), *(Text(f"  .venv/bin/{c}") for c in commands)]
