"""The sample building wired up: truth, meters, lines and the node that reads them.

Devices are made from the site file, so that what the gateway believes and what hangs on the
emulated lines come from one description.
"""

from collections.abc import Callable, Mapping

from nuan_emulator.building import Building
from nuan_emulator.line import Line
from nuan_emulator.meters import (
    Device,
    Dtsu666,
    HeatState,
    MBusGasMeter,
    MBusHeatMeter,
    RoomSensor,
)
from nuan_emulator.meters.device import HeatSource
from nuan_emulator.sources import (
    BuildingGas,
    BuildingHeat,
    CommonElectricity,
    FlatHeat,
    RoomClimate,
)
from nuan_gateway.site import Bus, Meter, Node, Point, Site

_BITS_PER_CHARACTER = {"N": 10, "E": 11, "O": 11}


class TruthLog:
    """A heat source that remembers the true heat at each instant its register was read."""

    def __init__(self, source: HeatSource) -> None:
        """`source` is asked as before."""
        self._source = source
        self._heat_j: dict[int, int] = {}

    def __call__(self, now_ms: int) -> HeatState | None:
        """The state, noted down."""
        state = self._source(now_ms)
        if state is not None:
            self._heat_j[now_ms] = state.energy_j
        return state

    def heat_j(self, time_s: int) -> int:
        """True heat in joules at the read-out nearest to a reading's time (UTC seconds)."""
        nearest = min(self._heat_j, key=lambda at_ms: abs(at_ms - time_s * 1000))
        return self._heat_j[nearest]


class MeteredBuilding:
    """A building with the meters of a site on one node's lines."""

    def __init__(self, building: Building, site: Site, seed: int) -> None:
        """Every point of the site gets its meter; ValueError for a role the building hasn't."""
        self.building = building
        self.truth: dict[str, TruthLog] = {}
        self._site = site
        self._flats = {flat.unit: index for index, flat in enumerate(building.flats)}
        node = site.nodes[0]
        points = {point.meter: point for point in site.points}
        self.lines: Mapping[int, Line] = {
            bus.uart: self._line(bus, node, points, seed) for bus in node.buses
        }

    @property
    def pins(self) -> dict[int, Callable[[int, int], None]]:
        """The valves of the site's zones by pin: level and UTC ms."""

        def valve(level: int, now_ms: int) -> None:
            self.building.room.set_valve(bool(level), now_ms)

        return {z.valve_pin: valve for z in self._site.zones if z.valve_pin is not None}

    def _line(self, bus: Bus, node: Node, points: Mapping[str, Point], seed: int) -> Line:
        devices = [
            self._device(meter, points[meter.serial])
            for meter in self._site.meters_of(node.id)
            if meter.bus == bus.name
        ]
        bits = _BITS_PER_CHARACTER[bus.parity]
        return Line(bus.baud, bits, devices, seed=seed)

    def _device(self, meter: Meter, point: Point) -> Device:
        building, serial, address = self.building, meter.serial, int(meter.address)
        if point.role == "household_heat" and point.unit is not None:
            source = TruthLog(FlatHeat(building, self._flats[point.unit]))
            self.truth[point.unit] = source
            return MBusHeatMeter(serial, address, source)
        if point.role == "building_heat":
            return MBusHeatMeter(serial, address, BuildingHeat(building), large_pipe=True)
        if point.role == "gas":
            return MBusGasMeter(serial, address, BuildingGas(building))
        if point.role == "electricity":
            return Dtsu666(serial, address, CommonElectricity(building))
        if point.role == "room_temperature":
            return RoomSensor(serial, address, RoomClimate(building))
        raise ValueError(f"point {point.id}: the sample building has nothing in role {point.role}")
