"""Commands for nodes: published before the answer, once, in order, resumed, and their outcomes."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nuan_gateway.command_queue import CommandError, Orders, configuration
from nuan_gateway.ingest.courier import RETRY_MIN_MS, UNANSWERED_MAX, Courier
from nuan_gateway.site import Site, load_site
from nuan_gateway.store import commands
from nuan_gateway.store.engine import begin_write
from nuan_protocols.uplink import body, entry
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink.ack import parse_ack
from nuan_protocols.uplink.command import Command, parse_command
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.message import TYPE_COMMAND
from nuan_protocols.uplink.result import DONE, FAILED, GO_ON, REFUSED, Result, build_result

NODE = "6e75616e00000001"
Rig = Any


class Post:
    """The node's end of a bench whose writer has a courier."""

    def __init__(self, bench: Rig, journal: Rig, site: Site, *, push_config: bool = False) -> None:
        self.bench, self.journal, self.site = bench, journal, site
        self.push_config = push_config
        self.renew()

    def renew(self) -> None:
        """The gateway starts anew: what it remembered is gone."""
        keys_of = self.bench.gatekeeper.keys_of
        self.bench.writer._courier = Courier(keys_of, self.site, push_config=self.push_config)

    def order(self, ask: Callable[[Orders], int]) -> int:
        with begin_write(self.bench.engine) as connection:
            return ask(Orders(connection, self.site, "zhang", self.bench.clock.ms))

    def say(self, payload: bytes) -> Command | None:
        """The command that came before the one acknowledgement."""
        answers = [p for _, p in self.bench.writer.process([(self.journal.up_topic, payload)])]
        parse_ack(answers[-1], self.journal.keys)
        assert len(answers) <= 2
        return parse_command(answers[0], self.journal.keys) if len(answers) == 2 else None

    def pushed(self) -> list[Command]:
        answers = self.bench.writer.push()
        assert all(payload[1] == TYPE_COMMAND for _, payload in answers)
        return [parse_command(payload, self.journal.keys) for _, payload in answers]

    def hello(self, version: int = 7) -> Command | None:
        j = self.journal
        said = Hello(bytes.fromhex(NODE), j.epoch, j.nonce, 0, 0, version, "0.1.0")
        return self.say(build_hello(said, j.keys))

    def tell(self, counter: int, status: int, text: str = "", offset: int = 0) -> Command | None:
        j = self.journal
        said = Result(bytes.fromhex(NODE), j.epoch, j.nonce, counter, status, offset, text)
        return self.say(build_result(said, j.keys))

    def reconnect(self, nonce: bytes = b"nonce--2") -> None:
        self.journal.nonce = nonce

    def row(self, number: int) -> commands.StoredCommand:
        with self.bench.engine.connect() as connection:
            return commands.latest(connection, 1, ids=[number])[0]

    def outcome(self, number: int) -> tuple[str, str]:
        row = self.row(number)
        return row.state, row.result


@pytest.fixture
def post(bench: Rig, journal: Rig, site_folder: Path) -> Post:
    """A courier that offers nothing by itself."""
    return Post(bench, journal, load_site(site_folder / "site.toml"))


@pytest.fixture
def eager(bench: Rig, journal: Rig, site_folder: Path) -> Post:
    """A courier that offers configurations."""
    site = load_site(site_folder / "site.toml")
    return Post(bench, journal, site, push_config=True)


def test_a_command_goes_before_the_answer_and_ends_with_its_result(post: Post) -> None:
    assert post.hello() is None
    number = post.order(lambda orders: orders.read(NODE, [1, 16]))
    asked = post.hello()
    assert asked is not None
    assert (asked.code, wire.parse_read(asked.payload)) == (wire.READ, [1, 16])
    assert (asked.nonce, asked.epoch) == (post.journal.nonce, post.journal.epoch)
    assert post.outcome(number) == (commands.SENT, "")
    # It has been sent, and nothing else waits.
    assert post.hello() is None
    assert post.tell(asked.counter, GO_ON) is None
    assert post.outcome(number) == (commands.SENT, "")
    assert post.tell(asked.counter, DONE, "2 read") is None
    assert post.outcome(number) == (commands.DONE, "2 read")
    assert post.row(number).who == "zhang"


def test_one_at_a_time_in_the_order_they_were_asked(post: Post) -> None:
    numbers = [post.order(lambda o: o.read(NODE, [1])), post.order(lambda o: o.again(NODE, 5))]
    first = post.hello()
    assert first is not None
    second = post.tell(first.counter, FAILED, "no answer")
    assert second is not None
    assert (second.code, second.counter) == (wire.AGAIN, first.counter + 1)
    # The late repetition of an older result changes nothing.
    assert post.tell(first.counter, DONE, "late") is None
    assert post.tell(second.counter, REFUSED, "1..4") is None
    assert [post.outcome(n) for n in numbers] == [("failed", "no answer"), ("refused", "1..4")]


def test_a_silent_node_is_pushed_and_asked_again_ever_more_rarely(post: Post) -> None:
    post.hello()
    assert post.pushed() == []
    number = post.order(lambda orders: orders.time(NODE))
    (first,) = post.pushed()
    assert wire.parse_number(first.payload) == post.bench.clock.ms // 1000
    assert post.pushed() == []
    waits: list[int] = []
    for _ in range(4):
        waited = 0
        while not (again := post.pushed()):
            post.bench.clock.ms += 1000
            waited += 1000
        # The same bytes: a node that has done it says so once more.
        assert again == [first]
        waits.append(waited)
    assert waits == [RETRY_MIN_MS << shift for shift in range(4)]
    assert post.outcome(number)[0] == commands.SENT


def test_a_node_that_speaks_but_gives_no_result_is_given_up(post: Post) -> None:
    number = post.order(lambda orders: orders.again(NODE, 1))
    other = post.order(lambda orders: orders.time(NODE))
    asked = post.hello()
    for _ in range(UNANSWERED_MAX):
        post.bench.clock.ms += 900_000
        assert post.hello() == asked
    post.bench.clock.ms += 900_000
    following = post.hello()
    assert post.outcome(number) == (commands.FAILED, "the node gives no result")
    assert following is not None
    assert following.code == wire.TIME
    assert post.outcome(other)[0] == commands.SENT


def test_a_new_connection_gets_the_command_anew(post: Post) -> None:
    number = post.order(lambda orders: orders.again(NODE, 1))
    first = post.hello()
    post.reconnect()
    second = post.hello()
    assert first is not None
    assert second is not None
    assert second.nonce != first.nonce
    assert second.payload == first.payload
    post.tell(second.counter, DONE)
    assert post.outcome(number)[0] == commands.DONE


def test_a_gateway_that_was_restarted_finds_its_place_by_the_nodes_counter(post: Post) -> None:
    number = post.order(lambda orders: orders.again(NODE, 1))
    first = post.hello()
    assert first is not None
    post.tell(first.counter, DONE, "from 1")
    post.renew()
    # In the same connection, though time went on: a counter that was never used.
    other = post.order(lambda orders: orders.again(NODE, 2))
    post.bench.clock.ms += 50
    (second,) = post.pushed()
    assert second.counter > first.counter
    # A node that counts further still says where it is, and the command comes with the next one.
    third = post.tell(second.counter + 500, DONE, "something older")
    assert third is not None
    assert third.counter == second.counter + 501
    assert post.outcome(other)[0] == commands.SENT
    post.tell(third.counter, DONE, "from 2")
    assert [post.outcome(n)[1] for n in (number, other)] == ["from 1", "from 2"]


def test_commands_end_when_their_time_is_over(post: Post) -> None:
    post.hello()
    number = post.order(lambda orders: orders.read(NODE, [1]))
    post.bench.clock.ms = post.row(number).expires_at
    assert post.pushed() == []
    assert post.outcome(number) == (commands.EXPIRED, "not delivered in time")


def test_a_transfer_goes_piece_by_piece_and_on_after_a_break(post: Post) -> None:
    content = bytes(range(256)) * 7
    number = post.order(lambda orders: orders.update(NODE, content, "nuan-1.bundle"))
    begin = post.hello()
    assert begin is not None
    digest = hashlib.sha256(content).digest()
    assert wire.parse_begin(begin.payload) == (wire.KIND_BUNDLE, len(content), digest)
    piece = post.tell(begin.counter, GO_ON, offset=0)
    got = bytearray()
    while piece is not None and piece.code == wire.DATA:
        at, data = wire.parse_data(piece.payload)
        assert at == len(got)
        got += data
        if len(got) == 1024 and post.journal.nonce == b"nonce--1":
            post.reconnect()
            again = post.hello()
            assert again is not None
            assert again.code == wire.BEGIN
            piece = post.tell(again.counter, GO_ON, offset=1024)
            continue
        piece = post.tell(piece.counter, GO_ON, offset=len(got))
        assert post.row(number).done_bytes == len(got)
    assert bytes(got) == content
    assert piece is not None
    assert piece.code == wire.END
    post.tell(piece.counter, DONE, "on trial after a restart")
    assert post.outcome(number) == (commands.DONE, "on trial after a restart")
    assert post.bench.rows("SELECT count(*) FROM node_file") == [(0,)]


def deliver(post: Post, command: Command | None) -> Command:
    """The node takes a whole transfer; the END that is sent last."""
    while command is not None and command.code != wire.END:
        offset = 0
        if command.code == wire.DATA:
            at, data = wire.parse_data(command.payload)
            offset = at + len(data)
        command = post.tell(command.counter, GO_ON, offset=offset)
    assert command is not None
    return command


def test_an_older_configuration_is_offered_the_sites_and_confirmed(eager: Post) -> None:
    assert eager.hello(7) is None
    assert eager.hello(8) is None
    begin = eager.hello(6)
    assert begin is not None
    version, content = configuration(eager.site, NODE)
    assert version == 7
    assert wire.parse_begin(begin.payload)[2] == hashlib.sha256(content).digest()
    end = deliver(eager, begin)
    assert eager.tell(end.counter, DONE, "on trial after a restart") is None
    assert eager.outcome(1) == (commands.TRIAL, "on trial after a restart")
    # A greeting of the same connection says nothing yet.
    assert eager.hello(6) is None
    assert eager.outcome(1)[0] == commands.TRIAL
    eager.reconnect()
    assert eager.hello(7) is None
    assert eager.outcome(1) == (commands.DONE, "in use")
    assert eager.row(1).who == "gateway"


def test_a_configuration_that_was_rolled_back_is_not_offered_again(eager: Post) -> None:
    end = deliver(eager, eager.hello(6))
    eager.tell(end.counter, DONE, "on trial after a restart")
    eager.reconnect()
    assert eager.hello(6) is None
    assert eager.outcome(1) == (commands.FAILED, "the node runs version 6 again")
    buffer = bytearray(100)
    told = "trial rolled back: no gateway within 600 s"
    event = bytes(buffer[: body.put_event(buffer, 0, body.EVENT_CONFIGURATION, told)])
    eager.journal.add(entry.KIND_EVENT, event)
    assert eager.say(eager.journal.batch(1, 1)) is None
    assert eager.outcome(1) == (commands.FAILED, told)
    eager.reconnect(b"nonce--3")
    assert eager.hello(6) is None
    # Somebody asks for it all the same.
    eager.order(lambda orders: orders.config(NODE))
    assert eager.hello(6) is not None


def test_a_confirmed_configuration_whose_result_was_lost_is_in_use(eager: Post) -> None:
    deliver(eager, eager.hello(6))
    eager.reconnect()
    eager.hello(7)
    assert eager.outcome(1) == (commands.DONE, "in use")


def test_a_newer_configuration_takes_the_older_ones_place(post: Post) -> None:
    post.hello()
    first = post.order(lambda orders: orders.config(NODE))
    assert post.order(lambda orders: orders.config(NODE)) == first
    node = post.site.nodes[0].model_copy(update={"config_version": 9})
    post.site = post.site.model_copy(update={"nodes": (node,)})
    second = post.order(lambda orders: orders.config(NODE))
    assert post.outcome(first) == (commands.EXPIRED, "superseded by version 9")
    asked = post.hello()
    assert asked is not None
    assert post.outcome(second)[0] == commands.SENT


def test_no_control_character_goes_into_a_nodes_journal(post: Post) -> None:
    until = datetime(2099, 1, 1, tzinfo=UTC)
    number = post.order(lambda o: o.setpoint(NODE, 1, 195, until, "ill\x1b]52;c\x07"))
    assert wire.parse_setpoint(post.row(number).payload)[4] == "ill\ufffd]52;c\ufffd"


def test_what_no_node_would_do_is_not_queued(post: Post) -> None:
    asks: list[tuple[str, Callable[[Orders], int]]] = [
        ("has no board 6e75616e0000000f; its boards: 6e75616e00000001",
         lambda o: o.time("6e75616e0000000f")),
        ("no meter in slot 9; its slots: 1, 16", lambda o: o.read(NODE, [9])),
        ("17 slots", lambda o: o.read(NODE, [1] * 17)),
        ("does not fit", lambda o: o.again(NODE, -1)),
        ("0 bytes are no firmware", lambda o: o.update(NODE, b"", "x")),
    ]  # fmt: skip
    for why, ask in asks:
        with pytest.raises(CommandError, match=why):
            post.order(ask)
    assert post.bench.rows("SELECT count(*) FROM node_command") == [(0,)]


def test_a_failed_transaction_leaves_the_command_as_it_was(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_work: object) -> None:
        raise ZeroDivisionError

    number = post.order(lambda orders: orders.again(NODE, 1))
    with monkeypatch.context() as patch:
        patch.setattr(post.bench.writer, "_save", fail)
        with pytest.raises(ZeroDivisionError):
            post.hello()
    assert post.outcome(number) == (commands.QUEUED, "")
    assert post.hello() is not None
