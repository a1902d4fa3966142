"""The gateway's commands on a whole node in memory: who may command, what is done once."""

import random
from hashlib import sha256

import edge_in_memory
from check_app import MBUS, RS485, Meter
from check_config import GOOD
from config_kit import make_config
from journal_kit import KEYS, NODE
from ram_flash import MOUNT, RamFlash

from nuan_firmware import config_store, config_trial, essentials, on_demand, panic
from nuan_firmware.app import make
from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink.command import Command, build_command
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import put_mac
from nuan_protocols.uplink.result import DONE, FAILED, GO_ON, REFUSED, parse_result

NONCE = b"a nonce!"
TEXT = GOOD.replace('"version":7', '"version":8').encode()
# Seeds of what is changed below.
SEED = 20261121
MUTATIONS = 1000


class Bench:
    """A node, and the gateway's side of its commands."""

    def __init__(self):
        meters = (Meter(1, 0, 1, 900, ()), Meter(2, 1, 2, 900, ((3, 0, 18),)))
        self.node = make(make_config(buses=(MBUS, RS485), meters=meters))
        self.node.journal.flush()
        self.commands = self.node.uplink.commands
        self.counter = 0

    def message(self, code, payload=b"", counter=0, nonce=NONCE, node=NODE, keys=KEYS):
        if not counter:
            self.counter += 1
            counter = self.counter
        epoch = self.node.journal.epoch
        return build_command(Command(node, epoch, nonce, counter, code, payload), keys)

    def ask(self, code, payload=b""):
        """(status, text, offset) that the node answers at once."""
        return self.take(self.message(code, payload))

    def take(self, message):
        self.commands.take(message, NONCE)
        return self.told()

    def told(self):
        if not self.commands.due:
            return None
        result = parse_result(self.commands.result(NONCE), KEYS)
        assert (result.node, result.nonce) == (NODE, NONCE)
        self.last = result.counter
        return result.status, result.text, result.offset

    def state(self):
        """What no refused command may change."""
        journal, commands = self.node.journal, self.commands
        files = [
            config_store.exists(p) for p in (config_store.TRIAL_PATH, config_store.CONFIG_PATH)
        ]
        return journal.seq, journal.cursor.seq, commands.counter, files, edge_in_memory.Hal.resets


def on_flash(test):
    def run():
        chip = RamFlash(64)
        chip.format()
        chip.mount()
        kept = essentials.JOURNAL_PATH, panic.PATH, config_store.CONFIG_PATH
        kept += config_store.TRIAL_PATH, config_trial.WHY_PATH
        essentials.JOURNAL_PATH = MOUNT + "/journal"
        panic.PATH = MOUNT + "/panics"
        config_store.CONFIG_PATH = MOUNT + "/config.json"
        config_store.TRIAL_PATH = MOUNT + "/config.trial"
        config_trial.WHY_PATH = MOUNT + "/config.why"
        # Loaded anew it would know the paths of a board again.
        unload = on_demand.unload
        on_demand.unload = lambda *names: unload(*[n for n in names if n != "config_store"])
        with open(config_store.CONFIG_PATH, "w") as file:
            file.write(GOOD)
        edge_in_memory.Hal.numbers.clear()
        try:
            test(Bench())
        finally:
            chip.unmount()
            on_demand.unload = unload
            essentials.JOURNAL_PATH, panic.PATH, config_store.CONFIG_PATH = kept[:3]
            config_store.TRIAL_PATH, config_trial.WHY_PATH = kept[3:]

    return run


def ignored(bench, message):
    before = bench.state()
    try:
        told = bench.take(message)
    except UplinkError:
        told = None
    assert told is None
    assert bench.state() == before


@on_flash
def test_only_the_gateway_of_this_connection_commands(bench):
    good = bench.message(wire.AGAIN, wire.number_payload(1))
    ignored(bench, bench.message(wire.AGAIN, wire.number_payload(1), 1, nonce=b"another!"))
    ignored(
        bench, bench.message(wire.AGAIN, wire.number_payload(1), 1, node=b"nuan\x00\x00\x00\x02")
    )
    ignored(bench, bench.message(wire.AGAIN, wire.number_payload(1), 1, keys=NodeKeys(bytes(32))))
    forged = bytearray(good)
    put_mac(forged, len(forged) - 32, KEYS.up)
    ignored(bench, forged)
    other = bytearray(good)
    other[10:18] = b"epoch-02"
    put_mac(other, len(other) - 32, KEYS.down)
    ignored(bench, other)
    assert bench.take(good)[0] == DONE


@on_flash
def test_what_is_repeated_or_late_is_answered_with_the_last_result(bench):
    first = bench.message(wire.AGAIN, wire.number_payload(1))
    late = bench.message(wire.AGAIN, wire.number_payload(1))
    assert bench.take(first)[0] == DONE
    bench.node.uplink._again = 0
    # Its result was lost.
    assert bench.take(first)[0] == DONE
    assert bench.last == 1
    assert bench.node.uplink._again == 0
    refused = bench.ask(wire.AGAIN, wire.number_payload(99))
    assert refused[0] == REFUSED
    # Behind it on the way, or played again.
    for message in (late, first):
        assert bench.take(message) == refused
        assert bench.last == 3
    assert bench.node.uplink._again == 0
    bench.commands.forget()
    assert bench.take(first)[0] == DONE


@on_flash
def test_refusals_say_why(bench):
    assert bench.ask(99) == (REFUSED, "this firmware knows no command 99", 0)
    assert bench.ask(wire.TIME, wire.number_payload(5)) == (REFUSED, "5 is no time of today", 0)
    assert bench.ask(wire.TIME, b"") == (
        REFUSED,
        "a payload of 4 bytes is expected, not of 0 (byte 0)",
        0,
    )
    assert bench.ask(wire.READ, wire.read_payload([1, 7]))[1] == "there is no meter in slot 7"
    assert bench.ask(wire.AGAIN, wire.number_payload(0))[1] == "0 is not within 1..2"
    assert bench.ask(wire.DATA, wire.data_payload(0, b"x"))[1] == "no transfer has begun"
    until_s = bench.node.clock.now()
    gone = wire.setpoint_payload(1, 200, until_s, "me", "why")
    assert bench.ask(wire.SETPOINT, gone)[1] == "it would have ended already"
    later = wire.setpoint_payload(1, 200, until_s + 60, "me", "why")
    assert bench.ask(wire.SETPOINT, later)[0] == REFUSED


def transfer(bench, text, kind=wire.KIND_CONFIG, digest=None):
    """What the node says in the end."""
    begin = wire.begin_payload(kind, len(text), digest or sha256(text).digest())
    told = bench.ask(wire.BEGIN, begin)
    while told[0] == GO_ON:
        at = told[2]
        if at == len(text):
            return bench.ask(wire.END)
        told = bench.ask(wire.DATA, wire.data_payload(at, text[at : at + 512]))
    return told


def scheduled(bench):
    """The restart that a good transfer asks for, as far as it is made without a loop."""
    return config_store.exists(config_store.TRIAL_PATH)


@on_flash
def test_a_configuration_comes_in_pieces_and_goes_on_trial(bench):
    assert transfer(bench, TEXT) == (DONE, "on trial after a restart", 0)
    assert scheduled(bench)
    assert config_trial.load().version == 8
    assert bench.ask(wire.BEGIN, wire.begin_payload(1, 9, bytes(32)))[1].startswith("another conf")


@on_flash
def test_a_transfer_goes_on_in_the_next_connection(bench):
    begin = wire.begin_payload(wire.KIND_CONFIG, len(TEXT), sha256(TEXT).digest())
    assert bench.ask(wire.BEGIN, begin) == (GO_ON, "", 0)
    assert bench.ask(wire.DATA, wire.data_payload(0, TEXT[:512])) == (GO_ON, "", 512)
    # Out of turn: nothing is kept, and the node says what it wants.
    assert bench.ask(wire.DATA, wire.data_payload(700, TEXT[700:800])) == (GO_ON, "", 512)
    bench.commands.forget()
    bench.counter = 0
    assert bench.ask(wire.DATA, wire.data_payload(512, TEXT[512:600]))[0] == REFUSED
    assert bench.ask(wire.BEGIN, begin) == (GO_ON, "", 512)
    assert transfer(bench, TEXT)[0] == DONE


@on_flash
def test_what_is_wrong_with_a_configuration_is_said_and_nothing_changes(bench):
    wrong = (
        (GOOD.encode(), "version: 7 is in use, 7 is not higher"),
        (TEXT.replace(b"6e75616e00000001", b"6e75616e00000002"), "node: it is another node's"),
        (TEXT.replace(b'"baud":2400', b'"boud":2400'), "buses[0].baud: missing"),
        (TEXT.rstrip()[:-1], "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 3000, "not JSON"),
        (b"7", "not JSON"),
        (b"[{}]}", "not JSON"),
    )
    for text, why in wrong:
        status, said, _ = transfer(bench, text)
        assert status == REFUSED, (text, said)
        assert said.startswith(why), (said, why)
        assert not scheduled(bench)
    status, said, _ = transfer(bench, TEXT, digest=bytes(32))
    assert (status, said[:13]) == (REFUSED, "the bytes are")
    assert transfer(bench, b"", digest=bytes(32))[0] == REFUSED
    assert transfer(bench, TEXT, kind=9)[1] == "this firmware takes no transfer of kind 9"
    assert config_trial.load().version == 7
    assert transfer(bench, TEXT)[0] == DONE


@on_flash
def test_mutated_commands_are_refused_and_change_nothing(bench):
    random.seed(SEED)
    setpoint = wire.setpoint_payload(1, 195, bench.node.clock.now() + 60, "me", "why")
    usual = (
        (wire.BEGIN, wire.begin_payload(1, 900, bytes(32))),
        (wire.DATA, wire.data_payload(0, TEXT[:100])),
        (wire.END, b""),
        (wire.READ, wire.read_payload([1])),
        (wire.SETPOINT, setpoint),
        (wire.AGAIN, wire.number_payload(1)),
    )
    refused = 0
    for number in range(MUTATIONS):
        code, payload = usual[number % len(usual)]
        message = bytearray(bench.message(code, payload, number + 1))
        for _ in range(random.randrange(1, 4)):
            message[random.randrange(len(message))] ^= random.randrange(1, 256)
        if number % 3 == 0:
            message = message[: random.randrange(len(message))]
        before = bench.state()
        try:
            bench.commands.take(message, NONCE)
        except UplinkError as problem:
            refused += bool(problem.reason)
        assert bench.state() == before
        assert not bench.commands.due
    assert refused == MUTATIONS


@on_flash
def test_authentic_nonsense_is_refused_with_a_reason(bench):
    """As a gateway gone mad would send it: the MAC is right, the payload is anything."""
    random.seed(SEED)
    for number in range(MUTATIONS // 4):
        code = (wire.TIME, wire.READ, wire.SETPOINT, wire.AGAIN, wire.DATA, wire.END, 200)[
            number % 7
        ]
        payload = bytes([random.randrange(256) for _ in range(random.randrange(60))])
        before = bench.state()
        if code in (wire.AGAIN, wire.TIME) and len(payload) == 4:
            continue
        status, text, _ = bench.ask(code, payload)
        assert status in (REFUSED, FAILED), (code, payload)
        assert text
        after = bench.state()
        assert before[:2] + before[3:] == after[:2] + after[3:]


@on_flash
def test_mutated_configurations_are_refused_and_change_nothing(bench):
    random.seed(SEED)
    taken = 0
    for _ in range(MUTATIONS // 16):
        text = bytearray(TEXT)
        for _ in range(random.randrange(1, 4)):
            text[random.randrange(len(text))] = random.randrange(32, 127)
        status, said, _ = transfer(bench, bytes(text))
        if status == DONE:
            # A digit that may be another one, or a letter of a name.
            taken += 1
            assert config_trial.load().version > 7
            edge_in_memory.Hal.numbers.clear()
            config_trial.give_up("the next is to come")
            continue
        assert status == REFUSED, said
        assert said
        assert not scheduled(bench)
        assert config_trial.load().version == 7
    assert taken < MUTATIONS // 32, taken
