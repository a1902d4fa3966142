"""What meters say of themselves in bits, in words; what nobody explained is never an alarm."""

from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.meters import registry
from nuan_protocols.meters.status import (
    ALARM,
    HEADER,
    INFO,
    MBUS_HEADER,
    NOTICE,
    RECORD,
    Flag,
    Setting,
    bit,
    conditions_in,
    settings_in,
)
from nuan_protocols.reading import Reading


def reading(quantity: str, number: int | None, exponent: int = 0) -> Reading:
    return Reading(quantity, number, exponent, "1", 0, 0, 0, "instantaneous", "ok", "")


def test_the_header_of_a_telegram_in_words() -> None:
    said = conditions_in(MBUS_HEADER, [reading(HEADER, 0x0F)])
    assert [(c.name, c.severity) for c in said] == [
        ("abnormal condition", ALARM),
        ("battery low", NOTICE),
        ("permanent error", ALARM),
    ]
    assert [c.bits for c in said] == [3, 4, 8]
    assert [c.name for c in conditions_in(MBUS_HEADER, [reading(HEADER, 2)])] == [
        "application error"
    ]
    assert conditions_in(MBUS_HEADER, [reading(HEADER, 0)]) == []


def test_a_source_is_told_by_its_name() -> None:
    flags = (bit("error_flags:word_3", 4, "phase lost", ALARM), bit(RECORD, 4, "leak", ALARM))
    (one,) = conditions_in(flags, [reading("error_flags:word_3", 16)])
    assert one == ("phase lost", ALARM, "error_flags:word_3", 16)
    (other,) = conditions_in(flags, [reading("error_flags:word_4", 16)])
    assert other == ("bit 4 of error_flags:word_4", INFO, "error_flags:word_4", 16)


def test_other_readings_say_nothing() -> None:
    flags = (bit(RECORD, 0, "leak", ALARM),)
    quiet = [reading("energy", 1), reading(RECORD, None), reading(RECORD, 1, 3)]
    assert conditions_in(flags, quiet) == []


def test_a_field_of_two_bits_is_one_value() -> None:
    flags = (
        Flag(RECORD, 3, 1, "valve closed", INFO),
        Flag(RECORD, 3, 3, "valve fault", ALARM),
    )
    assert [c.name for c in conditions_in(flags, [reading(RECORD, 3)])] == ["valve fault"]
    assert [c.name for c in conditions_in(flags, [reading(RECORD, 1)])] == ["valve closed"]
    assert [c.name for c in conditions_in(flags, [reading(RECORD, 2)])] == ["bit 1 of error_flags"]


@given(st.integers(0, (1 << 64) - 1))
def test_every_bit_is_told_once_and_no_unknown_one_alarms(number: int) -> None:
    for model in registry.models():
        flags = registry.profile(model).flags
        said = conditions_in(flags, [reading(RECORD, number)])
        assert sum(c.bits for c in said) == number
        named = {flag.name for flag in flags}
        assert all(c.severity == INFO for c in said if c.name not in named)


def test_a_setting_that_differs_is_told() -> None:
    settings = (Setting("parameter_set:heat_unit", 0, "heat is not counted in GJ", ALARM),)
    assert settings_in(settings, [reading("parameter_set:heat_unit", 0)]) == []
    assert settings_in(settings, [reading("parameter_set:heat_unit", None)]) == []
    (one,) = settings_in(settings, [reading("parameter_set:heat_unit", 2)])
    assert one == ("heat is not counted in GJ", ALARM, "parameter_set:heat_unit", 2)
