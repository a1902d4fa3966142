"""The slave's frame count bit against a model of EN 13757-2, over any sequence of requests."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.meters.mbus_layout import long_frame, short_frame

ADDRESS = 17
NKE = short_frame.build({"control": 0x40, "address": ADDRESS})
REQUESTS = {
    fcb: short_frame.build({"control": 0x5B | fcb, "address": ADDRESS}) for fcb in (0, 0x20)
}
FIRST_RECORD = 19
ACCESS_NUMBER = 15


class LinkLayer(RuleBasedStateMachine):
    """A master that toggles, repeats, resets and disappears at will."""

    @initialize(two=st.booleans())
    def power_on(self, two):
        self.now_ms = 1_768_451_400_000
        self.energy_kwh = 0
        self.alive = True
        self.telegrams = 2 if two else 1
        self.meter = MBusHeatMeter("00000017", ADDRESS, self.source, two_telegrams=two)
        self.fcb = None
        self.next = 0
        self.last = None
        self.built = 0

    def source(self, _now_ms):
        if not self.alive:
            return None
        return HeatState(self.energy_kwh * 3_600_000, 0, 0, 0, 0, 0, 0)

    @rule(kwh=st.integers(1, 50), minutes=st.integers(1, 600))
    def heat_flows(self, kwh, minutes):
        self.energy_kwh += kwh
        self.now_ms += minutes * 60_000

    @rule()
    def meter_dies_or_lives(self):
        self.alive = not self.alive

    @rule(fcb=st.sampled_from([0, 0x20]))
    def request(self, fcb):
        answer = self.meter.answer(REQUESTS[fcb], self.now_ms)
        if not self.alive:
            assert answer is None
            return
        assert answer is not None
        if fcb == self.fcb:
            assert answer == self.last
            return
        body = long_frame.parse(answer)["user_data"]
        assert body[ACCESS_NUMBER - 4] == self.built % 256
        if self.next == 0:
            assert int(answer[21:25][::-1].hex()) == self.energy_kwh
        else:
            assert answer[FIRST_RECORD : FIRST_RECORD + 2] == b"\x04\x6d"
        more = self.next < self.telegrams - 1
        assert (answer[-3] == 0x1F) == more
        self.next = (self.next + 1) % self.telegrams
        self.fcb, self.last = fcb, answer
        self.built += 1

    @rule()
    def reset(self):
        answer = self.meter.answer(NKE, self.now_ms)
        if not self.alive:
            assert answer is None
            return
        assert answer == b"\xe5"
        self.fcb, self.next, self.last = None, 0, None

    @precondition(lambda self: self.alive)
    @rule()
    def foreign_traffic_changes_nothing(self):
        other = short_frame.build({"control": 0x7B, "address": ADDRESS + 1})
        assert self.meter.answer(other, self.now_ms) is None
        assert self.meter.answer(b"\xff" + NKE, self.now_ms) is None
        damaged = REQUESTS[0][:-2] + b"\x00\x16"
        assert self.meter.answer(damaged, self.now_ms) is None

    @invariant()
    def address_is_its_own(self):
        if hasattr(self, "meter"):
            assert self.meter.concerns(NKE)
            assert not self.meter.concerns(NKE[:-1])


TestLinkLayer = LinkLayer.TestCase
