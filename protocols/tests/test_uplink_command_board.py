"""COMMAND and RESULT where they are read and made: on the board. Runs on CPython too."""

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import command as commands
from nuan_protocols.uplink import result as results
from nuan_protocols.uplink.command import Command, build_command, parse_command
from nuan_protocols.uplink.errors import UplinkMacError
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import put_mac
from nuan_protocols.uplink.result import Result, build_result, parse_result

KEYS = NodeKeys(bytes(range(32)))
NODE = b"nuan\x00\x00\x00\x01"
EPOCH = bytes.fromhex("e0e1e2e3e4e5e6e7")
NONCE = bytes.fromhex("a0a1a2a3a4a5a6a7")


def refused(call, *arguments):
    try:
        call(*arguments)
    except UplinkError as error:
        return error
    raise AssertionError("not refused")


def command(counter=1, code=commands.END, payload=b""):
    return Command(NODE, EPOCH, NONCE, counter, code, payload)


def result(counter=1, status=0, offset=0, text=""):
    return Result(NODE, EPOCH, NONCE, counter, status, offset, text)


def test_they_are_read_as_written():
    for made in (command(), command(0xFFFFFFFF, 255, bytes(commands.PAYLOAD_BYTES_MAX))):
        message = build_command(made, KEYS)
        assert len(message) <= commands.COMMAND_BYTES_MAX
        assert parse_command(memoryview(message), KEYS) == made
    for made in (result(), result(7, 3, 0xFFFFFFFF, "kein Gas, \u6ca1\u6709\u6c14")):
        message = build_result(made, KEYS)
        assert len(message) <= results.RESULT_BYTES_MAX
        assert parse_result(memoryview(message), KEYS) == made


def test_every_changed_byte_and_every_cut_is_refused():
    for message, parse in (
        (build_command(command(3, 5, commands.read_payload([1, 2])), KEYS), parse_command),
        (build_result(result(3, 1, 0, "no"), KEYS), parse_result),
    ):
        for at in range(len(message)):
            changed = bytearray(message)
            changed[at] ^= 1 << at % 8
            refused(parse, changed, KEYS)
            refused(parse, message[:at], KEYS)


def test_each_direction_has_its_key_and_each_node_its_own():
    for message, parse, wrong in (
        (build_command(command(), KEYS), parse_command, KEYS.up),
        (build_result(result(), KEYS), parse_result, KEYS.down),
    ):
        assert isinstance(refused(parse, message, NodeKeys(bytes(32))), UplinkMacError)
        forged = bytearray(message)
        put_mac(forged, len(forged) - 32, wrong)
        assert isinstance(refused(parse, forged, KEYS), UplinkMacError)


def test_an_authentic_message_with_nonsense_is_refused():
    def sealed(message, key, at, value):
        changed = bytearray(message)
        changed[at] = value
        put_mac(changed, len(changed) - 32, key)
        return changed

    good = build_command(command(1), KEYS)
    assert refused(parse_command, sealed(good, KEYS.down, 29, 0), KEYS).offset == 26
    told = build_result(result(1, 0, 0, "ab"), KEYS)
    assert refused(parse_result, sealed(told, KEYS.up, 30, 4), KEYS).offset == 30
    assert refused(parse_result, sealed(told, KEYS.up, 35, 3), KEYS).offset == 35
    assert refused(parse_result, sealed(told, KEYS.up, 36, 0xFF), KEYS).offset == 36
    long = bytearray(commands.COMMAND_BYTES_MAX + 1)
    long[: len(good)] = good
    put_mac(long, len(long) - 32, KEYS.down)
    assert refused(parse_command, long, KEYS).offset == 26


def test_fields_out_of_bounds_are_not_written():
    for made in (command(0), command(1 << 32), command(1, 256), command(1, 2, bytes(517))):
        refused(build_command, made, KEYS)
    for made in (result(-1), result(1, 4), result(1, 0, 1 << 32)):
        refused(build_result, made, KEYS)
    refused(commands.data_payload, 0, b"")
    refused(commands.data_payload, 0, bytes(513))
    refused(commands.data_payload, 1 << 32, b"x")
    refused(commands.begin_payload, 1, 1, bytes(31))
    refused(commands.read_payload, [])
    refused(commands.read_payload, list(range(17)))
    refused(commands.read_payload, [0x10000])
    refused(commands.setpoint_payload, 1, 0x8000, 0, "me", "why")
    refused(commands.setpoint_payload, 1, 200, 0, "", "why")
    refused(commands.setpoint_payload, 1, 200, 0, "me", "w" * 121)
    refused(commands.number_payload, -1)


def test_payloads_are_read_as_written():
    digest = bytes(range(32))
    assert commands.parse_begin(commands.begin_payload(2, 70000, digest)) == (2, 70000, digest)
    offset, piece = commands.parse_data(commands.data_payload(512, b"piece"))
    assert (offset, bytes(piece)) == (512, b"piece")
    assert commands.parse_number(commands.number_payload(1793500800)) == 1793500800
    assert commands.parse_read(commands.read_payload([1, 65535])) == [1, 65535]
    made = (3, -5, 1793500800, "\u5f20\u4e09", "ill")
    assert commands.parse_setpoint(commands.setpoint_payload(*made)) == made


def test_payloads_cut_short_or_too_long_are_refused():
    setpoint = commands.setpoint_payload(1, 195, 1793500800, "me", "why")
    for payload, parse, least in (
        (commands.begin_payload(1, 9, bytes(32)), commands.parse_begin, 0),
        (commands.number_payload(7), commands.parse_number, 0),
        (commands.read_payload([4, 5]), commands.parse_read, 0),
        (setpoint, commands.parse_setpoint, 0),
        (commands.data_payload(0, b"x"), commands.parse_data, 0),
    ):
        for size in range(least, len(payload)):
            refused(parse, payload[:size])
        if parse is not commands.parse_data:
            refused(parse, payload + b"\x00")
    refused(commands.parse_data, bytes(517))
    refused(commands.parse_read, b"\x00")
    refused(commands.parse_setpoint, setpoint[:7] + b"\x00" + setpoint[10:])
    refused(commands.parse_setpoint, setpoint.replace(b"why", b"w\xffy"))


def test_a_long_text_is_cut_between_characters():
    text = "a" * 158 + "\u6696\u6696"
    told = parse_result(build_result(result(1, 1, 0, text), KEYS), KEYS)
    assert told.text == "a" * 158
    assert results.cut("\u6696".encode(), 2) == b""
