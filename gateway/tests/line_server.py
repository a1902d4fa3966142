"""The emulator's lines behind TCP ports and terminals, for tests of the gateway's polling."""

from nuan_emulator.faults import LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters.device import RoomState
from nuan_emulator.meters.modbus_meters import RoomSensor
from nuan_emulator.serve import PtyLine, TcpLine

BAUD = 38_400
BITS = 10


def room(address: int, temperature_dc: int | None = 215) -> RoomSensor:
    """A room sensor, dead when it has no temperature."""
    state = None if temperature_dc is None else RoomState(temperature_dc, 512)
    return RoomSensor(f"R{address}", address, lambda _: state)


def line_of(*devices: RoomSensor, faults: LineFaults | None = None, baud: int = BAUD) -> Line:
    """A line with these devices."""
    return Line(baud, BITS, devices, faults)


class FlakyServer(TcpLine):
    """A serial server that hangs up once, `hang_up_after` requests from now."""

    hang_up_after: int | None = None
    connections = 0

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        await super()._serve(reader, writer)

    def _received(self, data: bytes) -> None:
        if self.hang_up_after is not None:
            self.hang_up_after -= 1
            if self.hang_up_after < 0:
                self.hang_up_after = None
                for client in self._clients:
                    client.close()
                return
        super()._received(data)


def tcp_line(*devices: RoomSensor, faults: LineFaults | None = None) -> FlakyServer:
    """A serial server in front of these devices; an asynchronous context manager."""
    return FlakyServer(line_of(*devices, faults=faults))


def pty_line(*devices: RoomSensor, bauds: tuple[int, ...] = (BAUD,)) -> PtyLine:
    """A terminal with these devices behind it at each of the baud rates; as above."""
    return PtyLine([line_of(*devices, baud=baud) for baud in bauds])
