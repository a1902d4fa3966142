"""The commands that change a meter: their bytes, and all that is refused."""

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus import commands
from nuan_protocols.mbus.commands import command, wake_up
from nuan_protocols.mbus.dates import date_text
from nuan_protocols.mbus.frame import parse, short_frame
from nuan_protocols.mbus.secondary import select_frame
from nuan_protocols.readout import NO_ANSWER, OK

E5 = b"\xe5"
ALL = commands.NAMES
METER = bytes.fromhex("785634122d2c0104")


def refused(*arguments):
    try:
        command(*arguments)
    except FrameError as error:
        return error.reason
    return ""


def run(sent, script):
    """Feed scripted answers; gives (line baud, request) of everything sent."""
    heard = []
    question = sent.request()
    while question is not None:
        heard.append((sent.line_baud, question))
        reply = script.pop(0) if script else b""
        if reply:
            sent.feed(reply)
        else:
            sent.timeout()
        question = sent.request()
    return heard


def bytes_of(name, value):
    made = command(name, 5, value, (name,), 2400)
    return made.request()


def test_the_bytes_of_each_command():
    for name, value, expected in (
        ("application_reset", 0x10, "68040468530550 10b816"),
        ("set_primary_address", 8, "68060668530551017a082c16"),
        ("set_baud", 9600, "680303685305bd1516"),
        ("set_baud", 300, "680303685305b81016"),
    ):
        made = bytes_of(name, value)
        assert made == bytes.fromhex(expected.replace(" ", "")), name
        assert parse(made).address == 5


def test_a_time_is_what_the_meter_will_show():
    made = bytes_of("set_time", (2026, 11, 20, 23, 5))
    assert made[7:9] == b"\x04\x6d"
    assert date_text(made[9:13]) == ("2026-11-20T23:05", "ok")
    made = bytes_of("set_time", (2028, 2, 29, 0, 59, 58))
    assert made[7:9] == b"\x06\x6d"
    assert date_text(made[9:15]) == ("2028-02-29T00:59:58", "ok")


def test_nothing_is_sent_that_was_not_asked_for_by_name():
    assert "wasn't asked for" in refused("set_time", 5, (2026, 1, 1, 0, 0), ())
    assert "wasn't asked for" in refused("set_baud", 5, 9600, ("set_time",), 2400)
    assert "no command" in refused("write", 5, 1, ("write",))


def test_a_command_goes_to_one_meter_only():
    for address in (251, 253, 254, 255, -1):
        assert "one meter" in refused("set_primary_address", address, 1, ALL), address
    for at in range(8):
        wild = METER[:at] + b"\xff" + METER[at + 1 :]
        assert "no wildcards" in refused("set_primary_address", wild, 1, ALL), at
    assert "no wildcards" in refused("application_reset", b"\x7f" + METER[1:], 1, ALL)
    assert "no wildcards" in refused("application_reset", METER[1:], 1, ALL)


def test_impossible_values_are_refused():
    for name, value in (
        ("application_reset", 256),
        ("set_primary_address", 251),
        ("set_primary_address", (1, 2)),
        ("set_baud", 57600),
        ("set_time", 5),
        ("set_time", (2026, 1, 1)),
        ("set_time", (2026, 2, 29, 0, 0)),
        ("set_time", (2026, 4, 31, 0, 0)),
        ("set_time", (1999, 4, 30, 0, 0)),
        ("set_time", (2026, 4, 30, 24, 0)),
    ):
        assert refused(name, 5, value, ALL, 2400), (name, value)
    assert "present baud rate" in refused("set_baud", 5, 9600, ALL)


def test_a_meter_is_selected_first():
    made = command("set_primary_address", METER, 8, ALL)
    heard = run(made, [E5, b"", E5])
    assert [question[5] for _, question in heard] == [0xFD] * 3
    assert heard[0][1] == select_frame(METER)
    assert made.result == OK
    assert made.exchanges == [(0, OK, 2, heard[1][1], E5)]
    made = command("set_primary_address", METER, 8, ALL, 0, 2)
    assert len(run(made, [])) == 2
    assert made.result == NO_ANSWER


def test_a_new_baud_rate_is_confirmed_at_that_rate():
    made = command("set_baud", 5, 9600, ALL, 2400)
    heard = run(made, [E5, E5])
    assert [baud for baud, _ in heard] == [2400, 9600]
    assert heard[1][1] == short_frame(0x40, 5)
    assert (made.result, made.confirmed) == (OK, True)


def test_a_meter_that_stays_at_its_old_rate_is_found_there():
    made = command("set_baud", 5, 9600, ALL, 2400, 2)
    heard = run(made, [E5, b"", b"", E5])
    assert [baud for baud, _ in heard] == [2400, 9600, 9600, 2400]
    assert (made.result, made.confirmed, made.line_baud) == (OK, False, 2400)
    made = command("set_baud", 5, 9600, ALL, 2400, 2)
    heard = run(made, [E5])
    assert [baud for baud, _ in heard] == [2400, 9600, 9600, 2400, 2400]
    assert (made.result, made.confirmed) == (NO_ANSWER, False)


def test_a_wake_up_takes_two_seconds_at_every_rate():
    for baud in commands.BAUDS:
        wired, optical = wake_up(baud), wake_up(baud, True)
        assert len(wired) >= 200
        assert len(optical) * 11 * 10 >= baud * 22
        assert (len(optical) - 1) * 11 * 10 < baud * 22
        assert set(wired) == {0}
        assert set(optical) == {0x55}
    reason = ""
    try:
        wake_up(1)
    except FrameError as error:
        reason = error.reason
    assert "no baud rate" in reason
    assert sorted(commands.SCAN_BAUDS) == list(commands.BAUDS)
