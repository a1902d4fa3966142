import asyncio
import os

from config_kit import make_config
from journal_kit import KEYS, NODE, Meters, make_journal
from ram_flash import RamFlash
from tiny_gateway import Gateway

from nuan_firmware.connection import Connection
from nuan_firmware.links import Links
from nuan_firmware.mqtt import MqttError
from nuan_firmware.uplink import Uplink
from nuan_protocols.uplink.ack import Ack, build_ack


class Time:
    """An uptime that moves under the test's hand."""

    def __init__(self):
        self.s = 0

    def uptime(self):
        return self.s


class Node:
    """A journal with an uplink to a gateway, all of them real, and the time in our hand."""

    def __init__(self, gateway, links=(), trust=None, host="127.0.0.1"):
        self.gateway = gateway
        self.clock = Time()
        self.times = []
        self.notes = []
        self.journal = make_journal()
        self.meters = Meters(1)
        config = make_config(host=host, port=gateway.port, tls=trust is not None)
        self.links = Links(links, self.clock, self.notes.append)
        self.connection = Connection(
            config, "", self.links, self.clock, os.urandom, trust, self.notes.append
        )
        self.uplink = Uplink(
            config,
            "1.0",
            self.connection,
            self.journal,
            self.journal._keys,
            self.clock,
            os.urandom,
            self.times.append,
        )
        # Nobody has a second to wait here; the real one has its own test.
        self.connection.backoff_ms = lambda: 10
        self.task = asyncio.create_task(self.uplink.run())

    def turn(self, turns=1):
        for _ in range(turns):
            self.meters.poll(self.journal)
            self.journal.flush()
        self.uplink.kick()

    def beat(self, seconds):
        self.clock.s += seconds
        self.gateway.time += seconds
        self.uplink.check()

    async def settle(self, condition, what):
        for _ in range(1000):
            if condition():
                return
            await asyncio.sleep_ms(5)
        raise AssertionError((what, self.connection.fault))

    async def delivered(self):
        await self.settle(lambda: self.journal.delivered == self.journal.flushed, "delivered")


def live(story):
    """Run a story with a fresh flash, gateway and node."""

    async def run():
        gateway = Gateway()
        await gateway.start()
        node = Node(gateway)
        try:
            await story(node, gateway)
        finally:
            node.task.cancel()
            gateway.cut()
            await gateway.stop()

    chip = RamFlash(240)
    chip.format()
    chip.mount()
    # Tasks of an earlier story must not live on in this one.
    asyncio.new_event_loop()
    try:
        asyncio.run(run())
    finally:
        chip.unmount()


def test_it_says_hello_takes_the_time_and_delivers():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        assert node.times[0] == gateway.time
        assert gateway.messages[0][0] == 1
        node.turn(3)
        await node.delivered()
        assert sorted(gateway.entries) == list(range(1, 28))
        assert gateway.connections == 1
        await node.settle(lambda: gateway.pubacks == len(gateway.acked), "acknowledged")

    live(story)


def test_no_more_batches_are_in_flight_than_the_credit_allows():
    async def story(node, gateway):
        gateway.credit = 2
        await node.settle(lambda: node.times, "greeted")
        gateway.lose = 99
        node.turn(20)
        await asyncio.sleep_ms(200)
        assert sum(message[0] == 2 for message in gateway.messages) == 2

    live(story)


def test_what_is_not_acknowledged_in_time_is_sent_again():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        gateway.lose = 1
        node.turn()
        await node.settle(lambda: len(gateway.entries) == 9, "received")
        assert node.journal.delivered == 0
        node.beat(29)
        await asyncio.sleep_ms(50)
        assert gateway.duplicates == 0
        node.beat(1)
        await node.delivered()
        assert gateway.duplicates == 9
        assert gateway.connections == 1

    live(story)


def test_a_gateway_that_never_acknowledges_is_left_and_asked_again():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        gateway.lose = 3
        node.turn()
        for _ in range(3):
            await node.settle(lambda: len(gateway.messages) > 1, "sent")
            await asyncio.sleep_ms(50)
            node.beat(30)
        await node.settle(lambda: gateway.connections == 2, "connected again")
        await node.delivered()

    live(story)


def test_a_lost_batch_is_seen_as_a_gap_and_sent_again():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        keep = gateway._keep
        lost = []

        def lose_first(message, head):
            if lost:
                keep(message, head)
            lost.append(1)

        gateway._keep = lose_first
        node.turn(8)
        await node.delivered()
        assert sorted(gateway.entries) == list(range(1, 73))

    live(story)


def test_acknowledgements_of_other_connections_are_ignored():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        gateway.forge = b"another!"
        node.turn()
        await node.settle(lambda: len(gateway.entries) == 9, "received")
        await asyncio.sleep_ms(50)
        assert node.journal.delivered == 0
        assert len(node.times) == 1

    live(story)


def test_each_connection_has_its_own_nonce_and_goes_on_where_the_gateway_is():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        node.turn()
        await node.delivered()
        gateway.cut()
        await node.settle(lambda: gateway.connections == 2, "connected again")
        node.turn()
        await node.delivered()
        nonces = [message[1] for message in gateway.messages if message[0] == 1]
        assert len(set(nonces)) == 2
        assert gateway.duplicates == 0

    live(story)


def test_a_restored_gateway_gets_everything_again():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        node.turn(4)
        await node.delivered()
        gateway.entries.clear()
        gateway.cumulative = 0
        gateway.cut()
        await node.settle(lambda: gateway.cumulative == 36, "everything again")
        await node.delivered()

    live(story)


def test_credit_zero_means_wait_and_ask_a_minute_later():
    async def story(node, gateway):
        gateway.credit = 0
        await node.settle(lambda: node.times, "greeted")
        node.turn()
        await asyncio.sleep_ms(50)
        assert gateway.entries == {}
        gateway.credit = 1
        node.beat(59)
        await asyncio.sleep_ms(50)
        assert len(gateway.messages) == 1
        node.beat(1)
        await node.delivered()

    live(story)


def test_a_quiet_connection_is_pinged_and_a_dead_one_is_left():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        node.beat(89)
        await asyncio.sleep_ms(50)
        assert gateway.pings == 0
        node.beat(1)
        await node.settle(lambda: gateway.pings == 1, "pinged")
        await asyncio.sleep_ms(50)
        node.beat(30)
        await asyncio.sleep_ms(50)
        assert gateway.connections == 1
        node.uplink._pinged_s = node.clock.s
        node.beat(30)
        await node.settle(lambda: gateway.connections == 2, "left")

    live(story)


def test_no_answer_to_hello_ends_the_connection_at_its_deadline():
    async def story(node, gateway):
        gateway.lose = 1
        await node.settle(lambda: gateway.messages, "said hello")
        node.beat(29)
        await asyncio.sleep_ms(50)
        assert gateway.connections == 1
        node.beat(1)
        await node.settle(lambda: node.times, "greeted")
        assert gateway.connections == 2

    live(story)


def test_a_refused_connection_is_named_and_tried_again():
    async def story(node, gateway):
        gateway.code = 5
        await node.settle(lambda: "not authorised" in node.connection.fault, "refused")
        gateway.code = 0
        await node.settle(lambda: node.times, "greeted")

    live(story)


def test_the_back_off_grows_with_jitter_up_to_its_limit():
    async def story(node, gateway):
        connection = node.connection
        for failures, most_s in ((0, 1), (3, 8), (8, 256), (30, 300)):
            connection.failures = failures
            seen = [Connection.backoff_ms(connection) for _ in range(50)]
            assert most_s * 500 <= min(seen) <= max(seen) <= most_s * 1000
            assert len(set(seen)) > 10

    live(story)


def test_a_broker_that_says_an_acknowledgement_again_cannot_put_the_clock_back():
    async def story(node, gateway):
        await node.settle(lambda: node.uplink.turns, "greeted")
        start, nonce = gateway.time, node.uplink._nonce
        for behind_s, taken in ((0, True), (8, True), (30, False), (100, False), (0, True)):
            node.beat(100)
            told = len(node.times)
            old = Ack(NODE, node.journal.epoch, nonce, 0, False, 4, gateway.time - behind_s, ())
            node.uplink._take(0, publication(build_ack(old, KEYS)))
            assert node.times[told:] == [gateway.time - behind_s] * taken, behind_s
        assert gateway.connections == 1
        assert gateway.time == start + 500
        # As old as nothing honest can be: another nonce tells a replay from a clock put back.
        gateway.time -= 3600
        old = Ack(NODE, node.journal.epoch, nonce, 0, False, 4, gateway.time, ())
        node.uplink._take(0, publication(build_ack(old, KEYS)))
        await node.settle(lambda: node.uplink.turns == 2, "greeted again")
        assert node.times[-1] == gateway.time

    live(story)


def test_a_flood_of_publications_ends_the_connection_before_it_fills_the_heap():
    async def story(node, gateway):
        await node.settle(lambda: node.uplink.turns, "greeted")
        packet = publication(b"nothing", 7)
        raised = False
        for _ in range(100):
            try:
                node.uplink._take(2, packet)
            except MqttError:
                raised = True
                break
        assert raised
        assert len(node.uplink._pubacks) == 16

    live(story)


def publication(payload, packet_id=0):
    """The rest of a PUBLISH."""
    return memoryview(b"\x00\x01d" + (bytes((0, packet_id)) if packet_id else b"") + payload)
