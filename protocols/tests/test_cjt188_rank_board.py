"""Judging an answer runs on the board's runtime too. Data: made like makers' example frames."""

from nuan_protocols.cjt188.probe import rank

IDLE = "6820fffff140390318812e901f010000000005000002400500000000170000000035000000092c00"
IDLE = IDLE + "28110028260000012032030117471100028616"
RUNNING = "682012345678901234812e901f0b0000000005000050300500000648170000272635000002482c00"
RUNNING = RUNNING + "39650019010000022009101010560400002f16"


def test_a_running_meter_proves_its_byte_order_and_an_idle_one_does_not():
    idle = rank(bytes.fromhex(IDLE))[0]
    assert (idle.dialect, idle.state) == ("high_first", "unconfirmed")
    best = rank(bytes.fromhex(RUNNING))[0]
    assert (best.dialect, best.state) == ("high_first", "confirmed")
    assert best.reason.startswith("6480 W at 0.2726 m3/h and 20.64 K: 0.990 of")
