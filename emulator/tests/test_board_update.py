"""Updates on an emulated board: loader, slots, trial; the bundles hold a few lines each."""

from pathlib import Path

import pytest
from update_kit import UpdateKey, board, bundle_of, program


@pytest.fixture(scope="module")
def key() -> UpdateKey:
    return UpdateKey()


def test_an_update_is_taken_tried_and_kept(vm: Path, tmp_path: Path, key: UpdateKey) -> None:
    old = bundle_of(tmp_path, program("old"), "1.0", 1, key)
    new = bundle_of(tmp_path, program("new"), "1.1", 2, key)
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus}) as made:
        made.live(10)
        assert made.told() == ["runs old", "rests"]
        made.give({"/new": new})
        made.live(60)
        print(made.told())
        assert made.told()[2:] == [
            "runs old",
            "begins at 0",
            "event 7 1.1 (build 2) is tried at the next start",
            "runs new",
            "event 7 confirmed 1.1 (build 2)",
            "rests",
        ]
        made.node.kill()
        made.node.restart()
        made.live(10)
        assert made.told()[-2:] == ["runs new", "rests"]
