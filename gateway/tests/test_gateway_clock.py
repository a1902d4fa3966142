"""The machine's clock and the file that stands in for it."""

import asyncio
import struct
import time

import pytest

from nuan_gateway.clock import FileClock, WallClock, open_clock
from nuan_gateway.errors import GatewayError


async def test_the_wall_clock():
    clock = open_clock(None)
    assert isinstance(clock, WallClock)
    now_ms = clock.now_ms()
    assert abs(now_ms / 1000 - time.time()) < 5
    await clock.sleep_until_ms(now_ms + 20)
    assert clock.now_ms() >= now_ms + 20
    await clock.sleep_until_ms(0)


async def test_a_file_clock_follows_its_file(tmp_path):
    path = tmp_path / "clock"
    path.write_bytes(struct.pack("<Q", 1_000))
    clock = open_clock(path)
    assert isinstance(clock, FileClock)
    sleeper = asyncio.create_task(clock.sleep_until_ms(5_000))
    await asyncio.sleep(0.03)
    assert not sleeper.done()
    with path.open("r+b") as file:
        file.write(struct.pack("<Q", 86_400_000))
    await asyncio.wait_for(sleeper, 5)
    assert clock.now_ms() == 86_400_000


@pytest.mark.parametrize("content", [None, b"", b"1234"])
def test_a_clock_file_that_is_none(tmp_path, content):
    path = tmp_path / "clock"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GatewayError, match=r"clock: no clock file .*hold 8 bytes"):
        open_clock(path)
