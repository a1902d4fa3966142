"""DL/T 645 meter models: readings of an exchange, refusals, status, and what doesn't belong."""

from decimal import Decimal

import pytest

from nuan_protocols.dlt645.frame import read_request
from nuan_protocols.dlt645.items import layout
from nuan_protocols.errors import FrameError
from nuan_protocols.meters import registry
from nuan_protocols.meters.checks import problems
from nuan_protocols.meters.dlt645_common import FLAGS_1997, FLAGS_2007
from nuan_protocols.meters.profile import Profile, Register, current

MODELS = ("dlt645_2007", "dlt645_2007_single", "dlt645_1997", "dlt645_dtsu666")
METER = "123456789012"


def answer(control: int, data: bytes, meter: str = METER) -> bytes:
    body = b"\x68" + bytes.fromhex(meter)[::-1] + bytes((0x68, control, len(data)))
    body += bytes(byte + 0x33 & 0xFF for byte in data)
    return body + bytes((sum(body) & 0xFF, 0x16))


def question(di: int, control: int = 0x11, seq: int = 0) -> bytes:
    return read_request(METER, control, di, seq)


@pytest.mark.parametrize("name", MODELS)
def test_a_models_reads_hold_all_its_registers(name: str) -> None:
    profile = registry.profile(name)
    held: set[tuple[str, int, int, str]] = set()
    for control, di, rest in profile.reads:
        assert rest == 0
        found = layout(1997 if control == 1 else 2007, di)
        assert not isinstance(found, str), found
        for storage, tariff, items in found.groups:
            held |= {(item.quantity, storage, tariff, item.function) for item in items}
    for one in profile.registers:
        key = (one.quantity, one.storage, one.tariff, one.function)
        status_alone = one.quantity.startswith("error_flags:") and name == "dlt645_2007_single"
        assert key in held or status_alone, one
    assert profile.billing == registry.profile("dlt645_2007").billing
    assert profile.resolution is not None
    assert Decimal(profile.resolution.integer).scaleb(profile.resolution.exponent) == 10
    assert profile.rollover == 10**8


def test_a_block_gives_total_and_tariffs() -> None:
    values = (60, 10, 20, 30, 0)
    data = b"".join(bytes.fromhex(f"{value:08d}")[::-1] for value in values)
    found = registry.readings(
        registry.profile("dlt645_2007"),
        question(0x0001FF00),
        answer(0x91, b"\x00\xff\x01\x00" + data),
    )
    assert [(one.integer, one.tariff) for one in found] == list(zip(values, range(5), strict=True))
    assert {one.unit for one in found} == {"Wh"}


def test_a_refusal_makes_what_was_asked_for_unreadable() -> None:
    profile = registry.profile("dlt645_2007")
    found = registry.readings(profile, question(0x0001FF00), answer(0xD1, b"\x02"))
    assert [one.tariff for one in found] == [0, 1, 2, 3, 4]
    assert {one.status for one in found} == {"unreadable:no such data"}
    assert {one.integer for one in found} == {None}
    assert registry.readings(profile, question(0x0001FF00), b"") == []


def test_status_words_become_conditions() -> None:
    profile = registry.profile("dlt645_2007")
    words = bytes((0x04, 0, 0, 0, 0x10, 0, 0x81, 0, 0, 0, 0, 0, 0, 0x80))
    said = registry.conditions(
        profile, question(0x040005FF), answer(0x91, b"\xff\x05\x00\x04" + words)
    )
    assert [(one.name, one.severity) for one in said] == [
        ("clock battery low", "notice"),
        ("relay open", "info"),
        ("phase 1 voltage lost", "alarm"),
        ("phase 1 phase broken", "alarm"),
        ("bit 15 of error_flags:word_7", "info"),
    ]
    old = registry.conditions(
        registry.profile("dlt645_1997"),
        question(0xC021, 1),
        answer(0x81, b"\x21\xc0\x02"),
    )
    assert [(one.name, one.severity) for one in old] == [("phase 2 without power", "alarm")]
    assert all("bit " not in flag.name for flag in FLAGS_2007 + FLAGS_1997)


def test_an_answer_to_something_else_is_refused() -> None:
    profile = registry.profile("dlt645_2007")
    asked = question(0x00010000)
    good = b"\x00\x00\x01\x00" + bytes(4)
    for wrong, reason in (
        (answer(0x91, good, "123456789013"), "answered instead of"),
        (answer(0x91, b"\x00\x00\x02\x00" + bytes(4)), "00020000 was answered, 00010000 asked"),
        (answer(0x81, b"\x10\x90" + bytes(4)), "doesn't answer C 11"),
        (answer(0x91, good)[:-1], "the length byte says"),
    ):
        with pytest.raises(FrameError, match=reason):
            registry.readings(profile, asked, wrong)
    # A meter of 1997 may answer with the wildcards it was asked with.
    assert registry.readings(profile, asked, answer(0x91, good, "AA" * 6))


def test_the_first_part_of_a_split_block_gives_the_registers_that_are_whole_in_it() -> None:
    """A meter of many tariffs splits its block (B1); what models want stands in the first part."""
    values = (60, 10, 20, 30, 0, *range(100, 144))
    data = b"".join(bytes.fromhex(f"{value:08d}")[::-1] for value in values)[:194]
    found = registry.readings(
        registry.profile("dlt645_2007"),
        question(0x0001FF00),
        answer(0xB1, b"\x00\xff\x01\x00" + data),
    )
    assert [(one.integer, one.tariff) for one in found] == list(
        zip(values[:5], range(5), strict=True)
    )


@pytest.mark.parametrize(("tariff", "told"), [(48, False), (49, True)])
def test_a_model_cannot_want_what_a_meter_sends_in_a_follow_up_frame(
    tariff: int, told: bool
) -> None:
    """200 bytes of data: four of identifier and 49 values, the total and tariffs 1 to 48."""
    profile = Profile(
        name="own", title="Own", protocol="dlt645", version=1, billing=current("energy"),
        registers=(current("energy"), Register("energy", 0, tariff, 0, "instantaneous")),
        reads=((0x11, 0x0001FF00, 0),),
    )  # fmt: skip
    expected = (
        f"reads: energy, storage 0, tariff {tariff} stands in 0001FF00 behind the 200 bytes of a "
        "frame; read it by its own identifier"
    )
    assert problems(profile) == ([expected] if told else [])


def test_a_later_part_alone_gives_no_register() -> None:
    profile = registry.profile("dlt645_2007")
    part = answer(0x92, b"\x00\xff\x01\x00" + bytes(8) + b"\x01")
    assert registry.readings(profile, question(0x0001FF00, 0x12, 1), part) == []
