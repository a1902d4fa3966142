import asyncio

from check_uplink import Node, live
from journal_kit import NODE

from nuan_firmware import connection as module
from nuan_firmware.connection import Connection


class Names:
    """The resolver: gives an address, or fails while it is `down`; counts who asks."""

    SOCK_STREAM = 1

    def __init__(self):
        self.asked = 0
        self.down = False

    def getaddrinfo(self, host, port, family, kind):
        self.asked += 1
        assert host == "gateway.example"
        if self.down:
            raise OSError(-202)
        return [(2, 1, 0, "", ("127.0.0.1", port))]


def named(story):
    """A story of a node that knows its gateway by a name."""

    async def run(node, gateway):
        node.task.cancel()
        names = Names()
        real, module.socket = module.socket, names
        other = Node(gateway, host="gateway.example")
        try:
            await story(other, gateway, names)
        finally:
            other.task.cancel()
            module.socket = real

    live(run)


def test_a_name_is_looked_up_once_for_many_connections():
    async def story(node, gateway, names):
        await node.settle(lambda: node.times, "greeted")
        for count in range(1, 5):
            gateway.cut()
            before = len(node.times)
            await node.settle(lambda count=before: len(node.times) > count, "greeted again")
        assert names.asked == 1

    named(story)


def test_a_name_that_fails_now_is_where_it_was():
    async def story(node, gateway, names):
        await node.settle(lambda: node.times, "greeted")
        names.down = True
        node.clock.s += 2 * 86400
        gateway.cut()
        await node.settle(lambda: len(node.times) > 1, "greeted again")
        assert names.asked >= 2

    named(story)


def test_an_address_that_fails_three_times_is_asked_for_again():
    async def story(node, gateway, names):
        await node.settle(lambda: node.times, "greeted")
        await gateway.stop()
        gateway.cut()
        await node.settle(lambda: node.connection.failures >= 7, "refused seven times")
        assert names.asked == 3

    named(story)


def test_no_address_at_all_is_named():
    async def story(node, gateway, names):
        names.down = True
        node.connection._address = None
        gateway.cut()
        await node.settle(lambda: "no address for" in node.connection.fault, "said")

    named(story)


def test_a_wrong_password_is_told_once_a_day_and_tried_slowly():
    async def story(node, gateway):
        gateway.code = 4
        await node.settle(lambda: gateway.connections > 5, "refused often")
        assert node.notes == ["the broker refuses: user or password"]
        assert node.connection.fault == node.notes[0]
        waits = [Connection.backoff_ms(node.connection) for _ in range(50)]
        assert min(waits) >= 120000
        assert max(waits) <= 300000
        node.clock.s += 86400
        seen = gateway.connections
        await node.settle(lambda: gateway.connections > seen + 2, "refused again")
        assert len(node.notes) == 2

    live(story)


def test_a_broker_that_starts_is_no_reason_to_wait_for_long():
    async def story(node, gateway):
        gateway.code = 3
        await node.settle(lambda: "not ready" in node.connection.fault, "said")
        assert node.notes == []
        gateway.code = 0
        await node.settle(lambda: node.times, "greeted")

    live(story)


def test_a_server_that_says_nothing_is_left_at_the_deadline():
    async def run(node, gateway):
        node.task.cancel()

        async def silent(reader, writer):
            await asyncio.sleep(60)

        server = None
        for port in range(42100, 42200):
            try:
                server = await asyncio.start_server(silent, "127.0.0.1", port)
                break
            except OSError:
                continue
        gateway.port = port
        other = Node(gateway)
        try:
            await other.settle(lambda: other.connection._reader is not None, "connected")
            other.beat(59)
            await asyncio.sleep_ms(50)
            assert other.connection.failures == 0
            other.beat(1)
            await other.settle(lambda: other.connection.failures == 1, "left")
            assert "no answer in time" in other.connection.fault
        finally:
            other.task.cancel()
            server.close()

    live(run)


def test_what_the_console_shows():
    async def story(node, gateway):
        await node.settle(lambda: node.times, "greeted")
        node.turn(2)
        await node.delivered()
        state = node.uplink.describe()
        assert state["connected"]
        assert (state["flushed"], state["delivered"], state["fault"]) == (18, 18, "")
        assert state["links"]["link"] == ""
        assert gateway.messages[0][0] == 1
        assert len(NODE) == 8

    live(story)
