"""Updates over the cable: what a board takes, what it goes back from, and what it refuses."""

from pathlib import Path

import pytest
from bench_board import BenchBoard
from board_worlds import Board, events, journal, opened, reboot, status
from emulated_board import BUILD, EmulatedBoard
from emulated_gateway import EmulatedGateway
from other_bundle import VERSION, firmware, other_bundle, signer_of

from nuan_emulator.firmware_image import unsigned
from nuan_protocols.bundle import HEAD_BYTES
from nuan_protocols.uplink.body import EVENT_UPDATE
from nuan_tools.firmware.build import make_image
from nuan_tools.node_link.client import RefusedError

TRIAL_S = 1800
# Of the signed head: a letter of the version.
SIGNED_AT = 112


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def assert_on_trial(board: Board) -> None:
    said = status(board)
    assert (said["firmware_on_trial"], said["safe_mode"]) == (True, "")
    assert said["firmware_slot"] == firmware(board)["slot"]


@pytest.mark.minutes(2)
def test_what_may_not_run_is_refused_and_changes_nothing(board: Board, tmp_path: Path) -> None:
    before = firmware(board)
    build = int(before["build"])
    good = other_bundle(tmp_path, board, build + 1)
    refused = [
        ("signature", flipped(good, SIGNED_AT)),
        ("manifest", flipped(good, HEAD_BYTES + 8)),
        ("signature", other_bundle(tmp_path, board, build + 1, unsigned)),
        ("speaks of", good[:-4096]),
    ]
    if build:
        downgrade = other_bundle(tmp_path, board, build - 1)
        refused.append((f"build {build - 1} is older", downgrade))
    for reason, bundle in refused:
        with pytest.raises(RefusedError, match=reason):
            opened(board).transfer("update", bundle, kind="bundle")
    assert firmware(board) == before
    assert len(events(journal(board), EVENT_UPDATE)) == len(refused)
    board.reset()
    assert status(board)["firmware_on_trial"] is False


@pytest.mark.without_gateway
@pytest.mark.minutes(6)
def test_an_update_that_is_restarted_before_it_is_well_goes_back(on_trial: Board) -> None:
    slot = firmware(on_trial)["slot"]
    assert_on_trial(on_trial)
    on_trial.reset()
    said = status(on_trial)
    assert (said["firmware_on_trial"], said["firmware_slot"]) == (False, slot)
    told = events(journal(on_trial), EVENT_UPDATE)
    assert any(text.startswith(f"went back from {VERSION}") for text in told)


@pytest.mark.without_gateway
@pytest.mark.slow
@pytest.mark.minutes(40)
def test_an_update_that_no_gateway_answers_goes_back_after_half_an_hour(on_trial: Board) -> None:
    slot = firmware(on_trial)["slot"]
    assert_on_trial(on_trial)
    on_trial.live(TRIAL_S + 180)
    said = status(on_trial)
    assert (said["firmware_on_trial"], said["firmware_slot"]) == (False, slot)
    told = events(journal(on_trial), EVENT_UPDATE)
    assert any("gateway not reached within 30 minutes" in text for text in told)


def test_an_update_that_the_gateway_answers_is_confirmed(
    emulated_gateway: EmulatedGateway,
) -> None:
    board: EmulatedBoard = emulated_gateway.board
    assert_on_trial(board)
    board.live(300)
    said = status(board)
    assert (said["connected"], said["healthy"]) == (True, True)
    assert (said["firmware_on_trial"], said["firmware_slot"]) == (False, 1)
    assert firmware(board)["build"] == BUILD + 1
    board.reset()
    assert status(board)["firmware_slot"] == 1
    told = events(journal(board), EVENT_UPDATE)
    assert f"confirmed {VERSION} (build {BUILD + 1})" in told


@pytest.mark.bench
@pytest.mark.without_gateway
@pytest.mark.minutes(25)
def test_a_vm_image_that_is_restarted_before_it_is_well_goes_back(
    bench: BenchBoard, vm_image: Path
) -> None:
    """The chip's own bootloader: it starts a new image once, and then the one before."""
    build = int(firmware(bench)["vm_build"]) + 1
    bundle = make_image(vm_image, build, signer_of(bench), VERSION)
    opened(bench).transfer("update", bundle, kind="image")
    reboot(bench)
    said = events(journal(bench), EVENT_UPDATE)
    assert said[-1] == f"VM image {VERSION} (build {build}) is tried at the next start"
    bench.reset()
    said = events(journal(bench), EVENT_UPDATE)
    assert said[-1].startswith(f"VM image, build {build}, went back")
