import os

import edge_in_memory
from config_kit import make_config
from journal_kit import START, entries_of
from ram_flash import MOUNT, RamFlash

from nuan_firmware import essentials, panic
from nuan_firmware.app import make
from nuan_firmware.config import Bus, Way
from nuan_firmware.config import Meter as Record
from nuan_firmware.essentials import reference_room

assert edge_in_memory.Hal.node_key()

MBUS = Bus("mbus", "mbus", 1, 17, 16, -1, 2400, "E", 30)


RS485 = Bus("rs485", "modbus", 2, 25, 26, 27, 9600, "N", 30)


def Meter(slot, bus, address, every_s, reads):  # noqa: N802
    return Record(slot, bus, address, every_s, Way(reads, None, -1))


def config(*meters):
    return make_config(buses=(MBUS, RS485), meters=meters)


def flash(test):
    chip = RamFlash(64)
    chip.format()
    chip.mount()
    essentials.JOURNAL_PATH = MOUNT + "/journal"
    panic.PATH = MOUNT + "/panics"
    try:
        test()
    finally:
        chip.unmount()


def events(app):
    """(code, text) of all events journaled so far."""
    app.journal.flush()
    found = entries_of(app.journal)
    return [
        (found[seq][27], found[seq][28:].decode()) for seq in sorted(found) if found[seq][1] == 2
    ]


def test_a_boot_is_journaled_with_its_cause_and_configuration():
    def run():
        app = make(config(Meter(1, 0, 1, 900, ())))
        seen = events(app)
        assert seen[0][0] == 1
        assert seen[0][1].startswith("power nuan 0.1.0 heap ")
        assert seen[1] == (3, "version 7")
        assert len(seen) == 2

    flash(run)


def test_what_ended_the_program_is_journaled_once():
    def run():
        panic.keep(ValueError("no such thing"))
        for _ in range(2):
            app = make(config())
            panics = [text for code, text in events(app) if code == 5]
            assert len(panics) == 1, events(app)
            assert panics[0].startswith("ValueError('no such thing',) at 0 (0), up 0 s, 0.")

    flash(run)


def test_a_clock_step_is_an_event_and_a_small_difference_is_not():
    def run():
        app = make(config())
        app.take_time(START + 1)
        app.take_time(START + 1000)
        steps = [text for code, text in events(app) if code == 6]
        assert steps == ["gateway %d (2) -> %d (2)" % (START, START + 1000)]

    flash(run)


def test_a_torn_journal_is_an_event():
    def run():
        app = make(config())
        path = app.journal.shelf.path(app.journal.segment)
        app.journal.flush()
        with open(path, "ab") as file:
            file.write(b"torn")
        app = make(config())
        assert any(code == 4 and "4 torn bytes" in text for code, text in events(app))

    flash(run)


def test_references_have_room_for_every_read_of_every_meter():
    count, size = reference_room(
        config(Meter(1, 0, 1, 900, ()), Meter(2, 1, 2, 900, ((3, 0, 18), (4, 0, 1))))
    )
    assert count == 5
    assert size == 112 + (24 + 36) + (24 + 2) + 2 * 112
    assert reference_room(config(*[Meter(i, 0, i, 900, ()) for i in range(1, 65)]))[1] == 7168


def test_the_journal_lies_in_a_folder_of_its_node():
    def run():
        app = make(config())
        app.journal.flush()
        assert os.listdir(MOUNT + "/journal") == ["6e75616e00000001"]

    flash(run)
