"""exchange: a meter is replaced, or this node (slot 0), and somebody says so on the spot.

    exchange SLOT old=SERIAL last=REGISTER new=SERIAL first=REGISTER seals=NUMBERS who=NAME note=...
             read=old|new|no

Unless told otherwise the meter is read now, and the journal number of that telegram is kept beside
what was typed: before the old one is taken off (read=old, with `old` and `last`), after the new one
is on (read=new). Both halves may come in one line or in two. The event is on flash when the answer
comes, works with no network, and reaches the gateway like any entry.
"""

import json
from typing import TYPE_CHECKING

from nuan_firmware.console import meters
from nuan_firmware.console.borrowed import opened
from nuan_firmware.console.reply import Refused
from nuan_protocols.uplink.body import EVENT_CONSOLE, TEXT_BYTES_MAX

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

_TEXTS = ("old", "last", "new", "first", "seals", "who", "note")
NAMES = ("slot", "old", "last", "new", "first", "seals", "who", "note", "read")
_READ = ("old", "new", "no")
_OK = 0


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """Check all of it, read, journal."""
    node = console.node
    journal = opened(node)
    if journal is None:
        raise Refused("the journal isn't open: note it on paper, and try after a restart")
    slot = arguments.integer("slot", 0, 0xFFFF)
    said = [(name, arguments.text(name, TEXT_BYTES_MAX, "")) for name in _TEXTS]
    given = [name for name, value in said if value]
    if "who" not in given:
        raise Refused("who: the name of whoever does it is needed")
    if "old" not in given and "new" not in given:
        raise Refused("the serial of the old or of the new one is needed (old=, new=)")
    for serial, register in (("old", "last"), ("new", "first")):
        if slot and serial in given and register not in given:
            raise Refused("%s: the register of the %s meter is needed" % (register, serial))
    usual = ("new" if "new" in given else "old") if slot else "no"
    which = arguments.choice("read", _READ, usual)
    found = meters.find(node, slot) if slot else None
    if found is None and which != "no":
        raise Refused("read: a node (slot 0) has no register to read")
    # The longest number a read could add, so that nothing is refused after it.
    _text(slot, said, which, 0xFFFFFFFF)
    seq = 0
    if found is not None and which != "no":
        poller, index = found
        exchanges = await poller.read_one(index)
        seq = poller.wrote if exchanges and exchanges[-1][1] == _OK else 0
    journal.event(EVENT_CONSOLE, _text(slot, said, which, seq))
    event_seq = journal.seq - 1
    journal.flush()
    uplink = getattr(node, "uplink", None)
    if uplink is not None:
        uplink.kick()
    await reply.put("seq", event_seq)
    await reply.put("read_seq", seq or None)
    await reply.put("read", which if seq else ("no" if which == "no" else "no answer"))


def _text(slot: int, said: "list[tuple[str, Any]]", which: str, seq: int) -> str:
    """The event's text: "exchange" and an object of what was said. Raises Refused."""
    text = 'exchange {"slot":%d' % slot
    for name, value in said:
        if value:
            text += ',"%s":%s' % (name, json.dumps(value))
    if seq:
        text += ',"read":%d,"of":"%s"' % (seq, which)
    text += "}"
    size = len(text.encode())
    if size > TEXT_BYTES_MAX:
        raise Refused("%d bytes too long: shorten the texts" % (size - TEXT_BYTES_MAX))
    return text
