"""`nuan flash`: MicroPython, partition table and nuan onto a board on a serial cable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_tools.flashing.esp import Part
    from nuan_tools.flashing.vm_image import VmImage

ORDER = 50
BAUD = 460800

SerialPort = Annotated[str, typer.Argument(help=tr("The serial port, such as /dev/ttyUSB0."))]


def register(app: App) -> None:
    """Adds the command."""

    @app.command(
        "flash", help=tr("Put MicroPython and nuan on a board, or only a new build of nuan.")
    )
    def flash(
        port: SerialPort,
        bundle: Annotated[
            Path, typer.Option("--bundle", help=tr("nuan, as `nuan firmware build` makes it."))
        ],
        image: Annotated[
            Path | None,
            typer.Option("--image", help=tr("MicroPython with a ROM file system, one .bin file.")),
        ] = None,
        only_app: Annotated[
            bool, typer.Option("--only-app", help=tr("Write nuan alone; everything else stays."))
        ] = False,
        flash_mib: Annotated[
            int | None,
            typer.Option("--flash-mb", help=tr("The board's flash; usually the chip says it.")),
        ] = None,
        keep: Annotated[
            bool,
            typer.Option("--keep", help=tr("Keep keys, configuration and journal of the board.")),
        ] = False,
        baud: Annotated[int, typer.Option(help=tr("Baud rate while writing."))] = BAUD,
        stub: Annotated[
            bool,
            typer.Option("--stub/--no-stub", help=tr("Use esptool's fast loader in the chip.")),
        ] = True,
    ) -> None:
        if only_app == (image is not None):
            raise UserError(tr("give either --image FILE for a whole board, or --only-app"))
        _flash(port, image, bundle, flash_mib, keep, baud, stub)


def _flash(
    port: str,
    image: Path | None,
    bundle: Path,
    flash_mib: int | None,
    keep: bool,
    baud: int,
    stub: bool,
) -> None:
    from nuan_tools.flashing import esp, loader_files, vm_image
    from nuan_tools.flashing.bundles import read_bundle

    application = read_bundle(bundle)
    vm = vm_image.read_image(image) if image else None
    files = loader_files.loader_files() if vm and not keep else {}
    with esp.connected(port, baud, stub=stub) as chip:
        if vm and chip.chip != vm.chip.name:
            raise UserError(
                tr(
                    "{path} is for {wanted}, and the board has {found}",
                    path=image,
                    wanted=vm.chip.name,
                    found=chip.chip,
                )
            )
        size = flash_mib or chip.flash_mib()
        if size is None:
            raise UserError(tr("the chip doesn't say how much flash it has; give --flash-mb"))
        typer.echo(tr("{chip} with {size} MB of flash", chip=chip.chip, size=size))
        parts = _parts(vm, application, size, keep)
        _with_bar(tr("flash"), lambda tell: chip.write(parts, size, tell))
    if files:
        _with_bar(tr("loader"), lambda tell: loader_files.install(port, files, tell))
    if vm and not keep:
        typer.echo(tr("done; give the board its key and its site with `nuan provision`"))
    else:
        typer.echo(tr("done; the board starts"))


def _parts(vm: VmImage | None, application: bytes, size: int, keep: bool) -> Sequence[Part]:
    from nuan_tools.flashing import partitions, plan

    table = partitions.layout(size)
    if vm is None:
        # Whichever slot the board has confirmed, it finds this build there.
        return [plan.application(table, application, slot) for slot in range(plan.SLOTS)]
    parts = plan.whole(vm, application, size)
    return parts if keep else plan.forgotten(table) + parts


def _with_bar(what: str, work: Callable[[Callable[[int, int], None]], None]) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from nuan_tools.console import out

    columns = (TextColumn("{task.description}"), BarColumn(30), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out()) as bar:
        task = bar.add_task(what, total=None)
        work(lambda done, total: bar.update(task, completed=done, total=total))
