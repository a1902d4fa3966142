"""The uplink format where it is made: on the board. Runs on CPython too."""

import gc
import sys

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import body, entry
from nuan_protocols.uplink.ack import Ack, build_ack, parse_ack
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.errors import UplinkMacError, UplinkVersionError
from nuan_protocols.uplink.hello import Hello, build_hello, parse_hello
from nuan_protocols.uplink.keys import MacKey, NodeKeys, equal

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


def exchange(buffer, seq, answer):
    at = entry.put_head(buffer, entry.KIND_EXCHANGE, NODE, EPOCH, seq, 1793500800, 2)
    return body.put_exchange(buffer, at, 0, 1, 1, 0, 1, b"\x10\x7b\x01\x7c\x16", answer)


def test_hmac_is_rfc_4231():
    mac = MacKey(b"Jefe").mac(b"what do ya want ", memoryview(b"for nothing?"))
    assert mac.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_equal_compares_views():
    assert equal(b"abc", memoryview(bytearray(b"xabc"))[1:])
    assert not equal(b"abc", b"abd")
    assert not equal(b"abc", b"ab")


def test_digests_are_those_of_the_page():
    buffer = bytearray(entry.ENTRY_BYTES_MAX)
    at = entry.put_head(buffer, entry.KIND_EVENT, NODE, EPOCH, 1, 7, entry.CLOCK_NEVER_SET)
    at = body.put_event(buffer, at, body.EVENT_BOOT, "power-on")
    digest = entry.digest(KEYS.salt(EPOCH, 1), memoryview(buffer)[:at])
    assert digest.hex() == "a4e044469fcc47364891ebb47221e502b3299957c3b5f5e5d4ca606a7e6f961e"
    chain = entry.chain(entry.genesis(NODE, EPOCH), digest)
    assert chain.hex() == "cfce4598897ece05e49243381edc6fd110e9cfe21269f9544dee58187825643b"


def test_a_batch_fills_its_buffer_and_no_more():
    builder = BatchBuilder(bytearray(2048), KEYS, NODE, EPOCH)
    buffer = bytearray(400)
    builder.begin(NONCE, 1, bytes(32))
    seq = 1
    while True:
        end = exchange(buffer, seq, bytes(range(70)))
        if not builder.add(memoryview(buffer)[:end]):
            break
        seq += 1
    message = builder.finish()
    assert builder.count == seq - 1 == 21
    assert len(message) == 96 + 21 * (8 + 9 + 5 + 70)
    signed = len(message) - 32
    assert equal(KEYS.up.mac(message[:signed]), message[signed:])


def test_entries_cost_no_large_allocations():
    """Only small, short-lived objects: a heap in pieces can't serve large ones for ever."""
    if not hasattr(gc, "mem_alloc") or sys.platform == "webassembly":
        return
    builder = BatchBuilder(bytearray(2048), KEYS, NODE, EPOCH)
    buffer = bytearray(1100)
    builder.begin(NONCE, 1, bytes(32))
    answer = bytes(600)
    gc.collect()
    before = gc.mem_alloc()
    end = exchange(buffer, 1, answer)
    view = memoryview(buffer)[:end]
    entry.digest(KEYS.salt(EPOCH, 1), view)
    builder.add(view)
    builder.finish()
    assert gc.mem_alloc() - before < 3 * 1024
    gc.collect()
    assert gc.mem_alloc() - before < 256


def test_bounds_are_checked_by_hand():
    buffer = bytearray(60)
    assert refused(entry.put_head, buffer, 300, NODE, EPOCH, 1, 0, 0).offset == 1
    assert refused(entry.put_head, buffer, 1, NODE, EPOCH, 1, -1, 0).offset == 22
    assert refused(entry.put_head, buffer, 1, NODE, EPOCH, 1 << 32, 0, 0).offset == 18
    refused(body.put_control, buffer, 0, 1, 40000, 0, None, 0, 1, 0)
    refused(body.put_exchange, buffer, 27, 0, 1, 1, 0, 1, bytes(20), bytes(20))
    assert len(buffer) == 60


def test_acknowledgements_are_read():
    ack = Ack(NODE, EPOCH, NONCE, 5, True, 4, 4000000000, ((7, 9), (11, 4294967295)))
    message = build_ack(ack, KEYS)
    assert parse_ack(message, KEYS) == ack
    assert parse_ack(memoryview(message), KEYS) == ack
    changed = bytearray(message)
    changed[26] ^= 1
    assert isinstance(refused(parse_ack, changed, KEYS), UplinkMacError)
    changed[0] = 9
    error = refused(parse_ack, changed, KEYS)
    assert isinstance(error, UplinkVersionError)
    assert error.version == 9
    for end in range(len(message)):
        refused(parse_ack, message[:end], KEYS)


def test_hello_is_written_and_read():
    hello = Hello(NODE, EPOCH, NONCE, 1, 4000000000, 7, "0.1.0 暖")
    assert parse_hello(build_hello(hello, KEYS), KEYS) == hello
    refused(build_hello, Hello(NODE, EPOCH, NONCE, 3, 1, 7, ""), KEYS)
