"""The power goes while a configuration comes in, is tried and confirmed: old or new stays."""

import json
import os
from hashlib import sha256

import edge_in_memory
from check_config import GOOD
from journal_kit import NODE, Meters, entries_of, make_journal
from ram_flash import MOUNT, PowerCutError, RamFlash

from nuan_firmware import config_store, config_trial
from nuan_firmware.config_store import ConfigStore

PIECE = 200
OLD = json.loads(GOOD)
NEW = json.loads(GOOD)
NEW["version"] = OLD["version"] + 1


class Board:
    """A flash with a configuration and a journal, and the chip's numbers beside it."""

    def __init__(self):
        self.chip = RamFlash(64)
        self.chip.format()
        self.chip.mount()
        with open(MOUNT + "/config.json", "w") as file:
            json.dump(OLD, file)
        self.chip.unmount()
        edge_in_memory.Hal.numbers.clear()
        self.meters = Meters(4)
        self.flushed = 0

    def boot(self):
        """What start.py does: the version that runs, and the journal."""
        self.chip.mount()
        self.version = config_trial.load().version
        self.journal = make_journal(40960, 4096)

    def turn(self):
        self.meters.poll(self.journal)
        self.journal.flush()
        self.flushed = self.journal.flushed

    def take_new(self):
        """Transfer the new configuration, going on where an earlier transfer ended."""
        text = json.dumps(NEW).encode()
        store = ConfigStore(NODE, self.version)
        at = store.begin(len(text), sha256(text).digest())
        while at < len(text):
            at = store.data(at, text[at : at + PIECE])
            self.turn()
        store.end()

    def confirm(self):
        if config_store.exists(config_store.TRIAL_PATH):
            os.rename(config_store.TRIAL_PATH, config_store.CONFIG_PATH)


def on_flash(test):
    """Run a test with the configuration's files on the flash."""
    paths = config_store.CONFIG_PATH, config_store.TRIAL_PATH, config_trial.WHY_PATH
    config_store.CONFIG_PATH = MOUNT + "/config.json"
    config_store.TRIAL_PATH = MOUNT + "/config.trial"
    config_trial.WHY_PATH = MOUNT + "/config.why"
    try:
        test()
    finally:
        config_store.CONFIG_PATH, config_store.TRIAL_PATH, config_trial.WHY_PATH = paths


def test_every_cut_of_a_change_of_configuration():
    def run():
        cut_after, cut = 0, True
        seen = set()
        while cut:
            cut_after += 1
            board = Board()
            board.chip.cut_after = cut_after
            try:
                board.boot()
                board.turn()
                board.take_new()
                config_trial.load()
                board.confirm()
            except (PowerCutError, OSError):
                assert board.chip.was_cut()
            cut = board.chip.was_cut()
            board.chip.unmount()
            board.boot()
            assert board.version in (OLD["version"], NEW["version"])
            seen.add(board.version)
            assert set(entries_of(board.journal)) >= set(range(1, board.flushed + 1))
            if board.version == OLD["version"]:
                board.take_new()
            board.chip.unmount()
            board.boot()
            board.confirm()
            assert board.version == NEW["version"]
            board.chip.unmount()
        assert seen == {OLD["version"], NEW["version"]}
        assert cut_after > 40, cut_after

    on_flash(run)
