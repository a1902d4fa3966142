"""Whether the console is open, and how it is opened.

Open until the node has a key; then locked. A challenge is good for one answer; five wrong answers
in a row shut the lock for a minute. Ten minutes after the last line it locks again. A restart
forgets the count: whoever can restart a board has it in his hands, and an answer of 64 bits is not
guessed at five tries a boot.
"""

from binascii import hexlify
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.console.reply import Refused
from nuan_firmware.hal import chip
from nuan_protocols.uplink.keys import equal

if TYPE_CHECKING:
    from nuan_firmware.console.listener import Console

# Unlocked for so long after the last line.
IDLE_S = const(600)
WRONG_MAX = const(5)
SHUT_S = const(60)
_CHALLENGE_BYTES = const(8)


def is_open(console: "Console") -> bool:
    """Whether every command is carried out."""
    if console.open_s and console.node.clock.uptime() < console.open_s:
        return True
    try:
        chip.node_key()
    except OSError as problem:
        # Never provisioned; a store that can't be read opens nothing.
        return bool(problem.args[0] == chip.NVS_NOT_FOUND)
    return False


def challenge(console: "Console") -> str:
    """A new challenge; the one before is worth nothing any more."""
    _check_shut(console)
    console.challenge = hexlify(chip.random_bytes(_CHALLENGE_BYTES)).decode()
    return console.challenge


def answer(console: "Console", given: str) -> None:
    """Open for the right answer to the challenge. Raises Refused."""
    from nuan_protocols.uplink.console_key import console_answer

    _check_shut(console)
    asked, console.challenge = console.challenge, ""
    if not asked:
        raise Refused("ask for a challenge first: unlock without an answer")
    now_s = console.node.clock.uptime()
    if equal(given.lower().encode(), console_answer(chip.node_key(), asked).encode()):
        console.wrong = 0
        console.open_s = now_s + IDLE_S
        return
    console.wrong += 1
    if console.wrong >= WRONG_MAX:
        console.wrong = 0
        console.shut_s = now_s + SHUT_S
        raise Refused("wrong answer; the lock is shut for %d s" % SHUT_S)
    raise Refused("wrong answer; %d left" % (WRONG_MAX - console.wrong))


def _check_shut(console: "Console") -> None:
    left_s = console.shut_s - console.node.clock.uptime()
    if left_s > 0:
        raise Refused("too many wrong answers: wait %d s" % left_s)
