"""Asks time servers (NTP, RFC 5905; a client of its simple form); on the heap only while it asks.

    0 u8 leap << 6 | version << 3 | mode    1 u8 stratum    2 u8 poll    3 i8 precision
    4 root delay    8 root dispersion    12 reference id    16 reference time
    24 origin = our transmit time    32 receive time    40 transmit time    (u32 s | u32 fraction)

Our transmit time is eight random bytes: an answer that doesn't repeat them wasn't asked for. That
keeps off who can't see the question, and nobody else: what NTP says is never authenticated.
"""

import asyncio
import socket
from struct import unpack_from
from time import ticks_diff, ticks_ms
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.clock import PLAUSIBLE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PORT = const(123)
_BYTES = const(48)
_TIMEOUT_MS = const(3000)
_LOOK_MS = const(20)
_CLIENT = b"\x23"
_MODE_SERVER = const(4)
_UNSYNCHRONISED = const(3)
_STRATUM_MAX = const(15)
# Seconds from 1900 to 1970.
_EPOCH_S = const(2208988800)
# How far the server itself may be from its own source, in 1/65536 s: a second and a half.
_DISTANCE_MAX = const(98304)
_AGREE_MS = const(2000)


class NtpError(Exception):
    """Why a server's answer, or the lack of one, tells no time; `is_final`: don't ask it again."""

    def __init__(self, reason: str, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


async def ask_all(
    hosts: "Sequence[str]",
    random_bytes: "Callable[[int], bytes]",
    uptime: "Callable[[], int]",
    refused: "Callable[[int], None]",
) -> "tuple[int, int, int, str]":
    """(UTC second, ms of it, ms of doubt, host) by most of the servers that answer, as of now.

    `refused` is told the places of servers that want to be asked no more. Raises NtpError.
    """
    answers = []
    reason = "no server is left to be asked"
    for index in range(len(hosts)):
        host = hosts[index]
        if not host:
            continue
        try:
            second, ms, doubt = await ask(host, _PORT, random_bytes)
        except NtpError as problem:
            reason = host + ": " + str(problem)
            if problem.is_final:
                refused(index)
            continue
        except OSError as problem:
            reason = host + ": " + repr(problem)
            continue
        answers.append((second - uptime(), ms, doubt, host))
    if not answers:
        raise NtpError(reason)
    best = _most_agree(answers)
    return best[0] + uptime(), best[1], best[2], best[3]


def _most_agree(
    answers: "list[tuple[int, int, int, str]]",
) -> "tuple[int, int, int, str]":
    for answer in answers:
        agree = 0
        for other in answers:
            apart_ms = (answer[0] - other[0]) * 1000 + answer[1] - other[1]
            agree += abs(apart_ms) <= _AGREE_MS
        if 2 * agree > len(answers):
            return answer
    raise NtpError("the servers disagree")


async def ask(
    host: str, port: int, random_bytes: "Callable[[int], bytes]"
) -> "tuple[int, int, int]":
    """(UTC second, ms of it, ms that it may be later). Raises NtpError, OSError.

    The name look-up blocks: call it with a link that is up.
    """
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1]
    stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        stream.setblocking(False)
        # From then on the stack drops what others send.
        stream.connect(address)
        nonce = random_bytes(8)
        question = bytearray(_BYTES)
        question[:1] = _CLIENT
        question[40:] = nonce
        asked = ticks_ms()
        stream.send(question)
        answer = bytearray(_BYTES)
        while True:
            count = stream.readinto(answer)
            took_ms = ticks_diff(ticks_ms(), asked)
            if count == _BYTES and answer[24:32] == nonce:
                break
            # What doesn't repeat our time isn't the answer: it may still come.
            if took_ms > _TIMEOUT_MS:
                raise NtpError("no answer" if count is None else "no answer to this question")
            await asyncio.sleep_ms(_LOOK_MS)
    finally:
        stream.close()
    second, ms = read(answer)
    return second, ms, took_ms


def read(answer: "bytes | bytearray") -> "tuple[int, int]":
    """(UTC second, ms) of a server's 48 bytes. Raises NtpError for one that tells no time."""
    leap, mode, stratum = answer[0] >> 6, answer[0] & 7, answer[1]
    if mode != _MODE_SERVER:
        raise NtpError("mode %d is no server's" % mode)
    if stratum == 0:
        code = bytes(answer[12:16])
        raise NtpError("kiss of death %r" % code, code in (b"DENY", b"RSTR", b"RATE"))
    if leap == _UNSYNCHRONISED or stratum > _STRATUM_MAX:
        raise NtpError("the server isn't synchronised")
    delay, dispersion = unpack_from(">II", answer, 4)
    if (delay >> 1) + dispersion > _DISTANCE_MAX:
        raise NtpError("the server is too far from its source")
    second, fraction = unpack_from(">II", answer, 40)
    if not second and not fraction:
        raise NtpError("the answer holds no time")
    second -= _EPOCH_S
    if second < PLAUSIBLE_S:
        # The counter has begun anew in 2036.
        second += 1 << 32
    return second, (fraction >> 16) * 1000 >> 16
