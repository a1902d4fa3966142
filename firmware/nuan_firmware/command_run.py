"""Carries out commands of the gateway. Loaded when one comes, gone afterwards."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink.result import DONE, FAILED, REFUSED, Result, build_result

if TYPE_CHECKING:
    from nuan_firmware.commands import Commands
    from nuan_protocols.uplink.keys import Buffer

_YEAR_2025_S = 1735689600


def run(commands: "Commands", message: "Buffer", nonce: bytes) -> None:
    """Carry out an authentic command of this connection; raises UplinkError when it isn't one."""
    node = commands.node
    command = wire.parse_command(message, node.keys)
    session = (node.config.node, node.journal.epoch, nonce)
    if (command.node, command.epoch, command.nonce) != session:
        raise UplinkError("a command of another connection", 18)
    if command.counter <= commands.counter:
        # A replay, or our result was lost: what was done is not done again.
        commands.due = commands.status >= 0
        return
    counter = commands.counter = command.counter
    commands.status = -1
    commands.due = False
    try:
        done = _run(commands, command.code, command.payload)
    except (ValueError, UplinkError) as problem:
        commands.finish(counter, REFUSED, str(problem))
    except Exception as problem:
        commands.finish(counter, FAILED, repr(problem))
    else:
        if done is not None:
            commands.finish(counter, done[0], done[1], done[2])


def result(commands: "Commands", nonce: bytes) -> bytes:
    """The RESULT message of the last command."""
    node = commands.node
    told = Result(
        node.config.node,
        node.journal.epoch,
        nonce,
        commands.counter,
        commands.status,
        commands.offset,
        commands.text,
    )
    return build_result(told, node.keys)


def _run(commands: "Commands", code: int, payload: bytes) -> "tuple[int, str, int] | None":
    """(status, text, offset), or None while the work goes on. Raises ValueError to refuse."""
    if code in (wire.BEGIN, wire.DATA, wire.END):
        from nuan_firmware import command_transfer

        return command_transfer.run(commands, code, payload)
    if code == wire.READ:
        from nuan_firmware import command_read

        command_read.start(commands, wire.parse_read(payload))
        return None
    if code == wire.TIME:
        return DONE, _time(commands, wire.parse_number(payload)), 0
    if code == wire.SETPOINT:
        _setpoint(commands, payload)
        return DONE, "", 0
    if code == wire.AGAIN:
        return DONE, _again(commands, wire.parse_number(payload)), 0
    raise ValueError("this firmware knows no command %d" % code)


def _time(commands: "Commands", utc_s: int) -> str:
    if utc_s < _YEAR_2025_S:
        raise ValueError("%d is no time of today" % utc_s)
    clock = commands.node.clock
    before = clock.now()
    if not commands.node.uplink.take_time(utc_s):
        raise ValueError("it has been on the way for too long; acknowledgements tell the time, too")
    return "the clock was %d s off" % (utc_s - before)


def _setpoint(commands: "Commands", payload: bytes) -> None:
    zone, setpoint_dc, until_s, who, why = wire.parse_setpoint(payload)
    node = commands.node
    if until_s and until_s <= node.clock.now():
        raise ValueError("it would have ended already")
    node.zones.override(zone, setpoint_dc, until_s, who, why)


def _again(commands: "Commands", seq: int) -> str:
    node = commands.node
    journal = node.journal
    if not 1 <= seq <= journal.flushed:
        raise ValueError("%d is not within 1..%d" % (seq, journal.flushed))
    node.uplink.send_again(seq)
    return "from %d, held from %d" % (max(seq, journal.oldest()), journal.oldest())
