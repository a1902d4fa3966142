import random
import sys
from hashlib import sha256
from struct import pack

from edge_in_memory import Hal
from ram_flash import RamFlash

import nuan_firmware.hal
from nuan_firmware import update
from nuan_protocols import bundle, sealed

SEED = 20251101
SLOT_BYTES = 24576
update.STATE_PATH = "/flash/update"


class Area:
    """A slot in memory."""

    label = "romfs"
    size = SLOT_BYTES

    def __init__(self):
        self.bytes = bytearray(SLOT_BYTES)
        self.erased = 0

    def erase(self, offset):
        self.erased += 1
        self.bytes[offset : offset + 4096] = b"\xff" * 4096

    def write(self, offset, data):
        for index in range(len(data)):
            self.bytes[offset + index] &= data[index]

    def read(self, offset, buffer):
        buffer[:] = memoryview(self.bytes)[offset : offset + len(buffer)]


class Flash:
    """Two slots; the first one runs."""

    Area = Area
    areas = ()

    @staticmethod
    def slots():
        return [memoryview(area.bytes) for area in Flash.areas]

    @staticmethod
    def slot(index):
        return Flash.areas[index]

    @staticmethod
    def known_moduli():
        return []

    @staticmethod
    def good_slot():
        return 1 if Hal.numbers.get("slot", 0) == 1 else 0

    @staticmethod
    def is_armed():
        return Hal.numbers.get("trial", -1) >= 0


nuan_firmware.hal.flash = Flash
sys.modules["nuan_firmware.hal.flash"] = Flash


def make_bundle(payload, build):
    manifest = b"{}" + b"\xff" * (4096 - 512 - 2)
    head = b"nuF1" + pack(">BBBBHBBIII", 1, 1, 6, 0, 0xFFFF, 1, 25, build, 4096, len(payload))
    head += b"\x00" * 8 + sha256(manifest).digest() + sha256(payload).digest()
    return head + b"\x00" * 416 + manifest + payload


def begin_anew(chip):
    Hal.numbers.clear()
    Hal.numbers["build"] = 3
    Flash.areas = [Area(), Area()]
    good = make_bundle(b"old" * 1000, 3)
    Flash.areas[0].bytes[: len(good)] = good
    chip.format()


def transfer(data, announced=None):
    """Send it all in pieces; the reason of a refusal, or nothing."""
    receiver = update.Bundle()
    try:
        at = receiver.begin(len(data), announced or sha256(data).digest())
        while at < len(data):
            at = receiver.data(at, memoryview(data)[at : at + 300])
        receiver.end()
    except ValueError as problem:
        return str(problem)
    return ""


def refusal(receiver, offset, piece):
    try:
        receiver.data(offset, piece)
    except ValueError as problem:
        return str(problem)
    return ""


def with_flash(run):
    chip = RamFlash(16)
    begin_anew(chip)
    chip.mount()
    try:
        run()
    finally:
        chip.unmount()
        Hal.numbers.clear()


def test_a_whole_bundle_is_put_on_trial():
    def run():
        data = make_bundle(b"new" * 3000, 4)
        assert transfer(data) == ""
        assert (Hal.numbers["trial"], Hal.numbers["tries"]) == (1, 0)
        assert bytes(sealed.payload(Flash.slots()[1], [])) == b"new" * 3000
        assert "on trial" in transfer(data)

    with_flash(run)


def test_three_hundred_mutated_bundles_are_refused_and_what_runs_stays():
    def run():
        random.seed(SEED)
        data = make_bundle(b"new" * 3000, 4)
        good = bytes(Flash.areas[0].bytes)
        reasons = set()
        for _ in range(300):
            bad = bytearray(data)
            kind = random.randrange(4)
            at = random.randrange((128, 512, 4096, len(data))[kind])
            if kind == 0 or at < 128 or at >= 512:
                bad[at] ^= 1 << random.randrange(8)
            else:
                bad = bad[: max(1, at)]
            reason = transfer(bad, sha256(data).digest())
            assert reason, (kind, at)
            reasons.add(reason.split(" ")[0])
            assert "trial" not in Hal.numbers
            assert Hal.numbers["build"] == 3
        assert bytes(Flash.areas[0].bytes) == good
        assert len(reasons) > 5
        assert transfer(data) == ""

    with_flash(run)


def test_nothing_is_erased_before_the_head_holds():
    def run():
        for at in (0, 4, 5, 6, 12, 16, 20):
            bad = bytearray(make_bundle(b"new" * 3000, 4))
            bad[at] ^= 0x80
            assert transfer(bad)
        assert transfer(make_bundle(b"new" * 3000, 2)).startswith("build 2 is older than 3")
        assert transfer(make_bundle(b"x" * SLOT_BYTES, 4)).endswith("room for 24576")
        assert Flash.areas[1].erased == 0

    with_flash(run)


def test_an_unsound_slot_that_runs_keeps_the_other_one():
    def run():
        Flash.areas[0].bytes[5000] ^= 1
        reason = transfer(make_bundle(b"new" * 3000, 4))
        assert reason.endswith("nothing is overwritten")
        assert Flash.areas[1].erased == 0

    with_flash(run)


def test_pieces_that_come_twice_or_too_far_change_nothing():
    def run():
        data = make_bundle(b"new" * 3000, 4)
        receiver = update.Bundle()
        receiver.begin(len(data), sha256(data).digest())
        assert receiver.data(0, data[:300]) == 300
        assert receiver.data(0, data[:300]) == 300
        assert receiver.data(700, data[700:900]) == 300
        assert receiver.data(300, data[300:900]) == 900
        assert "more than" in refusal(receiver, 900, data[900:] + b"x")
        at = receiver.data(900, data[900:])
        assert at == len(data)
        receiver.end()
        assert Hal.numbers["trial"] == 1

    with_flash(run)


def test_the_formats_constants_are_those_of_the_protocol():
    assert (update.APP, update.IMAGE) == (bundle.APP, bundle.IMAGE)
    assert update.HEAD_BYTES == bundle.HEAD_BYTES
    assert update.CHUNK_BYTES >= bundle.PAYLOAD_AT_MAX


class TrialNode:
    """A node with so many meters on each bus; their time-out is 5 s."""

    journal = None

    class Poller:
        turns = 0
        owes_turn = False

        timeout_ms = 5000

        def __init__(self, count):
            self.meters = [None] * count
            self.line = self

    class Supervisor:
        is_healthy = False

        def __init__(self):
            self.on_beat = []
            self.on_healthy = []

    def __init__(self, *counts):
        self.pollers = [self.Poller(count) for count in counts]
        self.supervisor = self.Supervisor()


def test_a_trial_does_not_wait_for_meters_that_are_due_once_an_hour():
    from nuan_firmware import trial

    node = TrialNode(1, 2)
    for numbers, owes in (({}, False), ({"trial": 1, "tries": 1}, True)):
        Hal.numbers = numbers
        trial.watch(node)
        assert [poller.owes_turn for poller in node.pollers] == [owes, owes]
    Hal.numbers = {}


def test_a_trial_is_not_given_up_while_the_first_turn_meets_dead_meters():
    from nuan_firmware import trial

    given_up = []
    usual = trial.give_up
    Hal.numbers = {"trial": 1, "tries": 1}
    trial.give_up = lambda journal, reason: given_up.append(reason)
    try:
        node = TrialNode(1, 64)
        trial.watch(node)
        (beat,) = node.supervisor.on_beat
        beat(1800 + 64 * 15 - 1)
        assert given_up == []
        beat(1800 + 64 * 15)
        assert given_up == ["not every bus polled within 46 minutes"]
    finally:
        trial.give_up = usual
        Hal.numbers = {}


def test_a_second_transfer_cannot_change_what_is_armed():
    def run():
        data = make_bundle(bytes(range(256)) * 40, 4)
        late = update.Bundle()
        late.begin(len(data), sha256(data).digest())
        late.data(0, memoryview(data)[:512])
        assert transfer(data) == ""
        armed = bytes(Flash.areas[1].bytes)
        at = 512
        reason = ""
        while at < len(data) and not reason:
            # What is programmed within a block that is written can't be another one: the bytes are
            # announced, but not yet known to be those.
            piece = data[at : min(at + 512, at // 4096 * 4096 + 4096)]
            try:
                at = late.data(at, memoryview(piece))
            except ValueError as problem:
                reason = str(problem)
        assert "on trial" in reason
        assert bytes(Flash.areas[1].bytes) == armed

    with_flash(run)
