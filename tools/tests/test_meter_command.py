"""`nuan meter` changes what was asked for, of the meter it was asked for, and nothing else."""

import pytest
import typer
from field_lines import Nuan, emulated


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user was asked; the answer is no."""
    questions: list[str] = []

    def confirm(text: str) -> bool:
        questions.append(text)
        return False

    monkeypatch.setattr(typer, "confirm", confirm)
    return questions


def test_a_meter_gets_another_address(nuan: Nuan, asked: list[str]) -> None:
    with emulated("--line", "mbus", "--only", "3", "--only", "4") as lines:
        where = (lines[0]["connect"], "--address", "3")
        refused = nuan("meter", "set-address", where[0], "9", *where[1:])
        assert (refused.code, refused.err) == (2, "nuan: nothing was changed\n")
        assert asked == ["This meter shall have: primary address 9. Go on?"]
        done = nuan("meter", "set-address", where[0], "9", *where[1:], "--yes")
        assert done.code == 0
        assert "Done: primary address 9." in done.out
        read = ("read", where[0], "--protocol", "mbus", "--json", "--address")
        assert nuan(*read, "9").json()["maker"] == "DME"
        assert nuan(*read, "3").code == 1
        assert nuan(*read, "4").json()["maker"] == "LUG"


def test_baud_rate_time_and_reset(nuan: Nuan) -> None:
    with emulated("--line", "mbus", "--only", "3") as lines:
        where = (lines[0]["connect"], "--address", "3", "--yes")
        time = nuan("meter", "set-time", *where, "--time", "2026-11-15T08:30")
        assert (time.code, "Done: time 2026-11-15 08:30." in time.out) == (0, True)
        assert nuan("meter", "reset", where[0], "0", *where[1:]).code == 0
        wrong = nuan("meter", "set-baud", where[0], "7", *where[1:])
        assert (wrong.code, wrong.err.count("\n")) == (2, 1)
        # Nobody hears it at the new rate on this line: it stays at the old one.
        kept = nuan("meter", "set-baud", where[0], "9600", *where[1:])
        assert kept.code == 1
        assert nuan("read", where[0], "--protocol", "mbus", "--address", "3").code == 0


def test_silence_changes_nothing(nuan: Nuan) -> None:
    with emulated("--line", "mbus", "--only", "3") as lines:
        done = nuan("meter", "set-address", lines[0]["connect"], "9", "--address", "77", "--yes")
    assert (done.code, done.out) == (1, "")
    assert "nothing was changed" in done.err
