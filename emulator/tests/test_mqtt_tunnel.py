"""The tunnel against a peer on a real socket that answers when and as the test says."""

import socket
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator import mqtt_packets as mqtt
from nuan_emulator.errors import EmulatorError, HoldTimeoutError
from nuan_emulator.mqtt_packets import PacketSplitter, parse_publish
from nuan_emulator.tunnel import DELAY_MS, Tunnel, TunnelHooks

CONNECT = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x78\x00\x06nuan-1"
PING = b"\xc0\x00"
CONNACK = b"\x20\x02\x00\x00"
HEAD = bytes([1]) + bytes(25)


def publish(topic: str, payload: bytes, identifier: int = 0) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode()
    if identifier:
        body += identifier.to_bytes(2, "big")
    body += payload
    return bytes([0x32 if identifier else 0x30]) + length(len(body)) + body


def length(count: int) -> bytes:
    data = bytearray()
    while True:
        data.append(count % 128 | (0x80 if count > 127 else 0))
        count //= 128
        if not count:
            return bytes(data)


def message(kind: int, *fields: int) -> bytes:
    data = bytearray(HEAD + b"".join(field.to_bytes(4, "big") for field in fields) + bytes(32))
    data[1] = kind
    return bytes(data)


class Peer:
    """A broker of a few lines: answers each packet by a table of functions, on its own thread."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.seen: list[bytes] = []
        self.answers: dict[int, list[bytes]] = {
            mqtt.CONNECT: [CONNACK],
            mqtt.PINGREQ: [b"\xd0\x00"],
        }
        self.pause_s = 0.0
        self.client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                self.client, _ = self._server.accept()
            except OSError:
                return
            with self.client:
                self._talk(self.client)

    def _talk(self, client: socket.socket) -> None:
        splitter = PacketSplitter()
        while True:
            try:
                data = client.recv(4096)
            except OSError:
                return
            if not data:
                return
            for packet in splitter.feed(data):
                self.seen.append(packet.data)
                time.sleep(self.pause_s)
                for answer in self.answers.get(packet.type, ()):
                    client.sendall(answer)

    def say(self, data: bytes) -> None:
        assert self.client
        self.client.sendall(data)

    def hang_up(self) -> None:
        assert self.client
        self.client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self.client:
            self.client.close()
        self._thread.join(5)


class Seen:
    """What reaches the node, in order: (what, UTC ms, data)."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int, object]] = []

    def socket_opened(self, ident: int, at_ms: int) -> None:
        self.events.append(("open", at_ms, ident))

    def socket_data(self, ident: int, at_ms: int, data: bytes) -> None:
        self.events.append(("data", at_ms, data))

    def socket_ended(self, ident: int, at_ms: int) -> None:
        self.events.append(("end", at_ms, ident))

    def socket_failed(self, ident: int, at_ms: int, errno: int) -> None:
        self.events.append(("fail", at_ms, errno))


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


class Rig:
    """A tunnel to a peer with everything it told."""

    def __init__(self, port: int, seed: int = 1) -> None:
        self.seen = Seen()
        self.clock: list[int] = []
        self.tunnel = Tunnel(("127.0.0.1", port), self.seen, Random(seed), self.clock.append)

    def say(self, data: bytes, now_ms: int) -> None:
        self.tunnel.send(7, now_ms, data)
        self.tunnel.hold(now_ms)

    def data(self) -> list[object]:
        return [data for what, _, data in self.seen.events if what == "data"]


@pytest.fixture
def rig(peer: Peer) -> Iterator[Rig]:
    rig = Rig(peer.port)
    rig.tunnel.open(7, 1000)
    rig.say(CONNECT, 2000)
    yield rig
    rig.tunnel.cut()


def test_answers_come_at_the_time_of_the_question_plus_a_seeded_delay(rig: Rig, peer: Peer) -> None:
    peer.pause_s = 0.2
    rig.say(PING, 9_000)
    opened, connack, ping = rig.seen.events
    assert opened[0] == "open"
    assert DELAY_MS[0] <= opened[1] - 1000 <= DELAY_MS[1]
    assert connack[2] == CONNACK
    assert DELAY_MS[0] <= connack[1] - 2000 <= DELAY_MS[1]
    assert ping[2] == b"\xd0\x00"
    assert DELAY_MS[0] <= ping[1] - 9000 <= DELAY_MS[1]
    assert rig.clock == [2000, 9000]


def test_the_clock_is_set_before_the_bytes_go(peer: Peer) -> None:
    order: list[object] = []
    tunnel = Tunnel(
        ("127.0.0.1", peer.port), Seen(), Random(1), lambda ms: order.append((ms, len(peer.seen)))
    )
    tunnel.open(1, 0)
    tunnel.send(1, 5, CONNECT)
    tunnel.hold(5)
    tunnel.cut()
    assert order == [(5, 0)]


def test_a_message_up_owes_a_puback_and_the_gateways_answer_in_that_order(
    rig: Rig, peer: Peer
) -> None:
    answer = publish("nuan/v1/1/down", message(0x81, 5), 1)
    peer.answers[mqtt.PUBLISH] = [answer, b"\x40\x02\x00\x09"]
    batch = message(2, 3, 0)[:26] + (3).to_bytes(4, "big") + (3).to_bytes(2, "big") + bytes(32)
    rig.say(publish("nuan/v1/1/up", batch, 9), 50_000)
    assert rig.data()[1:] == [b"\x40\x02\x00\x09", answer]
    stats = rig.tunnel.stats
    assert (stats.batches, stats.entries, stats.newest, stats.cumulative) == (1, 3, 5, 5)
    assert (stats.answers, stats.backlog, stats.resent) == (1, 0, 0)


def test_a_resent_batch_and_the_backlog_are_counted(rig: Rig) -> None:
    rig.tunnel.forgive()
    stats = rig.tunnel.stats
    stats.up(message(1, 1, 40))
    first = HEAD[:1] + b"\x02" + HEAD[2:] + (1).to_bytes(4, "big") + (20).to_bytes(2, "big")
    stats.up(first + bytes(32))
    stats.up(first + bytes(32))
    stats.down(message(0x81, 20))
    assert (stats.hellos, stats.batches, stats.resent, stats.backlog) == (1, 2, 1, 20)


def test_packets_split_anywhere_are_forwarded_whole(rig: Rig, peer: Peer) -> None:
    packet = publish("other", b"x" * 300)
    for byte in packet:
        rig.say(bytes([byte]), 3000)
    rig.say(PING, 4000)
    assert peer.seen == [CONNECT, packet, PING]


def test_what_is_owed_and_never_comes_is_named(rig: Rig) -> None:
    rig.tunnel.hold_seconds = 0.2
    with pytest.raises(HoldTimeoutError, match=r"0\.2 s: PUBACK 9, the gateway's acknowledgement"):
        rig.say(publish("nuan/v1/1/up", message(2, 1, 1), 9), 3000)


def test_a_forgiven_gateway_owes_nothing_and_its_late_answer_still_arrives(
    rig: Rig, peer: Peer
) -> None:
    puback = b"\x40\x02\x00\x09"
    peer.answers[mqtt.PUBLISH] = [puback]
    timer = threading.Timer(0.2, rig.tunnel.forgive)
    timer.start()
    rig.say(publish("nuan/v1/1/up", message(2, 1, 1), 9), 3000)
    timer.join()
    rig.say(publish("nuan/v1/1/up", message(2, 2, 1), 9), 4000)
    assert rig.data()[1:] == [puback, puback]
    late = publish("nuan/v1/1/down", message(0x81, 2))
    peer.say(late)
    until(lambda: (rig.tunnel.poll(8000), late in rig.data())[1])
    assert rig.seen.events[-1][1] >= 8000


def until(happened: object) -> None:
    assert callable(happened)
    end = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_acknowledgement_can_be_lost_on_its_way(rig: Rig, peer: Peer) -> None:
    forwarded: list[bytes] = []
    rig.tunnel.hooks = TunnelHooks(forwarded.append, lambda _: False)
    peer.answers[mqtt.PUBLISH] = [
        b"\x40\x02\x00\x09", publish("nuan/v1/1/down", message(0x81, 2))
    ]  # fmt: skip
    batch = message(2, 1, 1)
    rig.say(publish("nuan/v1/1/up", batch, 9), 3000)
    assert rig.data()[1:] == [b"\x40\x02\x00\x09"]
    assert forwarded == [batch]
    assert rig.tunnel.stats.answers == 0


def test_a_broker_that_dies_is_an_end_at_the_present(rig: Rig, peer: Peer) -> None:
    peer.answers[mqtt.PINGREQ] = []
    timer = threading.Timer(0.1, peer.hang_up)
    timer.start()
    rig.say(PING, 70_000)
    timer.join()
    what, at_ms, _ = rig.seen.events[-1]
    assert what == "end"
    assert DELAY_MS[0] <= at_ms - 70_000 <= DELAY_MS[1]
    assert rig.tunnel.open_idents() == []
    rig.say(PING, 71_000)


def test_nobody_at_the_port_is_a_refused_connection() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        rig = Rig(reserved.getsockname()[1])
        rig.tunnel.open(3, 500)
    assert [(what, data) for what, _, data in rig.seen.events] == [("fail", 111)]


def test_what_the_world_saw_depends_on_the_seed_alone(peer: Peer) -> None:
    runs = []
    for seed, pause_s in ((1, 0.0), (1, 0.05), (2, 0.0)):
        peer.pause_s = pause_s
        rig = Rig(peer.port, seed)
        rig.tunnel.open(7, 1000)
        for now_ms in range(2000, 12_000, 2000):
            rig.say(CONNECT + PING, now_ms)
        rig.tunnel.cut()
        runs.append(rig.seen.events)
    assert runs[0] == runs[1] != runs[2]


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 65535)), max_size=5),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_packets_survive_any_split(messages: list[tuple[bytes, int]], sizes: list[int]) -> None:
    stream = b"".join(publish("a/b", payload, number) for payload, number in messages)
    splitter = PacketSplitter()
    found = []
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += splitter.feed(stream[at : at + size])
        at += size
        turn += 1
    assert [parse_publish(packet)[2:] for packet in found] == [(n, p) for p, n in messages]
    assert b"".join(packet.data for packet in found) == stream


def test_a_length_without_end_is_refused() -> None:
    with pytest.raises(EmulatorError, match="4 bytes"):
        PacketSplitter().feed(b"\x30\xff\xff\xff\xff\x01")
