"""`nuan scan` on emulated lines: everything is found, nothing else is, and it says how sure."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from field_lines import FAST, Nuan, Ran, connects, emulated

from nuan_emulator.samples import sample_lines
from nuan_gateway.site import load_site
from nuan_protocols.meters import registry

# Beyond a serial server the baud rate only says how long answers take.
QUICK = (*FAST, "--baud", "38400")
SAMPLES = {line.protocol: line.meters for line in sample_lines(0)}
SITE = """\
format = 1
[site]
id = "yard"
name = "Yard"
[season]
name = "2026"
start = 2026-11-01
end = 2027-04-01
[tariff]
file = "tariff.toml"
"""


def addresses(ran: Ran) -> list[str]:
    return sorted(str(each["address"]) for each in ran.json()["meters"])


def given(protocol: str) -> list[str]:
    return [part for each in SAMPLES[protocol] for part in ("--address", str(each.address))]


def sampled(protocol: str) -> list[str]:
    return sorted(str(each.address) for each in SAMPLES[protocol])


def models(ran: Ran) -> dict[str, str]:
    return {str(each["address"]): each["model"] for each in ran.json()["meters"]}


def loaded(entries: str, folder: Path) -> Any:
    path = folder / "site.toml"
    (folder / "tariff.toml").touch()
    path.write_text(SITE + entries, "utf-8")
    return load_site(path)


def test_all_primary_addresses_of_an_mbus_line(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    done = nuan("scan", tcp_lines["mbus"], "--protocol", "mbus", "--to", "32", *QUICK, "--json")
    assert done.code == 0
    assert addresses(done) == sampled("mbus")
    found = models(done)
    assert {found[each] for each in ("1", "2", "3", "4", "5", "6", "8", "20")} == {"mbus_heat"}
    assert (found["7"], found["30"]) == ("gbt26831", "mbus_gas")


def test_a_secondary_search_finds_meters_that_share_their_number(
    nuan: Nuan, tmp_path: Path
) -> None:
    with emulated("--tcp", "--only", "3", "--only", "4", "--only", "20") as lines:
        where = connects(lines)["mbus"]
        how = ("--protocol", "mbus", "--secondary", "--quick", "--json")
        done = nuan("scan", where, *how, "--answer-time", "25", "--baud", "38400")
    assert done.code == 0
    assert addresses(done) == ["112233443AA10104", "6512347811A54104", "6512347832A70404"]
    site = loaded(done.json()["site_entries"], tmp_path)
    serials = sorted(meter.serial for meter in site.meters)
    assert serials[0] == "11223344"
    assert serials[1:] in (["65123478", "65123478-LUG"], ["65123478", "65123478-DME"])


def test_modbus_models_are_guessed_and_said_to_be(
    nuan: Nuan, tcp_lines: dict[str, str], tmp_path: Path
) -> None:
    done = nuan("scan", tcp_lines["modbus"], "--protocol", "modbus", "--to", "9", *QUICK, "--json")
    assert models(done) == {str(each.address): each.model for each in SAMPLES["modbus"]}
    why = {each["address"]: each["why"] for each in done.json()["meters"]}
    assert "says so itself" in why[2]
    assert all("guessed" in why[address] for address in (1, 3, 4, 5))
    entries = done.json()["site_entries"]
    assert entries.count("guessed") == 4
    assert len(loaded(entries, tmp_path).meters) == len(SAMPLES["modbus"])


def test_modbus_tcp_finds_the_same(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    done = nuan("scan", tcp_lines["modbus-tcp"], "--to", "9", *FAST, "--json")
    assert addresses(done) == sampled("modbus")
    assert len(done.json()["notes"]) == 3


def test_given_cjt188_meters_are_read_in_their_dialects(
    nuan: Nuan, tcp_lines: dict[str, str], tmp_path: Path
) -> None:
    done = nuan(
        "scan", tcp_lines["cjt188"], "--protocol", "cjt188", *given("cjt188"), *QUICK, "--json"
    )
    assert addresses(done) == sampled("cjt188")
    wanted = {
        "11223344556677": "standard",
        "12345678901234": "high_first",
        "42590016510824": "unit_first",
        "00000110619552": "plus33",
    }
    for each in done.json()["meters"]:
        dialect = wanted.get(each["address"])
        # Right, or said to be unproved.
        assert each["dialect"] == dialect or each["state"] == "unconfirmed" or dialect is None
        assert each["reason"]
        assert registry.profile(each["model"]).dialect == each["dialect"]
        if each["state"] == "unconfirmed":
            assert "# unconfirmed: " in done.json()["site_entries"]
    assert len(loaded(done.json()["site_entries"], tmp_path).meters) == len(SAMPLES["cjt188"])


def test_a_crowd_of_cjt188_meters_is_told(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    done = nuan("scan", tcp_lines["cjt188"], "--protocol", "cjt188", *QUICK, "--json")
    assert set(addresses(done)) <= set(sampled("cjt188"))
    assert "no search" in done.json()["notes"][0]


def test_one_cjt188_meter_alone_says_its_address(nuan: Nuan) -> None:
    with emulated("--tcp", "--only", "12345678901234") as lines:
        connect = connects(lines)["cjt188"]
        done = nuan("scan", connect, "--protocol", "cjt188", *QUICK, "--json")
    assert addresses(done) == ["12345678901234"]
    assert done.json()["notes"] == []


def test_dlt645_meters_are_told_apart_by_wildcards(
    nuan: Nuan, tcp_lines: dict[str, str], tmp_path: Path
) -> None:
    done = nuan("scan", tcp_lines["dlt645"], "--protocol", "dlt645", *QUICK, "--json")
    assert addresses(done) == sampled("dlt645")
    assert models(done) == {str(each.address): each.model for each in SAMPLES["dlt645"]}
    assert len(loaded(done.json()["site_entries"], tmp_path).meters) == 3


def test_entries_for_a_board_name_its_node_and_bus(
    nuan: Nuan, tcp_lines: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "entries.toml"
    where = ("--node", "1a2b3c4d5e6f7081", "--bus", "riser", "--slot", "7")
    done = nuan(
        *("scan", tcp_lines["modbus"], "--protocol", "modbus", "--from", "2", "--to", "3"),
        *(*QUICK, *where, "--site-entries", str(path)),
    )
    assert done.code == 0
    entries = tomllib.loads(path.read_text("utf-8"))
    assert list(entries) == ["meter"]
    assert [(each["node"], each["bus"], each["slot"]) for each in entries["meter"]] == [
        ("1a2b3c4d5e6f7081", "riser", 7),
        ("1a2b3c4d5e6f7081", "riser", 8),
    ]


@pytest.mark.parametrize(("language", "said"), [("en", "meters found."), ("zh", "块表。")])
def test_people_get_a_table_in_80_columns(
    nuan: Nuan, tcp_lines: dict[str, str], language: str, said: str
) -> None:
    done = nuan(
        *("scan", tcp_lines["cjt188"], "--protocol", "cjt188", "--lang", language),
        *(*given("cjt188"), *QUICK),
    )
    assert done.code == 0
    assert said in done.out
    assert done.widest() <= 80
    assert "cjt188_danfoss" in done.out
    assert "[[meter]]" in done.out


def test_auto_finds_the_baud_rate_of_a_serial_port(nuan: Nuan) -> None:
    with emulated("--line", "modbus") as lines:
        done = nuan(
            "scan", lines[0]["connect"], "--protocol", "modbus", "--to", "3", *FAST, "--json"
        )
    assert [(each["baud"], each["parity"]) for each in done.json()["meters"]] == [(9600, "N")] * 3


def test_a_wrong_baud_rate_is_silence(nuan: Nuan) -> None:
    with emulated("--line", "dlt645") as lines:
        done = nuan(
            *("scan", lines[0]["connect"], "--protocol", "dlt645", "--json"),
            *("--baud", "9600", "--parity", "E", *FAST),
        )
    assert done.code == 1
    assert done.json()["meters"] == []


def test_noise_makes_no_ghosts(nuan: Nuan) -> None:
    noise = "noise_before=0.1,noise_after=0.1,flip=0.05,stranger=0.05"
    with emulated("--tcp", "--faults", noise) as lines:
        where = connects(lines)
        for protocol in ("mbus", "modbus"):
            done = nuan(
                "scan", where[protocol], "--protocol", protocol, "--to", "31", *QUICK, "--json"
            )
            assert set(addresses(done)) <= set(sampled(protocol))
            assert len(addresses(done)) >= len(sampled(protocol)) - 1


def test_nobody_there_ends_with_1(nuan: Nuan, tcp_lines: dict[str, str]) -> None:
    done = nuan("scan", tcp_lines["dlt645"], "--protocol", "modbus", "--to", "2", *QUICK)
    assert done.code == 1
    assert "No meter found." in done.out
