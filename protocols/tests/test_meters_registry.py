"""Every declared meter model is complete and agrees with itself."""

import pytest

from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.modbus.registers import REGISTERS_OF
from nuan_protocols.modbus.rtu import REGISTERS_MAX, read_request
from nuan_protocols.quantity import UNITS_OF, base

PROFILES = [registry.profile(model) for model in registry.models()]
MODBUS = [profile for profile in PROFILES if profile.protocol == "modbus"]


def test_the_models_of_this_version() -> None:
    assert registry.models() == ("dtsu666", "mbus_gas", "mbus_heat", "room_rs485")


def test_an_unknown_model_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        registry.UnknownModelError, match=r"'dtsu667'.*dtsu666, mbus_gas, mbus_heat"
    ):
        registry.profile("dtsu667")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_profile_is_whole(profile: Profile) -> None:
    assert registry.profile(profile.name) is profile
    assert profile.title
    assert profile.version >= 1
    assert profile.registers
    assert all(base(register.quantity) in UNITS_OF for register in profile.registers)
    assert len(set(profile.registers)) == len(profile.registers)
    assert profile.billing is None or profile.billing in profile.registers
    assert profile.rollover is None or profile.billing is not None
    assert bool(profile.reads) == bool(profile.places) == (profile.protocol == "modbus")


@pytest.mark.parametrize("profile", MODBUS, ids=lambda profile: profile.name)
def test_every_place_is_read_once(profile: Profile) -> None:
    for place in profile.places:
        assert place.unit in UNITS_OF[base(place.quantity)]
        end = place.address + REGISTERS_OF[place.kind]
        covering = [
            (function, start, count)
            for function, start, count in profile.reads
            if function == place.function and start <= place.address and end <= start + count
        ]
        assert len(covering) == 1, place
    for read in profile.reads:
        assert read[2] <= REGISTERS_MAX
        assert read_request(1, *read)


def test_the_billing_registers_step_is_the_places_own() -> None:
    profile = registry.profile("dtsu666")
    (energy,) = (place for place in profile.places if place.quantity == "energy")
    assert profile.resolution == (1, energy.exponent, energy.unit), "0.01 kWh is 10 Wh"
