"""Every model's site-file entry leads to a question that an emulated meter of it answers."""

import pytest

from nuan_emulator.meters import MBusHeatMeter
from nuan_emulator.meters.cjt188_layout import DIALECTS
from nuan_emulator.meters.cjt188_meters import Cjt188HeatMeter
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import ElectricityState, HeatState
from nuan_emulator.meters.dlt645_meters import Dlt645Meter, Station645
from nuan_gateway.node_config import meter_config
from nuan_gateway.poll.readouts import make_readout
from nuan_gateway.site import Meter
from nuan_protocols.cjt188 import dialects
from nuan_protocols.meters import registry
from nuan_protocols.readout import EXCEPTION, OK

NOW_MS = 1_762_300_800_000
CJT_ADDRESS = "11110011304201"
DLT_ADDRESS = "012345678901"


def heat(_now_ms: int) -> HeatState:
    return HeatState(36_000_000_000, 812_000_000, 5000, 277, 4870, 3320, 3_600_000)


def electricity(_now_ms: int) -> ElectricityState:
    return ElectricityState(
        36_000_000, 0, (2300, 2310, 2290), (2000, 2100, 2200), (5000, 5000, 5000), (0, 0, 0), 5000
    )


def ask(device, model: str, address: int | str, ser: int = 0):
    """The readings of every part of the meter's turn, and the read-out."""
    profile = registry.profile(model)
    meter = Meter(
        serial="M", model=model, node="6e75616e0000000a", bus="b", slot=1, address=address,
        every_s=3600,
    )  # fmt: skip
    extra = 0
    if profile.protocol == "cjt188":
        extra = dialects.DIALECTS[profile.dialect].extra_bytes
    readout = make_readout(profile.protocol, meter_config(meter, 0), ser, 1, extra)
    while (question := readout.request()) is not None:
        answer = device.answer(bytes(question), NOW_MS)
        if answer is not None:
            readout.feed(answer)
            assert not readout.waiting
        else:
            # Nobody answers the reset that ends an earlier selection.
            readout.timeout()
    assert readout.result == OK
    found = []
    for _, result, _, asked, answer in readout.exchanges:
        assert result in (OK, EXCEPTION)
        found += registry.readings(profile, bytes(asked), bytes(answer))
    return found, readout


def billed(found, model: str) -> int:
    """The billing register in Wh."""
    register = registry.profile(model).billing
    (value,) = [
        reading.integer * 10**reading.exponent
        for reading in found
        if reading[0] == register.quantity
        and (reading.storage, reading.tariff, reading.subunit, reading.function) == register[1:]
    ]
    return value


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("cjt188_heat", "standard"),
        ("cjt188_tiangang", "tiangang"),
        ("cjt188_heat_1f90", "runa"),
        ("cjt188_danfoss", "danfoss"),
        ("cjt188_lichuang", "lichuang"),
        ("cjt188_wanhua", "wanhua"),
        ("cjt188_metertech", "metertech"),
        ("cjt188_lianqiang", "lianqiang"),
        ("cjt188_zhenyu", "zhenyu"),
    ],
)
def test_heat_meters_of_all_makers(model, maker):
    meter = Cjt188HeatMeter(Station(CJT_ADDRESS, DIALECTS[maker]), heat)
    found, readout = ask(meter, model, CJT_ADDRESS, ser=255)
    assert billed(found, model) == 10_000_000
    # The running number goes on with the next meter, and begins again after 255.
    assert readout.ser == 0


@pytest.mark.parametrize("address", [7, "12345678B8340104", "FFFFFFFFFFFFFFFF"])
def test_mbus_by_either_address(address):
    meter = MBusHeatMeter("12345678", 7, heat, manufacturer="MAT")
    if address == "12345678B8340104":
        address = "12345678" + meter_head(meter)
    found, _ = ask(meter, "mbus_heat", address)
    assert billed(found, "mbus_heat") == 10_000_000


def meter_head(meter: MBusHeatMeter) -> str:
    """Manufacturer, version and medium as a secondary address prints them."""
    meter.answer(bytes.fromhex("1040074716"), NOW_MS)
    head = meter.answer(bytes.fromhex("107b078216"), NOW_MS)
    assert head is not None
    return f"{head[12]:02X}{head[11]:02X}{head[13]:02X}{head[14]:02X}"


@pytest.mark.parametrize(("model", "version"), [("dlt645_2007", 2007), ("dlt645_1997", 1997)])
def test_electricity_meters_of_both_years(model, version):
    meter = Dlt645Meter(Station645(DLT_ADDRESS, version), electricity)
    found, _ = ask(meter, model, DLT_ADDRESS)
    assert billed(found, model) == 10_000
