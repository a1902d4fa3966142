"""docs/wire.md's worked example is what the code makes.

Run this file to write the example into the page anew.
"""

import re
from pathlib import Path

from nuan_protocols.modbus.rtu import read_request
from nuan_protocols.uplink import body, command, entry, result
from nuan_protocols.uplink.ack import Ack, build_ack
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.keys import MacKey, NodeKeys

PAGE = Path(__file__).parents[2] / "docs" / "wire.md"
BEGIN = "<!-- example: written by protocols/tests/test_uplink_wire_page.py -->"
END = "<!-- end of the example -->"

KEY = bytes(range(32))
NODE = b"nuan\x00\x00\x00\x01"
EPOCH = bytes.fromhex("e0e1e2e3e4e5e6e7")
NONCE = bytes.fromhex("a0a1a2a3a4a5a6a7")
KEYS = NodeKeys(KEY)
TIME = 1_793_500_800

Field = tuple[int, str]
HEAD: list[Field] = [(1, "version"), (1, "type"), (8, "node"), (8, "epoch"), (8, "nonce")]
ENTRY_HEAD: list[Field] = [
    (1, "version"),
    (1, "kind"),
    (8, "node"),
    (8, "epoch"),
    (4, "seq"),
    (4, "time"),
    (1, "clock"),
]
PART_HEAD: list[Field] = [(2, "length"), (1, "kind"), (4, "time"), (1, "clock")]
EXCHANGE: list[Field] = [
    (1, "bus 1"),
    (2, "slot 16"),
    (2, "config_version 1"),
    (1, "result ok"),
    (1, "tries"),
    (2, "qlen"),
    (8, "question: unit 16, function 4, registers 1 and 2"),
    (9, "answer: 21.4 degC, 38.0 %"),
]
CONTROL: list[Field] = [
    (1, "zone 1"),
    (2, "requested 22.0"),
    (2, "applied 20.0"),
    (2, "measured 21.4"),
    (1, "valve shut"),
    (1, "mode normal"),
    (1, "reason"),
]
TOMBSTONE: list[Field] = [
    (4, "first"),
    (4, "last"),
    (1, "reason: reserved"),
    (32, "chain after last"),
]


def entries() -> list[bytes]:
    """Entries 1 to 3 and, after a power cut, the tombstone 257 for the numbers 4 to 256."""
    buffer = bytearray(entry.ENTRY_BYTES_MAX)
    made: list[bytes] = []

    at = entry.put_head(buffer, entry.KIND_EVENT, NODE, EPOCH, 1, 7, entry.CLOCK_NEVER_SET)
    at = body.put_event(buffer, at, body.EVENT_BOOT, "power-on")
    made.append(bytes(buffer[:at]))

    question = read_request(16, 4, 1, 2)
    answer = bytes.fromhex("100404 00d6 017c 1b0c")
    at = entry.put_head(buffer, entry.KIND_EXCHANGE, NODE, EPOCH, 2, TIME, 2)
    at = body.put_exchange(buffer, at, 1, 16, 1, body.RESULT_OK, 1, question, answer)
    made.append(bytes(buffer[:at]))

    at = entry.put_head(buffer, entry.KIND_CONTROL, NODE, EPOCH, 3, TIME + 1, 2)
    at = body.put_control(buffer, at, 1, 220, 200, 214, 0, body.MODE_NORMAL, 0)
    made.append(bytes(buffer[:at]))

    at = entry.put_head(buffer, entry.KIND_TOMBSTONE, NODE, EPOCH, 257, 5, 0)
    at = body.put_tombstone(buffer, at, 4, 256, body.TOMBSTONE_RESERVED, chains(made)[-1])
    made.append(bytes(buffer[:at]))
    return made


def chains(made: list[bytes]) -> list[bytes]:
    """Chain values from genesis on, one more than entries."""
    values = [entry.genesis(NODE, EPOCH)]
    for canonical in made:
        seq = int.from_bytes(canonical[18:22], "big")
        digest = entry.digest(KEYS.salt(EPOCH, seq), canonical)
        values.append(entry.chain(values[-1], digest))
    return values


def batch(run: list[bytes], chain_before: bytes) -> bytes:
    builder = BatchBuilder(bytearray(2048), KEYS, NODE, EPOCH)
    builder.begin(NONCE, int.from_bytes(run[0][18:22], "big"), chain_before)
    assert all(builder.add(canonical) for canonical in run)
    return bytes(builder.finish())


def dump(data: bytes, fields: list[Field]) -> list[str]:
    lines = ["```"]
    at = 0
    for size, name in fields:
        piece = data[at : at + size].hex()
        rows = [piece[start : start + 32] for start in range(0, len(piece), 32)]
        lines.append(f"{at:4}  {rows[0]:32}  {name}")
        lines.extend(f"      {row}" for row in rows[1:])
        at += size
    assert at == len(data), (at, len(data))
    return [*lines, "```"]


def example() -> str:
    """The example as Markdown."""
    made = entries()
    values = chains(made)
    root = MacKey(KEY)
    lines = ["K, node, epoch and the keys derived from K:", "", "```"]
    named = [("K", KEY), ("node", NODE), ("epoch", EPOCH), ("nonce", NONCE)]
    named += [(name, root.mac(f"nuan {use} 1".encode())) for name, use in derived()]
    lines += [f"{name:7} {value.hex()}" for name, value in named]
    lines += ["```", "", "Entry 2, an exchange with a room sensor, canonical:", ""]
    lines += dump(made[1], ENTRY_HEAD + EXCHANGE)
    lines += ["", "Salts, digests and chain values:", "", "```", f"chain_0    {values[0].hex()}"]
    for seq, canonical, chain in zip((1, 2, 3, 257), made, values[1:], strict=True):
        salt = KEYS.salt(EPOCH, seq)
        digest = entry.digest(salt, canonical)
        for name, value in (("salt", salt), ("digest", digest), ("chain", chain)):
            lines.append(f"{name + '_' + str(seq):10} {value.hex()}")
    lines += ["```", "", "HELLO of a node that holds entries 1 to 3:", ""]
    hello = build_hello(Hello(NODE, EPOCH, NONCE, 1, 3, 1, "0.1.0"), KEYS)
    tail: list[Field] = [(4, "oldest"), (4, "newest"), (2, "config_version"), (1, "n")]
    lines += dump(hello, [*HEAD, *tail, (5, '"0.1.0"'), (32, "mac")])
    lines += ["", "BATCH of entries 1 to 3:", ""]
    numbers: list[Field] = [(4, "first_seq"), (2, "count"), (32, "chain_before = chain_0")]
    event: list[Field] = [*PART_HEAD, (1, "code: boot"), (8, '"power-on"')]
    parts = [*event, *PART_HEAD, *EXCHANGE, *PART_HEAD, *CONTROL]
    lines += dump(batch(made[:3], values[0]), [*HEAD, *numbers, *parts, (32, "mac")])
    lines += ["", "BATCH of the tombstone that follows a power cut:", ""]
    numbers[-1] = (32, "chain_before = chain_3")
    parts = [*PART_HEAD, *TOMBSTONE]
    lines += dump(batch(made[3:], values[3]), [*HEAD, *numbers, *parts, (32, "mac")])
    lines += ["", "ACK of a gateway that has 1, 2 and 257, and waits for 3:", ""]
    ack = Ack(NODE, EPOCH, NONCE, 2, False, 4, TIME + 60, ((3, 3),))
    fields: list[Field] = [(4, "cumulative"), (1, "flags"), (1, "credit"), (4, "UTC"), (1, "g")]
    fields += [(8, "gap 3..3"), (32, "mac")]
    lines += dump(build_ack(ack, KEYS), [*HEAD, *fields])
    return "\n".join(lines + orders())


def orders() -> list[str]:
    """The example's command and its result."""
    lines = ["", "COMMAND to hold zone 1 at 19.5 degC for a day, because somebody is ill:", ""]
    payload = command.setpoint_payload(1, 195, TIME + 86400, "li", "ill")
    asked = command.Command(NODE, EPOCH, NONCE, 7, command.SETPOINT, payload)
    fields: list[Field] = [(4, "counter"), (1, "code: set-point"), (1, "zone 1"), (2, "19.5 degC")]
    fields += [(4, "until"), (1, "n"), (2, '"li"'), (1, "n"), (3, '"ill"'), (32, "mac")]
    lines += dump(command.build_command(asked, KEYS), [*HEAD, *fields])
    lines += ["", "RESULT of a node that has no such zone:", ""]
    told = result.Result(NODE, EPOCH, NONCE, 7, result.REFUSED, 0, "no zone 1")
    fields = [(4, "counter"), (1, "status: refused"), (4, "offset"), (1, "n"), (9, '"no zone 1"')]
    return lines + dump(result.build_result(told, KEYS), [*HEAD, *fields, (32, "mac")])


def derived() -> list[tuple[str, str]]:
    return [("k_up", "up"), ("k_down", "down"), ("k_salt", "salt")]


def test_the_page_shows_what_the_code_makes() -> None:
    found = re.search(f"{re.escape(BEGIN)}\n(.*)\n{re.escape(END)}", PAGE.read_text(), re.DOTALL)
    assert found, f"{PAGE.name} has no example between its two marks"
    assert found[1].strip() == example()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{example()}\n\n{END}{rest.partition(END)[2]}")
