"""Dialects prove themselves: by one answer or by many, and never the wrong one."""

from nuan_protocols.cjt188.dialects import ALL, DIALECTS
from nuan_protocols.cjt188.frame import ADDRESS_ANY, make
from nuan_protocols.cjt188.probe import judge, rank, usable, ways
from nuan_protocols.cjt188.trial import Trial

WIRE = bytes.fromhex("75364959001112")
CLOCK = "30240908011320"


def bcd(number, count=8):
    """Digits of a whole number, low byte first, as hexadecimal text."""
    text = str(number)
    text = "0" * (count - len(text)) + text
    return "".join([text[at : at + 2] for at in range(count - 2, -2, -2)])


def heat(first=0, energy=5030, power=648, flow=2726, volume=247, supply=3965, back=1901, kind=0x20):
    """An answer of the standard's layout: hundredths of kWh, kW, m3 and degC, flow in l/10 h."""
    data = "901F0B" + bcd(first) + "05" + bcd(energy) + "05" + bcd(power) + "17"
    data += bcd(flow) + "35" + bcd(volume) + "2C" + bcd(supply, 6) + bcd(back, 6) + bcd(2, 6)
    return make(kind, WIRE, 0x81, bytes.fromhex(data + CLOCK + "0000"))


def water(volume):
    data = "901F0B" + bcd(volume) + "2C" + bcd(0) + "2C" + CLOCK + "0000"
    return make(0x10, WIRE, 0x81, bytes.fromhex(data))


def state_of(verdicts, name):
    (found,) = [each for each in verdicts if each.dialect == name]
    return found.state


def test_all_ways_to_ask_are_tried_once():
    found = ways("12110059493675")
    assert [(each[0].mask, each[1]) for each in found] == [
        (0, (1, 0x90, 0x1F)),
        (0, (1, 0x1F, 0x90)),
        (0, (1, 0x90, 0x1F)),
        (0, (1, 0x1F, 0x90)),
        (0x33, (1, 0x90, 0x1F)),
        (0x33, (1, 0x90, 0x1F)),
    ]
    assert found[0][0].wire == bytes(reversed(found[2][0].wire))
    assert [each[0].wire for each in ways("AAAAAAAAAAAAAA")] == [ADDRESS_ANY] * 3


def test_a_running_meter_confirms_one_dialect():
    verdicts = rank(heat())
    assert (verdicts[0].dialect, verdicts[0].state) == ("standard", "confirmed")
    assert "6480 W at 0.2726 m3/h and 20.64 K" in verdicts[0].reason
    assert usable(verdicts) == verdicts[0]
    assert [each.state for each in verdicts].count("confirmed") == 1
    assert len(verdicts) == len(ALL)


def test_an_idle_meter_proves_nothing():
    verdicts = rank(heat(power=0, flow=0))
    assert usable(verdicts) is None
    assert verdicts[0].dialect == "standard"
    assert "an idle meter proves nothing" in verdicts[0].reason


def test_little_flow_or_difference_proves_nothing():
    for answer in (heat(flow=19, power=1), heat(supply=2200), heat(power=19, flow=100)):
        assert usable(rank(answer)) is None


def test_a_power_off_by_a_factor_contradicts():
    for power in (64800, 65, 2333, 180):
        verdict = judge(heat(power=power), DIALECTS["standard"])
        assert verdict.state == "contradicted", power
        assert "times what flow and difference give" in verdict.reason
    lagging = judge(heat(power=900), DIALECTS["standard"])
    assert lagging.state == "unconfirmed"
    assert "may lag" in lagging.reason


def test_temperatures_out_of_range_contradict():
    verdict = judge(heat(supply=18100), DIALECTS["standard"])
    assert (verdict.state, verdict.reason) == (
        "contradicted",
        "flow_temperature 181.00 degC is above 180 degC",
    )


def test_a_heat_meter_whose_return_is_warmer_proves_nothing():
    assert usable(rank(heat(supply=1901, back=3965))) is None


def test_the_first_energy_may_be_either():
    for first, kind, dialect in (
        (0, 0x20, "standard"),
        (5030, 0x20, "standard"),
        (9000, 0x20, "cooling_first"),
        (4000, 0x27, "cooling_first"),
    ):
        found = usable(rank(heat(first, kind=kind)))
        assert found is not None, (first, kind)
        assert found.dialect == dialect
    open_verdicts = rank(heat(4000))
    assert usable(open_verdicts) is None
    assert "may count the settlement day's heat or cooling" in open_verdicts[0].reason
    assert judge(heat(4000), DIALECTS["standard"]).state == "confirmed"
    assert judge(heat(4000), DIALECTS["cooling_first"]).state == "confirmed"
    found = usable(rank(heat(4000), first="cooling"))
    assert found is not None
    assert found.dialect == "cooling_first"


def test_a_models_word_settles_what_the_first_energy_counts() -> None:
    for dialect in ("standard", "cooling_first"):
        for first in (0, 4000):
            best = rank(heat(first), named=dialect)[0]
            assert (best.dialect, best.state) == (dialect, "confirmed")
            trial = Trial(None, ALL, dialect)
            trial.feed(heat(first))
            assert usable(trial.verdicts()) == best
    denied = rank(heat(9000), named="standard")
    assert usable(denied) is not None
    assert denied[0].dialect == "cooling_first"


def test_whole_numbers_are_found_by_their_power():
    data = "901F0B" + bcd(9000) + "05" + bcd(5030) + "05" + bcd(6480) + "14"
    data += bcd(273) + "32" + bcd(247) + "2C" + bcd(3965, 6) + bcd(1901, 6) + bcd(2, 6)
    answer = make(0x20, WIRE, 0x81, bytes.fromhex(data + CLOCK + "0000"))
    found = usable(rank(answer))
    assert found is not None
    assert found.dialect == "cooling_first_whole"
    assert state_of(rank(answer), "cooling_first") == "contradicted"


def test_every_verdict_has_a_reason():
    for answer in (heat(), heat(power=0), water(100), b"", b"\x68"):
        for verdict in rank(answer):
            assert verdict.reason
            assert verdict.state in ("confirmed", "unconfirmed", "contradicted")


def test_a_trial_confirms_when_the_meter_wakes_up():
    trial = Trial()
    assert trial.verdicts()[0].reason == "no answer yet"
    trial.feed(heat(power=0, flow=0))
    assert usable(trial.verdicts()) is None
    trial = Trial(trial.state())
    trial.feed(heat())
    found = usable(trial.verdicts())
    assert found is not None
    assert found.dialect == "standard"
    trial.feed(heat(power=0, flow=0))
    assert usable(Trial(trial.state()).verdicts()) == found


def test_three_contradictions_in_a_row_end_it():
    trial = Trial()
    trial.feed(heat())
    for _ in range(2):
        trial.feed(heat(supply=99999))
        assert usable(trial.verdicts()) is not None
    trial.feed(heat(supply=99999))
    assert usable(trial.verdicts()) is None
    assert state_of(trial.verdicts(), "standard") == "contradicted"
    trial.feed(heat())
    assert usable(trial.verdicts()) is not None


def test_a_settlement_day_tells_what_the_first_energy_is():
    trial = Trial()
    trial.feed(heat(4000, 5030))
    assert usable(trial.verdicts()) is None
    trial.feed(heat(5040, 5060))
    found = usable(trial.verdicts())
    assert found is not None
    assert found.dialect == "standard"


def test_a_counter_that_moves_on_by_itself_is_cooling():
    trial = Trial()
    trial.feed(heat(0, 5030))
    assert trial.verdicts()[0].dialect == "standard"
    for first in (10, 20):
        trial.feed(heat(first, 5030, supply=1200, back=1700, power=158))
        assert usable(trial.verdicts()) is not None
    trial.feed(heat(30, 5030, supply=1200, back=1700, power=158))
    found = usable(trial.verdicts())
    assert found is not None
    assert found.dialect == "cooling_first"


def lianqiang(energy, volume):
    data = "901F0B" + bcd(0) + "05" + bcd(energy) + "05" + "4916760991" + bcd(2726) + "35"
    data += bcd(volume) + "2C" + "65399A" + "0119B7" + bcd(2, 6)
    return make(0x20, WIRE, 0x81, bytes.fromhex(data + CLOCK + "0000"))


def test_a_meter_without_readable_power_proves_itself_by_what_it_counts():
    trial = Trial()
    trial.feed(lianqiang(321, 2493))
    trial.feed(lianqiang(330, 2494))
    assert usable(trial.verdicts()) is None
    trial.feed(lianqiang(321 + 960, 2493 + 40))
    found = usable(trial.verdicts())
    assert found is not None
    assert found.dialect == "two_byte_temperatures"
    assert found.reason.startswith("9600 Wh for 400 l at 20.64 K")
    wrong = Trial()
    wrong.feed(lianqiang(321, 2493))
    wrong.feed(lianqiang(321 + 9600, 2493 + 40))
    assert usable(wrong.verdicts()) is None


def test_a_water_meter_proves_itself_by_counting_on():
    trial = Trial()
    for volume in (123456, 123456, 123460, 123501):
        trial.feed(water(volume))
        assert usable(trial.verdicts()) is None
    trial.feed(water(123510))
    found = usable(trial.verdicts())
    assert found is not None
    assert found.dialect == "standard"
    assert found.reason == "its volume counted on 3 times by less than 100 m3"


def test_what_is_no_answer_changes_nothing():
    trial = Trial()
    trial.feed(heat())
    before = usable(trial.verdicts())
    trial.feed(b"")
    trial.feed(make(0x20, WIRE, 0xC1, b"\x0b\x04\x00"))
    assert usable(trial.verdicts()) == before


def whole_heat(energy, volume, power=0, flow=0):
    """An answer whose heat and volume say the same with decimals and without."""
    return heat(first=0, energy=energy, volume=volume, power=power, flow=flow)


def test_growth_alone_tells_nothing_of_decimals():
    trial = Trial()
    # 240.00 kWh for 10.00 m3 at 20.64 K, or 24000 kWh for 1000 m3.
    trial.feed(whole_heat(energy=10000, volume=1000))
    trial.feed(whole_heat(energy=34000, volume=2000))
    assert usable(trial.verdicts()) is None
    assert "a power has to tell the decimals" in trial.verdicts()[0].reason
    trial.feed(heat())
    assert usable(trial.verdicts()).dialect == "standard"


def test_decimals_stay_open_for_a_model_that_differs_in_more_than_them():
    century = tuple(sorted(ALL, key=lambda each: each.name != "century_00"))
    trial = Trial({}, century, "century_00")
    trial.feed(whole_heat(energy=10000, volume=1000))
    trial.feed(whole_heat(energy=34000, volume=2000))
    assert usable(trial.verdicts()) is None


def test_a_dialect_that_growth_fits_is_still_held_against_the_power():
    grown = {"cooling_first_whole": "fits"}
    verdicts = rank(heat(), grown=grown)
    assert state_of(verdicts, "cooling_first_whole") == "contradicted"
    assert usable(verdicts).dialect == "standard"


def test_eight_nines_are_no_power_in_any_dialect():
    answer = heat(power=99999999, flow=4140, supply=3808, kind=0x20)
    watts = answer.replace(bytes.fromhex("9999999917"), bytes.fromhex("9999999914"))
    raw = make(0x20, WIRE, 0x81, watts[15:-2])
    verdict = judge(raw, DIALECTS["cooling_first_whole"])
    assert verdict.state == "contradicted"
    assert verdict.reason == "power is nothing but nines: no value"
    assert judge(raw, DIALECTS["nines"]).state == "unconfirmed"
    data = bytes.fromhex("901F0B 40123400 2C 99999999 2C" + CLOCK + "0000")
    settled = make(0x10, WIRE, 0x81, data)
    assert judge(settled, DIALECTS["standard"]).reason == "volume is nothing but nines: no value"
    assert judge(settled, DIALECTS["nines"]).state == "unconfirmed"


def test_a_clock_of_another_century_contradicts_a_byte_order():
    answer = heat()
    # 2045-10-10T09:20:00 read from the other end begins with seconds and minutes: 4510.
    raw = make(
        0x20,
        WIRE,
        0x81,
        answer[15:-2].replace(bytes.fromhex(CLOCK), b"\x20\x09\x10\x10\x10\x10\x45"),
    )
    verdict = judge(raw, DIALECTS["standard"])
    assert (verdict.state, verdict.reason[:19]) == ("contradicted", "its clock shows 451")


def test_round_numbers_prove_nothing():
    # 0.05 kW and 0.0070 m3/h, high byte first; from the other end 50000.00 kW and 7000 m3/h.
    verdict = judge(
        heat(power=5000000, flow=70000000, supply=2700, back=2000), DIALECTS["standard"]
    )
    assert verdict.state == "unconfirmed"
    assert "round numbers may fit by chance" in verdict.reason


def test_a_model_of_another_dialect_settles_nothing_about_the_first_energy_by_itself():
    nines = tuple(sorted(ALL, key=lambda each: each.name != "nines"))
    assert usable(rank(heat(first=4000), nines)) is None
    assert usable(rank(heat(first=4000), nines, named="nines")).dialect == "nines"


def test_a_counter_that_met_the_other_by_chance_is_cooling_all_the_same():
    trial = Trial(named="cooling_first")
    trial.feed(heat(first=0, energy=0))
    trial.feed(heat(first=5, energy=10))
    assert trial.state()["first"] == "settlement"
    for cooling in (12, 15, 20):
        trial.feed(heat(first=cooling, energy=10))
    assert trial.state()["first"] == "cooling"
    assert usable(trial.verdicts()).dialect == "cooling_first"
