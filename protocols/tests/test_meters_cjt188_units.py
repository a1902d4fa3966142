"""A CJ/T 188 unit code that only a model's file knows."""

from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile, current, settled
from nuan_protocols.quantity import own_unit
from nuan_protocols.reading import decimal_text

ADDRESS = bytes.fromhex("11223344556677")
TEN_MWH = own_unit("10 MWh", "energy", 10_000_000, 1, "Wh", code=0x91)
TANKS = own_unit("tank", "volume_flow", 3, 2, "m3/h", code=0x92)


def made(*units: object, dialect: str = "standard") -> Profile:
    return Profile(
        name="sample",
        title="Sample",
        protocol="cjt188",
        version=1,
        registers=(current("energy"), settled("energy", 1), current("volume_flow")),
        reads=((0x01, 0x90, 0x1F),),
        billing=current("energy"),
        units=units,  # type: ignore[arg-type]
        dialect=dialect,
    )


def frame(control: int, data: bytes) -> bytes:
    body = bytes((0x68, 0x20)) + ADDRESS + bytes((control, len(data))) + data
    return body + bytes((sum(body) & 0xFF, 0x16))


def heat_answer(energy: str, flow: str) -> bytes:
    return frame(
        0x81,
        bytes.fromhex("901F07")
        + bytes.fromhex("0000000005")
        + bytes.fromhex(energy)
        + bytes.fromhex("0000000017")
        + bytes.fromhex(flow)
        + bytes.fromhex("000000002C 551000 452000 000000 00000001010020 0000"),
    )


QUESTION = frame(0x01, bytes.fromhex("901F07"))
ANSWER = heat_answer("7856341291", "1000000092")


def shown(meter: Profile, answer: bytes) -> list[str]:
    return [
        f"{r.quantity} "
        f"{r.status if r.integer is None else decimal_text(r.integer, r.exponent)} {r.unit}"
        for r in registry.readings(meter, QUESTION, answer)
        if r.storage == 0
    ]


def test_a_code_nobody_knows_gives_no_number() -> None:
    assert shown(made(), ANSWER) == [
        "energy unreadable:unit 91 is unknown ",
        "volume_flow unreadable:unit 92 is unknown ",
    ]


def test_a_profiles_codes_give_numbers_in_its_units() -> None:
    meter = made(TEN_MWH, TANKS)
    assert shown(meter, ANSWER) == ["energy 123456.78 10 MWh", "volume_flow 0.0010 tank"]
    assert meter.own_unit("energy", "10 MWh") == TEN_MWH
    assert meter.own_unit("energy", "tank") is None


def test_the_dialects_decimals_hold() -> None:
    meter = made(TEN_MWH, TANKS, dialect="cooling_first_whole")
    assert shown(meter, ANSWER) == ["energy 12345678 10 MWh", "volume_flow 10 tank"]


def test_a_code_of_another_quantity_is_not_taken() -> None:
    answer = heat_answer("7856341292", "1000000035")
    assert shown(made(TEN_MWH, TANKS), answer) == [
        "energy unreadable:unit 92 is unknown ",
        "volume_flow 0.0010 m3/h",
    ]


def test_what_is_no_number_stays_none() -> None:
    answer = heat_answer("7856A41291", "1000000035")
    assert shown(made(TEN_MWH), answer)[0] == "energy unreadable:unit 91 is unknown "


def test_eight_nines_are_no_value_in_a_unit_of_ones_own_either() -> None:
    answer = heat_answer("9999999991", "1000000092")
    found = shown(made(TEN_MWH, TANKS, dialect="nines"), answer)
    assert found[0] == "energy unreadable:no value "
    assert shown(made(TEN_MWH, TANKS), answer)[0] == "energy 999999.99 10 MWh"


def test_no_step_is_stated_where_every_answer_names_its_unit() -> None:
    meters = [registry.profile(name) for name in registry.models()]
    stated = [each.name for each in meters if each.protocol == "cjt188" and each.resolution]
    assert stated == ["cjt188_water_fraction"]
    (energy,) = [
        each
        for each in registry.readings(
            registry.profile("cjt188_heat"), QUESTION, heat_answer("7856341211", "1000000035")
        )
        if (each.quantity, each.storage) == ("energy", 0)
    ]
    assert (energy.integer, energy.exponent, energy.unit) == (12345678, 7, "J")
