import json
from binascii import a2b_base64, b2a_base64
from hashlib import sha256

from console_kit import KEY, Hal, Typist
from journal_kit import KEYS, entries_of

from nuan_protocols.uplink.batch_reader import parse_batch
from nuan_protocols.uplink.console_key import console_answer
from nuan_protocols.uplink.hello import parse_hello
from nuan_protocols.uplink.message import parse_head


def at_console(test, key=True):
    typist = Typist(key)
    try:
        test(typist)
        assert typist.node.supervisor.faults == []
    finally:
        typist.close()


def test_a_line_is_edited_as_people_expect():
    def run(typist):
        printed = typist.type(b"statuz\x7fs\r")
        assert printed.startswith(b"statuz\b \bs\nversion: ")
        assert printed.endswith(b"nuan> ")
        assert b"version: " in typist.type(b"\x1b[A\r"), "the arrow up brings the last line back"
        assert typist.type(b"nonsense\x15\r").endswith(b"\nnuan> ")
        assert typist.type(b"nonsense\x03\r").endswith(b"\nnuan> ")
        assert typist.type(b"\x1b[D\x1b[1~\x1bOPstatus\r").count(b"version: ") == 1

    at_console(run)


def test_line_ends_of_all_kinds_end_one_line():
    def run(typist):
        for end in (b"\r", b"\n", b"\r\n"):
            assert typist.type(b"status" + end).count(b"version: ") == 1
        assert typist.type(b"status\r\nstatus\r\n").count(b"version: ") == 2

    at_console(run)


def test_backspace_takes_a_whole_chinese_character():
    def run(typist):
        printed = typist.type("暖status".encode() + b"\x7f" * 6 + b"\x7fstatus\r")
        assert b"\b\b  \b\b" in printed
        assert b"version: " in printed

    at_console(run)


def test_a_programs_line_is_not_echoed_and_gets_one_line():
    def run(typist):
        printed = typist.type(b'{"id":3,"cmd":"status"}\n')
        assert printed.startswith(b'\n{"id":3,"version":')
        assert printed.count(b"\n") == 2
        assert json.loads(printed)["ok"] is True
        # Without an id, and behind what somebody has left in the line.
        printed = typist.type(b'half a li\x15{"cmd":"status"}\n')
        assert json.loads(printed[printed.index(b"{") :])["ok"] is True

    at_console(run)


def test_a_line_of_256_bytes_is_taken_and_a_longer_one_refused():
    def run(typist):
        fits = b'{"cmd":"status"' + b" " * 240 + b"}"
        assert len(fits) == 256
        assert json.loads(typist.type(fits + b"\n"))["ok"] is True
        refused = json.loads(typist.type(fits + b" \n"))
        assert refused == {"ok": False, "error": "the line is too long: at most 256 bytes"}
        assert b"refused: the line is too long" in typist.type(b"x" * 5000 + b"\r")

    at_console(run)


def test_a_locked_console_says_who_it_is_and_nothing_else():
    def run(typist):
        status = typist.ask("status")
        assert sorted(status) == ["locked", "node", "ok", "uptime_s", "version"]
        assert status["locked"] is True
        for command in ("meters", "pull", "key", "config", "reboot", "update", "repl", "log"):
            answer = typist.ask(command)
            assert answer["ok"] is False
            assert answer["locked"] is True
        assert b"refused: locked" in typist.type(b"meters\r")
        assert len(typist.ask("help")["commands"]) == 17
        assert Hal.resets == 0

    at_console(run)


def test_a_store_that_cannot_be_read_opens_no_console():
    def run(typist):
        key = Hal.blobs.pop("key")
        try:
            assert typist.ask("meters")["ok"] is True
            Hal.store_fault = -4358  # no memory
            for command in ("meters", "key", "repl"):
                assert typist.ask(command)["locked"] is True
        finally:
            Hal.store_fault = Hal.NVS_NOT_FOUND
            Hal.blobs["key"] = key

    at_console(run)


def test_no_text_carries_controls_into_the_journal():
    def run(typist):
        typist.unlock()
        for code in (0x1B, 0x9B):
            said = {"slot": 0, "old": "1" + chr(code) + "2J", "who": "Li"}
            assert "no control characters" in typist.ask("exchange", **said)["error"]

    at_console(run)


def test_a_challenge_is_good_for_one_answer():
    def run(typist):
        challenge = typist.ask("unlock")["challenge"]
        assert len(challenge) == 16
        right = console_answer(KEY, challenge)
        assert typist.ask("unlock", answer="0" * 16)["error"] == "wrong answer; 4 left"
        assert typist.ask("unlock", answer=right)["ok"] is False
        challenge = typist.ask("unlock")["challenge"]
        assert typist.ask("unlock", answer=console_answer(KEY, challenge))["open_s"] == 600
        assert typist.ask("meters")["ok"] is True

    at_console(run)


def test_five_wrong_answers_shut_the_lock_for_a_minute():
    def run(typist):
        for left in (4, 3, 2, 1):
            typist.ask("unlock")
            assert typist.ask("unlock", answer="00")["error"] == "wrong answer; %d left" % left
        typist.ask("unlock")
        assert "shut for 60 s" in typist.ask("unlock", answer="00")["error"]
        typist.node.clock.up_s += 59
        for args in ({}, {"answer": "00"}):
            assert typist.ask("unlock", **args)["error"] == "too many wrong answers: wait 1 s"
        typist.node.clock.up_s += 1
        typist.unlock()

    at_console(run)


def test_it_locks_again_ten_minutes_after_the_last_line():
    def run(typist):
        typist.unlock()
        typist.node.clock.up_s += 599
        assert typist.ask("meters")["ok"] is True
        typist.node.clock.up_s += 600
        assert typist.ask("meters")["locked"] is True
        typist.unlock()
        typist.console.check(typist.node.clock.up_s + 600)
        # Even when the uptime is looked at no more for weeks.
        assert typist.console.open_s == 0
        typist.unlock()
        assert typist.ask("lock")["locked"] is True

    at_console(run)


def test_a_board_without_a_key_is_open_until_it_gets_one():
    def run(typist):
        assert typist.ask("meters")["ok"] is True
        assert typist.ask("key", name="key", value="zz")["ok"] is False
        listed = typist.ask("key", name="key", value=KEY.hex())["keys"]
        assert [each["name"] for each in listed if each["set"]] == ["key"]
        assert KEY.hex() not in json.dumps(listed)
        assert Hal.blobs["key"] == KEY
        assert typist.ask("meters")["ok"] is True
        typist.node.clock.up_s += 601
        assert typist.ask("meters")["locked"] is True

    at_console(run, False)


def test_passwords_and_certificates_are_kept_and_never_shown():
    def run(typist):
        typist.unlock()
        assert typist.ask("key", name="wifi_key", value="warm and dry")["ok"] is True
        assert Hal.blobs["wifi_key"] == b"warm and dry"
        authority = b"\x30\x82" + bytes(range(200))
        digest = sha256(authority).digest().hex()
        begun = typist.ask("key", do="begin", name="ca1", size=len(authority), sha256=digest)
        assert begun["next"] == 0
        for at in range(0, len(authority), 100):
            piece = b2a_base64(authority[at : at + 100])[:-1].decode()
            assert typist.ask("key", do="data", at=at, data=piece)["next"] == min(at + 100, 202)
        assert typist.ask("key", do="end")["ok"] is True
        assert Hal.blobs["ca1"] == authority
        shown = json.dumps(typist.ask("key"))
        assert "warm" not in shown
        assert authority.hex()[:12] not in shown

    at_console(run)


def test_a_damaged_certificate_is_not_kept():
    def run(typist):
        typist.unlock()
        digest = sha256(b"another").digest().hex()
        typist.ask("key", do="begin", name="ca0", size=3, sha256=digest)
        typist.ask("key", do="data", at=0, data="MIIA")
        assert "SHA-256" in typist.ask("key", do="end")["error"]
        assert "ca0" not in Hal.blobs
        assert typist.ask("key", do="end")["error"].startswith("no transfer has begun")

    at_console(run)


def test_the_journal_is_pulled_as_it_would_travel():
    def run(typist):
        typist.unlock()
        journal = typist.node.journal
        held = entries_of(journal)
        begun = typist.ask("pull")
        hello = parse_hello(a2b_base64(begun["message"]), KEYS)
        assert (hello.oldest, hello.newest) == (1, journal.flushed)
        seq, found = 1, {}
        while True:
            answer = typist.ask("pull", **{"from": seq})
            if "message" not in answer:
                break
            message = a2b_base64(answer["message"])
            assert parse_head(message).nonce == hello.nonce
            for entry in parse_batch(message, KEYS).entries:
                found[entry.seq] = entry.canonical
            seq = answer["next"]
        assert found == held
        assert typist.screen.longest <= 128

    at_console(run)


def test_an_exchange_is_on_flash_when_it_is_answered():
    def run(typist):
        typist.unlock()
        answer = typist.ask(
            "exchange", slot=3, old="12345678", last="1234.5 GJ", seals="A1/B2", who="王丽"
        )
        assert answer["read"] == "old"
        journal = typist.node.journal
        assert journal.flushed >= answer["seq"]
        found = entries_of(journal)
        assert found[answer["read_seq"]][1] == 1
        event = found[answer["seq"]]
        assert event[27] == 10
        text = event[28:].decode()
        assert text.startswith('exchange {"slot":3,"old":"12345678","last":"1234.5 GJ",')
        said = json.loads(text[9:])
        assert said["who"] == "王丽"
        assert (said["read"], said["of"]) == (answer["read_seq"], "old")

    at_console(run)


def test_an_exchange_of_a_silent_meter_and_of_a_node():
    def run(typist):
        typist.unlock()
        typist.node.pollers[0].answer = b""
        answer = typist.ask("exchange", slot=3, new="87654321", first="0", who="Li")
        assert answer["read"] == "no answer"
        assert answer["read_seq"] is None
        typist.type(b'exchange 0 old=6e75 new=6e76 who="Li Na" note="water in it"\r')
        text = entries_of(typist.node.journal)[typist.node.journal.flushed][28:].decode()
        assert json.loads(text[9:])["note"] == "water in it"

    at_console(run)


def test_an_exchange_without_what_must_be_known_is_refused_and_journals_nothing():
    def run(typist):
        typist.unlock()
        before = typist.node.journal.seq
        for args, reason in (
            ({"slot": 3, "old": "1", "last": "2"}, "who"),
            ({"slot": 3, "who": "Li"}, "old=, new="),
            ({"slot": 3, "who": "Li", "old": "1"}, "last"),
            ({"slot": 3, "who": "Li", "new": "1"}, "first"),
            ({"slot": 4, "who": "Li", "new": "1", "first": "0"}, "slot 4"),
            ({"slot": 0, "who": "Li", "new": "1", "read": "new"}, "no register"),
            ({"slot": 3, "who": "L\u0007i", "new": "1", "first": "0"}, "control"),
        ):
            assert reason in typist.ask("exchange", **args)["error"], args
        words = b"exchange 3 old=1 last=2 new=3 first=4 who=" + b"x" * 190
        assert b"bytes too long: shorten the texts" in typist.type(words + b"\r")
        assert typist.node.journal.seq == before

    at_console(run)


def test_events_are_listed_with_their_times():
    def run(typist):
        typist.unlock()
        for number in range(15):
            typist.node.journal.event(4, "fault %d" % number)
        events = typist.ask("log", count=3)["events"]
        assert [each["text"] for each in events] == ["fault 12", "fault 13", "fault 14"]
        assert events[0]["time"].startswith("2025-")
        assert b"fault 14" in typist.type(b"log 2\r")

    at_console(run)


def test_the_configuration_is_shown_and_a_bad_one_refused():
    def run(typist):
        typist.unlock()
        from nuan_firmware import config_store

        text = b'{"format":1,"node":"6e75616e00000001"}'
        with open(config_store.CONFIG_PATH, "wb") as file:
            file.write(text)
        assert a2b_base64(typist.ask("config")["config"]) == text
        bad = b'{"format":9}'
        digest = sha256(bad).digest().hex()
        typist.ask("config", do="begin", size=len(bad), sha256=digest)
        piece = b2a_base64(bad)[:-1].decode()
        assert typist.ask("config", do="data", at=0, data=piece)["next"] == len(bad)
        assert typist.ask("config", do="end")["ok"] is False
        assert not config_store.exists(config_store.TRIAL_PATH)
        assert typist.ask("config", do="back")["error"] == "no configuration is on trial"

    at_console(run)


def test_a_meter_is_read_now():
    def run(typist):
        typist.unlock()
        answer = typist.ask("read", slot=3)
        assert answer["result"] == "ok"
        assert answer["exchanges"][0]["answer"] == b"\x68\x00answer".hex()
        assert answer["seq"] == typist.node.journal.seq - 1
        printed = typist.type(b"read 3\r")
        assert b"answer: 8 bytes" in printed
        assert "no meter" in typist.ask("read", slot=9)["error"]

    at_console(run)


def test_what_nobody_goes_on_with_is_given_up_after_a_minute():
    def run(typist):
        typist.unlock()
        typist.ask("pull")
        assert typist.console.job is not None
        typist.console.check(typist.node.clock.up_s + 59)
        assert typist.console.job is not None
        typist.console.check(typist.node.clock.up_s + 60)
        assert typist.console.job is None
        assert "begin with pull" in typist.ask("pull", **{"from": 1})["error"]

    at_console(run)


def test_the_code_of_commands_leaves_the_memory():
    def run(typist):
        import sys

        typist.type(b"help\r")
        left = [name for name in sys.modules if name.startswith("nuan_firmware.console.")]
        assert left == ["nuan_firmware.console.listener"]

    at_console(run)
