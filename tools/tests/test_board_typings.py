"""The board's stubs stand alone, as a type checker wants them."""

from pathlib import Path

import pytest

from nuan_tools import typings
from nuan_tools.errors import UserError


def test_the_layout_is_a_typeshed_of_the_board(tmp_path: Path) -> None:
    target = tmp_path / "typings"
    typings.lay_out(target)
    assert (target / "stdlib" / "VERSIONS").is_file()
    assert "ticks_ms" in (target / "time.pyi").read_text("utf-8")
    assert "class UART" in (target / "machine.pyi").read_text("utf-8")
    assert "ilistdir" in (target / "stdlib" / "os" / "__init__.pyi").read_text("utf-8")


def test_a_layout_is_kept_until_the_stubs_change(tmp_path: Path) -> None:
    target = tmp_path / "typings"
    typings.lay_out(target)
    (target / "time.pyi").unlink()
    typings.lay_out(target)
    assert not (target / "time.pyi").exists()
    (target / "VERSION").write_text("older")
    typings.lay_out(target)
    assert (target / "time.pyi").exists()


def test_missing_stubs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typings, "DISTRIBUTIONS", ("no-such-distribution",))
    with pytest.raises(UserError, match="make install"):
        typings.lay_out(tmp_path / "typings")
