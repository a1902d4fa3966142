"""scan BUS [FIRST LAST]: the M-Bus meters of a line by their primary addresses.

Every address is asked by itself, and whenever a turn of the bus is due the search waits for it:
nobody's reading is late because somebody looks for meters.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand
from nuan_firmware.console.reply import Refused
from nuan_firmware.masters import FCB_UNKNOWN, MBUS

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply
    from nuan_firmware.poller import Poller

NAMES = ("bus", "first", "last", "baud")
_ADDRESS_LAST = const(250)
_YIELD_MS = const(50)
# EN 13757-2: 330 bit times and 50 ms; what is later is another's.
_ANSWER_BITS = const(330)
_ANSWER_MS = const(60)
_RESET_BYTES_MAX = const(12)
# The bit that a request for data has and a reset hasn't.
_REQUEST = const(0x10)
_BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """Search; what was found before Ctrl-C is told all the same."""
    node = console.node
    name = arguments.text("bus", 16)
    found = [poller for poller in getattr(node, "pollers", ()) if poller.name == name]
    if not found:
        known = ", ".join([poller.name for poller in getattr(node, "pollers", ())])
        raise Refused("%s: no such bus; there is %s" % (name, known or "none"))
    buses = [bus for bus in node.config.buses if bus.name == name]
    if buses[0].protocol != MBUS:
        raise Refused(
            "%s: a node searches M-Bus lines; take the line to a PC and use nuan scan" % name
        )
    first = arguments.integer("first", 0, _ADDRESS_LAST, 0)
    last = arguments.integer("last", first, _ADDRESS_LAST, _ADDRESS_LAST)
    baud = arguments.integer("baud", 300, 38400, buses[0].baud)
    if baud not in _BAUDS:
        raise Refused("baud: one of %s is needed" % ", ".join([str(each) for each in _BAUDS]))
    try:
        await _search(found[0], (first, last), (baud, buses[0].parity), reply)
    finally:
        on_demand.unload(
            "nuan_protocols.mbus.search_primary",
            "nuan_protocols.mbus.asking",
            "nuan_protocols.mbus.secondary",
        )


async def _search(
    poller: "Poller",
    span: "tuple[int, int]",
    character: "tuple[int, str]",
    reply: "Reply",
) -> None:
    from nuan_protocols.mbus.search_primary import PrimarySearch

    class Search(PrimarySearch):
        def answer_bytes_max(self) -> int:
            """To a reset some meters answer with one byte each, and 251 addresses are reset."""
            most = super().answer_bytes_max()
            return most if self.question and self.question[1] & _REQUEST else _RESET_BYTES_MAX

    search = Search(span[0], span[1])
    told = 0
    await reply.rows("meters", "address", "serial", "secondary")
    while not reply.screen.is_interrupted() and await _ask(poller, search, character):
        while told < len(search.hits):
            address, secondary = search.hits[told]
            told += 1
            serial = bytes([secondary[3 - place] for place in range(4)]).hex() if secondary else ""
            await reply.row(address, serial, secondary.hex())
    await reply.end_rows()
    await reply.put("done", search.address > span[1])
    await reply.put("next", search.address)
    await reply.put("collided", search.collided)
    await reply.put("unconfirmed", search.unconfirmed)


async def _ask(poller: "Poller", search: "Any", character: "tuple[int, str]") -> bool:
    """One question and its answers, after the turn that is due; False when there is none left."""
    while poller.is_due:
        await asyncio.sleep_ms(_YIELD_MS)
    await poller.borrow()
    line = poller.line
    usual_ms = line.timeout_ms
    try:
        question = search.request()
        if question is None:
            return False
        line.port.set_line(*character)
        line.timeout_ms = line.port.bits_ms(_ANSWER_BITS) + _ANSWER_MS
        await line.send(question, poller.master.quiet_ms(line.port, True), search)
        await line.receive(search)
        # The search resets links: what the bus's own reader remembers of them is no longer true.
        master: "Any" = poller.master
        for index in range(len(poller.meters)):
            master.fcb[index] = FCB_UNKNOWN
    finally:
        line.timeout_ms = usual_ms
        poller.give_back()
    return True
