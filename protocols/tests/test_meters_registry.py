"""Every declared meter model is complete and agrees with itself; files that don't say why."""

from pathlib import Path

import pytest

from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.meters import registry
from nuan_protocols.meters.checks import problems
from nuan_protocols.meters.profile import (
    Limits,
    Profile,
    Term,
    current,
    float32,
    place,
)
from nuan_protocols.modbus.rtu import REGISTERS_MAX, read_request

PROFILES = [registry.profile(model) for model in registry.models()]
MODBUS = [profile for profile in PROFILES if profile.protocol == "modbus"]
GOOD = """\
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="sample", title="Sample", protocol="mbus", version=1,
    registers=(current("energy"),), billing=current("energy"),
)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder; what a test takes in from it is forgotten afterwards."""
    monkeypatch.setattr(registry, "_profiles", dict(registry._all()))
    return tmp_path


def test_the_models_that_installers_meet() -> None:
    electricity = {"sdm630", "dtsu666", "adw300"}
    gas = {"fuxin_gas", "aoke_vortex", "mbus_gas"}
    heat = {"tuf2000", "mag11", "kamstrup_403", "mbus_heat", "zenner", "gbt26831"}
    assert electricity | gas | heat | {"mbus_water"} <= set(registry.models())
    assert len(MODBUS) >= 8


def test_an_unknown_model_is_told_with_the_known_ones() -> None:
    with pytest.raises(registry.UnknownModelError, match=r"'dtsu667'.*dtsu666, .*mbus_heat"):
        registry.profile("dtsu667")
    with pytest.raises(
        registry.UnknownModelError, match=r"'mbus_heat' has no version 77; it has 1$"
    ):
        registry.profile("mbus_heat", 77)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_profile_is_whole(profile: Profile) -> None:
    assert registry.profile(profile.name) is profile
    assert registry.profile(profile.name, profile.version) is profile
    assert problems(profile) == []


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_models_file_says_where_its_facts_are_from(profile: Profile) -> None:
    package = Path(registry.__file__).parent
    text = (package / f"{profile.name}.py").read_text(encoding="utf-8")
    for heading in ("Source ", "Certainty "):
        assert f"\n{heading}" in text, heading


@pytest.mark.parametrize("profile", MODBUS, ids=lambda profile: profile.name)
def test_a_modbus_meter_can_be_asked_for_all_its_places(profile: Profile) -> None:
    for read in profile.reads:
        assert read[2] <= (profile.limits.words if profile.limits else REGISTERS_MAX)
        assert read_request(1, *read)


@pytest.mark.parametrize("profile", MODBUS, ids=lambda profile: profile.name)
def test_the_billing_registers_step_is_its_places_own(profile: Profile) -> None:
    if profile.billing is not None:
        (place,) = (p for p in profile.places if p.quantity == profile.billing.quantity)
        assert profile.resolution == (1, place.exponent, place.unit)


def test_a_modbus_profile_without_reads_gets_the_cheapest_ones() -> None:
    assert registry.profile("sdm630").reads == ((4, 0, 18), (4, 0x34, 24))
    assert registry.profile("kamstrup_403").reads == ((3, 0, 14),)
    assert registry.profile("aoke_vortex").reads == ((3, 0, 12),)
    places = (float32(3, 10, 0, "energy", 3, "Wh"), float32(3, 40, 0, "power", 0, "W"))

    def reads(limits: Limits | None) -> tuple[tuple[int, int, int], ...]:
        return Profile(
            name="sample",
            title="Sample",
            protocol="modbus",
            version=1,
            places=places,
            billing=current("energy"),
            limits=limits,
        ).reads

    apart = ((3, 10, 2), (3, 40, 2))
    assert reads(None) == apart, "an unknown device is not asked for what it may not have"
    assert reads(Limits(125, 28)) == ((3, 10, 32),)
    assert reads(Limits(125, 27)) == apart
    assert reads(Limits(31, 28)) == apart


def test_the_parts_of_a_register_are_asked_for_together() -> None:
    whole = place(3, 10, "int32", "energy", 9, "J", quantum=-3, terms=(Term(20, "float32", 1),))
    profile = Profile(
        name="sample",
        title="Sample",
        protocol="modbus",
        version=1,
        places=(whole,),
        billing=current("energy"),
    )
    assert profile.reads == ((3, 10, 12),)
    assert problems(profile) == []


def test_versions_of_a_model_coexist(folder: Path) -> None:
    (folder / "first.py").write_text(GOOD)
    later = GOOD.replace("version=1", "version=3").replace('"Sample"', '"Later"')
    (folder / "later.py").write_text(later + "EARLIER = ()\n")
    assert registry.add_folder(str(folder)) == ("sample",)
    assert registry.profile("sample").title == "Later"
    assert registry.profile("sample", 1).title == "Sample"
    assert registry.profile("sample", 3).title == "Later"
    with pytest.raises(registry.UnknownModelError, match="no version 2; it has 1, 3"):
        registry.profile("sample", 2)


def test_a_folder_is_read_anew(folder: Path) -> None:
    (folder / "sample.py").write_text(GOOD)
    registry.add_folder(str(folder))
    (folder / "sample.py").write_text(GOOD.replace('"Sample"', '"Mended"'))
    registry.add_folder(str(folder))
    assert registry.profile("sample").title == "Mended"
    assert [path.name for path in folder.iterdir()] == ["sample.py"], "nothing is left behind"
    (folder / "other.py").write_text(GOOD)
    with pytest.raises(registry.ModelFileError, match="has a version 1 already"):
        registry.add_folder(str(folder))


def test_one_file_may_keep_its_earlier_versions(folder: Path) -> None:
    earlier = GOOD.replace("PROFILE", "OLD") + GOOD.replace("version=1", "version=2")
    (folder / "sample.py").write_text(earlier + "EARLIER = (OLD,)\n")
    registry.add_folder(str(folder))
    assert [registry.profile("sample", version).version for version in (None, 1, 2)] == [2, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PROFILE = Profile(\n", "bad.py, line 1: '(' was never closed"),
        ("x = 1\nPROFILE = Profile(name='x')\n", "bad.py, line 2: name 'Profile' is not defined"),
        ("import os\n", "bad.py: declares no PROFILE; write PROFILE = Profile(name=..., ...)"),
        (GOOD.replace('"sample"', '"Sample 1"'), "name 'Sample 1': write small letters, digits"),
        (GOOD.replace("mbus", "knx"), "protocol 'knx': write one of mbus, modbus, cjt188, dlt645"),
        (GOOD.replace("version=1", "version=0"), "version 0: versions begin at 1"),
        (GOOD.replace('billing=current("energy")', 'billing=current("volume")'), "billing: 'vol"),
        (GOOD.replace("energy", "enthalpy"), "registers: 'enthalpy' is no quantity of quantity.py"),
        (GOOD.replace("billing=", "reset=300, billing="), "reset 300: a sub-code is 0 to 255"),
        (GOOD.replace("mbus", "modbus"), "reads are missing: say what to ask for; places: a Modb"),
        (GOOD.replace("sample", "mbus_heat"), "bad.py: model 'mbus_heat' has a version 1 already"),
    ],
    ids=lambda value: None if "PROFILE" in value else value[:20],
)
def test_a_file_that_cannot_be_used_says_how_to_mend_it(
    folder: Path, text: str, message: str
) -> None:
    (folder / "bad.py").write_text(text)
    (folder / "a_good_one.py").write_text(GOOD.replace("sample", "other"))
    with pytest.raises(registry.ModelFileError) as caught:
        registry.add_folder(str(folder))
    assert message in str(caught.value)
    assert "other" not in registry.models(), "all files of a folder or none"


def test_a_folder_that_is_not_there_is_told() -> None:
    with pytest.raises(registry.ModelFileError, match="no such folder"):
        registry.add_folder("nowhere")


def test_what_a_profile_gets_wrong_is_named_in_words() -> None:
    wrong = Profile(
        name="sample",
        title="",
        protocol="cjt188",
        version=1,
        registers=(current("energy"), current("energy")),
        billing=None,
        rollover=10,
        reset=1,
        dialect="cantonese",
    )
    found = problems(wrong)
    for part in ("title", "named twice", "rollover", "reads", "reset: only M-Bus", "'cantonese'"):
        assert any(part in problem for problem in found), part


def test_the_page_on_protocols_names_every_model_and_dialect() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "protocols.md").read_text("utf-8")
    missing = [name for name in (*registry.models(), *DIALECTS) if f"`{name}`" not in page]
    assert not missing
