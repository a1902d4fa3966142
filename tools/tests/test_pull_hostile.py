"""A board that answers `pull` with anything: the file ends, and is none of its choosing."""

from base64 import b64encode
from binascii import crc32
from pathlib import Path
from typing import Any

import pytest

from nuan_tools.node_link.client import ConsoleClient, NoAnswerError
from nuan_tools.node_link.pulling import pull

NODE = "6e75616e00000001"


class Board(ConsoleClient):
    """Answers without a port: a HELLO, then always the same."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked = 0

    def request(
        self, command: str, *, answer_s: float | None = None, tries: int = 1, **args: Any
    ) -> dict[str, Any]:
        """What the board says to anything."""
        self.asked += 1
        assert self.asked < 100, "there is no end to it"
        if "from" not in args:
            place = {"node": NODE, "epoch": "e0" * 8, "oldest": 1, "newest": 9}
            return {**place, **said(b"\x01\x01" + bytes(60))}
        return self.answer


def said(message: bytes) -> dict[str, Any]:
    return {"message": b64encode(message).decode(), "crc": crc32(message)}


@pytest.mark.parametrize(
    "answer",
    [
        {"next": 1, **said(bytes(60))},
        {"next": "2", **said(bytes(60))},
        {"next": -5, **said(bytes(60))},
        said(bytes(60)),
        {"next": 2, **said(bytes(70_000))},
        {"next": 2, "message": 7, "crc": 7},
        {"next": 2, "message": None},
    ],
)
def test_a_pull_without_end_or_sense_is_given_up(tmp_path: Path, answer: dict[str, Any]) -> None:
    with pytest.raises(NoAnswerError):
        pull(Board(answer), tmp_path / "node.pull")
    assert (tmp_path / "node.pull").stat().st_size < 300
