"""Changes one setting of one M-Bus meter: who it is first, then the command, then a look at it."""

from dataclasses import dataclass

from nuan_gateway.poll.transport import LineError
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import commands, secondary
from nuan_protocols.readout import OK
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.field.asking import ask_mbus
from nuan_tools.field.found import Found, describe
from nuan_tools.field.line import Line, open_line
from nuan_tools.field.target import Target
from nuan_tools.i18n import tr

Value = int | tuple[int, ...]


@dataclass(frozen=True)
class Order:
    """What to tell a meter: one of commands.NAMES and its value."""

    name: str
    value: Value


class Talk:
    """An open line and the meter on it; an asynchronous context manager. UserError for the line."""

    def __init__(self, target: Target, answer_ms: int | None) -> None:
        self._target = target
        self._answer_ms = answer_ms
        self._line: Line | None = None

    async def __aenter__(self) -> "Talk":
        target = self._target
        try:
            self._line = await open_line(
                target.connect, target.baud, target.parity, self._answer_ms
            )
        except LineError as error:
            raise UserError(str(error)) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._line is not None:
            await self._line.close()

    async def who(self, address: int | str | None = None) -> Found:
        """Read the meter, or the one at another address. Raises CheckFailed when it is silent."""
        asked = self._target.address if address is None else address
        heard = await ask_mbus(self._open(), asked)
        if not heard.answered:
            raise CheckFailed(tr("M-Bus {address}: no answer; nothing was changed", address=asked))
        try:
            return describe(heard)
        except ProtocolError as error:
            raise CheckFailed(tr("its answer can't be read: {why}", why=str(error))) from None

    async def tell(self, order: Order) -> None:
        """Send the command. Raises UserError when it can't be sent, CheckFailed without its E5."""
        line, target = self._open(), self._target
        whom = target.address
        address = secondary.wire(whom) if isinstance(whom, str) else whom
        try:
            command = commands.command(
                order.name, address, order.value, (order.name,), baud=line.baud
            )
        except ProtocolError as error:
            raise UserError(error.reason) from None
        if order.name == commands.SET_BAUD and not line.is_serial:
            raise UserError(
                tr("{connect}: the serial server's own baud rate decides", connect=target.connect)
            )
        while await self._one(line, command):
            pass
        if command.result != OK:
            raise CheckFailed(tr("the meter doesn't acknowledge it"))
        if order.name == commands.SET_BAUD and not command.confirmed:
            raise CheckFailed(tr("the meter acknowledges it, but keeps its baud rate"))

    async def _one(self, line: Line, command: commands.Command) -> bool:
        """One request at the baud rate it needs; False when there is none."""
        if command.line_baud:
            line.set_character(command.line_baud, line.parity)
        return await line.ask_once(command, "mbus")

    def _open(self) -> Line:
        if self._line is None:
            raise ValueError("not open")
        return self._line
