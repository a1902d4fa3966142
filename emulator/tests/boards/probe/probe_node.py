# ruff: noqa: ASYNC230, PTH123, RUF006, UP041
"""Polls serial port 1 every minute; every 15 minutes publishes at QoS 1 and writes /log."""

import asyncio
import json
import time

import esp32
import machine
import network

_last = b""
_count = 0


async def poll():
    global _last, _count
    uart = machine.UART(1, 2400, bits=8, parity=0, stop=1, tx=17, rx=16, rxbuf=512, timeout_char=6)
    stream = asyncio.StreamReader(uart)
    while True:
        await asyncio.sleep_ms(60000 - time.ticks_ms() % 1000)
        uart.write(b"\x10\x5b\x01\x5c\x16")
        try:
            _last = await asyncio.wait_for_ms(stream.read(256), 1000)
            _count += 1
        except asyncio.TimeoutError:
            _last = b"none"


async def link():
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("nuan", "secret")
    while not wlan.isconnected():
        await asyncio.sleep_ms(200)
    return wlan


def packet(kind, body):
    return bytes([kind, len(body)]) + body


def text(value):
    return len(value).to_bytes(2, "big") + value


async def uplink(config):
    while True:
        await link()
        try:
            await session(config)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            print("uplink", repr(error))
            await asyncio.sleep(5)


async def session(config):
    reader, writer = await asyncio.open_connection(config["host"], config["port"])
    try:
        node = config["node"].encode()
        writer.write(packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x78" + text(b"probe-" + node)))
        await writer.drain()
        print("connack", await asyncio.wait_for(reader.readexactly(4), 10))
        number = 0
        while True:
            await asyncio.sleep(900)
            number += 1
            body = text(b"nuan/v1/" + node + b"/probe") + number.to_bytes(2, "big")
            writer.write(packet(0x32, body + b"%d %s" % (_count, _last[:60])))
            await writer.drain()
            answer = await asyncio.wait_for(reader.readexactly(4), 10)
            with open("/log", "ab") as log:
                log.write(b"%d %d %s end\n" % (time.time(), time.ticks_ms(), answer))
    finally:
        writer.close()


async def beat(watchdog):
    while True:
        watchdog.feed()
        await asyncio.sleep(10)


async def main():
    with open("/config.json") as file:
        config = json.load(file)
    store = esp32.NVS("nuan")
    key = bytearray(32)
    store.get_blob("key", key)
    try:
        boots = store.get_i32("boots")
    except OSError:
        boots = 0
    store.set_i32("boots", boots + 1)
    store.commit()
    print("boot", boots, bytes(key[:4]), machine.reset_cause(), time.time())
    machine.RTC().datetime((2026, 11, 1, 0, 0, 0, 0, 0))
    asyncio.create_task(poll())
    asyncio.create_task(uplink(config))
    await beat(machine.WDT(timeout=60000))


def run():
    asyncio.run(main())
