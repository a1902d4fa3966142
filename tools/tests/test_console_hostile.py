"""A node that says anything: no terminal obeys it, and no transfer ends in a traceback."""

from typing import Any

import pytest

from nuan_tools.node_link.client import ConsoleClient, RefusedError
from nuan_tools.node_link.terminal import Screen


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\r\x1b[Knuan> 节点\b\r\n", "\r\x1b[Knuan> 节点\b\r\n"),
        ("a\x1b]52;c;cm0=\x07b", "a\ufffd]52;c;cm0=\ufffdb"),
        ("\x1b[2J\x1b[31mred", "\ufffd[2J\ufffd[31mred"),
        ("\x9b2J\x7f\x00", "\ufffd2J\ufffd\ufffd"),
        ("\u202egnp", "\ufffdgnp"),
    ],
)
def test_only_what_the_line_editor_needs_reaches_the_screen(said: str, shown: str) -> None:
    whole, pieces = Screen(), Screen()
    data = said.encode()
    assert whole.text(data) == shown
    assert "".join(pieces.text(data[at : at + 1]) for at in range(len(data))) == shown


def test_bytes_that_are_no_text_stay_harmless() -> None:
    assert Screen().text(b"\xff\x9b2J") == "\ufffd\ufffd2J"


class Board(ConsoleClient):
    """Answers every request with the same, without a port."""

    def __init__(self, following: object) -> None:
        self.following = following

    def request(
        self, command: str, *, answer_s: float | None = None, tries: int = 1, **args: Any
    ) -> dict[str, Any]:
        """The byte wanted next."""
        return {} if self.following is None else {"next": self.following}


@pytest.mark.parametrize("following", [None, "x", "3", -1, 11, 1.5, True, [0]])
def test_a_transfer_to_a_node_that_wants_nonsense_is_refused(following: object) -> None:
    with pytest.raises(RefusedError, match=r"the node refuses config: wants byte .* of 10"):
        Board(following).transfer("config", bytes(10))
