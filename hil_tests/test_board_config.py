"""A new configuration: on trial, confirmed or given up, and a wrong one refused."""

import json
from typing import Any

import pytest
from board_worlds import Board, boots, events, journal, opened, reboot, status

from nuan_protocols.uplink.body import EVENT_CONFIGURATION
from nuan_tools.node_link.client import RefusedError

TRIAL_S = 600


def changed(board: Board, **members: Any) -> bytes:
    """The next version of its configuration."""
    config = {**board.config, "version": board.config["version"] + 1, **members}
    return json.dumps(config, separators=(",", ":"), ensure_ascii=False).encode()


def put_on_trial(board: Board) -> int:
    """Bring the next version, and restart with it; its number."""
    version = int(board.config["version"]) + 1
    opened(board).transfer("config", changed(board))
    reboot(board)
    said = status(board)
    assert (said["config_version"], said["config_on_trial"]) == (version, True)
    return version


@pytest.mark.without_gateway
@pytest.mark.minutes(13)
def test_a_configuration_on_trial_goes_back_without_a_gateway(board: Board) -> None:
    before = opened(board).request("config")["config"]
    version = put_on_trial(board)
    board.live(TRIAL_S + 90)
    said = status(board)
    assert (said["config_version"], said["config_on_trial"]) == (version - 1, False)
    assert opened(board).request("config")["config"] == before
    told = events(journal(board), EVENT_CONFIGURATION)
    assert f"version {version} on trial" in told
    assert any(text.startswith("trial rolled back: no gateway within 600 s") for text in told)


@pytest.mark.without_gateway
@pytest.mark.minutes(13)
def test_somebody_at_the_console_can_vouch_for_a_configuration(board: Board) -> None:
    version = put_on_trial(board)
    opened(board).request("config", do="confirm")
    board.config["version"] = version
    board.live(TRIAL_S + 90)
    said = status(board)
    assert (said["config_version"], said["config_on_trial"]) == (version, False)
    assert "confirmed at the console" in events(journal(board), EVENT_CONFIGURATION)
    board.reset()
    assert status(board)["config_version"] == version


@pytest.mark.minutes(1)
def test_a_wrong_configuration_is_refused_and_changes_nothing(board: Board) -> None:
    before = opened(board).request("config")
    bus, *rest = board.config["buses"]
    meter = board.config["meters"][0]
    wrong = {
        r"buses\[0\]\.baud": changed(board, buses=[{**bus, "baud": 2401}, *rest]),
        r"meters": changed(board, meters=[meter, meter]),
        "is not higher": changed(board, version=board.config["version"]),
        "another node's": changed(board, node="00112233445566ff"),
        "not JSON": changed(board)[:-1],
    }
    for reason, content in wrong.items():
        with pytest.raises(RefusedError, match=reason):
            opened(board).transfer("config", content)
    after = opened(board).request("config")
    before.pop("id")
    after.pop("id")
    assert after == before
    assert boots(journal(board)) == 1
    board.reset()
    assert status(board)["config_version"] == board.config["version"]
