"""`nuan meter`: changes one setting of one M-Bus meter, after asking."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.field.settings import Parity
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_tools.field.telling import Order, Talk

ORDER = 57

Connect = Annotated[
    str, typer.Argument(metavar="CONNECT", help=tr("/dev/ttyUSB0 or tcp://host:port."))
]
Address = Annotated[
    str, typer.Option("--address", metavar="A", help=tr("Its primary or secondary address."))
]


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("meter", help=tr("Change a setting of one M-Bus meter, after asking."))
    yes_help = tr("Don't ask.")
    baud_help, parity_help = tr("The line's baud rate."), tr("The line's parity.")
    yes_option = typer.Option("--yes", help=yes_help)
    baud_option = typer.Option(metavar="N", help=baud_help)
    parity_option = typer.Option(help=parity_help)

    @group.command("set-address", help=tr("Give a meter another primary address."))
    def set_address(
        connect: Connect,
        to: Annotated[int, typer.Argument(min=0, max=250, help=tr("The new address."))],
        address: Address,
        baud: Annotated[int, baud_option] = 2400,
        parity: Annotated[Parity, parity_option] = Parity.EVEN,
        yes: Annotated[bool, yes_option] = False,
    ) -> None:
        what = tr("primary address {value}", value=to)
        _tell(connect, address, (baud, parity), ("set_primary_address", to), what, yes=yes)

    @group.command("set-baud", help=tr("Let a meter speak at another baud rate."))
    def set_baud(
        connect: Connect,
        to: Annotated[int, typer.Argument(help=tr("The new baud rate."))],
        address: Address,
        baud: Annotated[int, baud_option] = 2400,
        parity: Annotated[Parity, parity_option] = Parity.EVEN,
        yes: Annotated[bool, yes_option] = False,
    ) -> None:
        what = tr("{value} baud", value=to)
        _tell(connect, address, (baud, parity), ("set_baud", to), what, yes=yes)

    @group.command("set-time", help=tr("Set a meter's clock, to this machine's time if not given."))
    def set_time(
        connect: Connect,
        address: Address,
        to: Annotated[
            datetime | None,
            typer.Option(
                "--time",
                formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
                help=tr("The meter's civil time, such as 2026-11-15T08:30."),
            ),
        ] = None,
        baud: Annotated[int, baud_option] = 2400,
        parity: Annotated[Parity, parity_option] = Parity.EVEN,
        yes: Annotated[bool, yes_option] = False,
    ) -> None:
        moment = to or datetime.now()  # noqa: DTZ005  # meters show civil time
        value = (moment.year, moment.month, moment.day, moment.hour, moment.minute)
        what = tr("time {value}", value=moment.strftime("%Y-%m-%d %H:%M"))
        _tell(connect, address, (baud, parity), ("set_time", value), what, yes=yes)

    @group.command("reset", help=tr("Send an application reset, which may choose a telegram."))
    def reset(
        connect: Connect,
        sub_code: Annotated[int, typer.Argument(min=0, max=255, help=tr("Its sub-code."))],
        address: Address,
        baud: Annotated[int, baud_option] = 2400,
        parity: Annotated[Parity, parity_option] = Parity.EVEN,
        yes: Annotated[bool, yes_option] = False,
    ) -> None:
        what = tr("application reset {value}", value=sub_code)
        _tell(connect, address, (baud, parity), ("application_reset", sub_code), what, yes=yes)


def _tell(
    connect: str,
    address: str,
    character: tuple[int, Parity],
    order: tuple[str, int | tuple[int, ...]],
    what: str,
    *,
    yes: bool,
) -> None:
    import asyncio

    from nuan_gateway.poll.transport import LineError
    from nuan_tools.field.options import check_baud
    from nuan_tools.field.target import target
    from nuan_tools.field.telling import Order, Talk

    baud, parity = character
    check_baud(baud)
    talk = Talk(target(connect, "mbus", address, baud, parity.value, None), None)
    try:
        asyncio.run(_talk(talk, Order(*order), what, yes=yes))
    except LineError as error:
        raise UserError(str(error)) from None


async def _talk(talk: "Talk", order: "Order", what: str, *, yes: bool) -> None:
    from nuan_protocols.mbus.commands import SET_PRIMARY_ADDRESS
    from nuan_tools.console import out
    from nuan_tools.field.values_view import title

    async with talk:
        found = await talk.who()
        out().print(title(found)[0])
        if not yes and not typer.confirm(tr("This meter shall have: {what}. Go on?", what=what)):
            raise UserError(tr("nothing was changed"))
        await talk.tell(order)
        if order.name == SET_PRIMARY_ADDRESS and isinstance(order.value, int):
            again = await talk.who(order.value)
            if again.secondary != found.secondary:
                raise UserError(
                    tr("another meter answers at {address} as well", address=order.value)
                )
        out().print(tr("Done: {what}.", what=what))
