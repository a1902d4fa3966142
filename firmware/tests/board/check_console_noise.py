"""Lines that were damaged on purpose: an answer with a reason, and nothing has changed."""

import json
import random

from console_kit import Hal, Typist

SEED = 20261101
LINES = 10000
ORIGINALS = (
    b'{"id":1,"cmd":"status"}',
    b'{"id":2,"cmd":"unlock","answer":"0123456789abcdef"}',
    b'{"id":3,"cmd":"read","slot":3}',
    b'{"id":4,"cmd":"log","count":5,"back":10}',
    b'{"id":5,"cmd":"pull","from":1}',
    b'{"id":6,"cmd":"key","do":"begin","name":"ca0","size":900,"sha256":"00"}',
    b'{"id":7,"cmd":"key","do":"data","at":0,"data":"MIIBhTCC"}',
    b'{"id":8,"cmd":"config","do":"data","at":12,"data":"eyJmb3JtYXQi"}',
    b'{"id":9,"cmd":"exchange","slot":3,"old":"1","last":"2"}',
    b'{"id":10,"cmd":"scan","bus":"rs485","first":0,"last":9}',
    b'{"id":11,"cmd":"time","utc_s":99}',
    b"read 99",
    b'exchange 3 old=1 who="Wang Li"',
    b"log 5 20",
    b"key wifi_key",
    b"help me",
)


def mutated():
    """One of the lines, changed at up to four places."""
    line = bytearray(random.choice(ORIGINALS))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(line))
        kind = random.randrange(5)
        if kind == 0:
            line[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            line = line[:at] + line[at + 1 :] or bytearray(b"{")
        elif kind == 2:
            line = line[:at] + bytes((random.randrange(256),)) + line[at:]
        elif kind == 3:
            line = line[: at + 1]
        else:
            line = line[:at] + b"[{:" * random.randint(1, 60) + line[at:]
    return bytes(line)


def state(typist):
    """What a line may change: the store, restarts, configuration, what was journaled but read."""
    journal = typist.node.journal
    faults = len(typist.node.supervisor.faults)
    return sorted(Hal.blobs.items()), Hal.resets, Hal.numbers.copy(), journal.epoch, faults


def test_mutated_lines_are_answered_and_change_nothing():
    random.seed(SEED)
    typist = Typist()
    # Loaded once: compiling the commands anew for each line would take most of the time.
    typist.console.unload = lambda: None
    typist.unlock()
    before = state(typist)
    answered = refused = 0
    for number in range(LINES):
        line = mutated()
        printed = typist.type(line + b"\n\x15\r")
        if number % 200 == 0:
            typist.console.open_s = typist.node.clock.up_s + 600
        assert printed.endswith(b"nuan> "), (SEED, number, line, printed)
        answers = [
            each for each in printed.split(b"\n") if each.startswith(b'{"') and b'"ok":' in each
        ]
        for answer in answers:
            told = json.loads(answer)
            answered += 1
            if not told["ok"]:
                refused += 1
                assert told["error"], (SEED, number, line)
                assert not told["error"].startswith("fault"), (SEED, number, line, told)
        assert state(typist) == before, (SEED, number, line)
    typist.close()
    assert answered > LINES // 4
    assert refused > LINES // 5
