"""A file is there as a whole or as it was, under its own mode, and nothing lies beside it."""

from pathlib import Path

import pytest

from nuan_gateway.whole_file import write_whole


def test_a_file_is_replaced_and_its_mode_is_new(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    write_whole(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_left_over_leads_nowhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    (tmp_path / "key.new").symlink_to(elsewhere)
    write_whole(tmp_path / "key", b"secret", 0o600)
    assert elsewhere.read_text() == "kept"
    assert not (tmp_path / "key").is_symlink()


def test_what_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="irectory"):
        write_whole(target, b"content")
    assert list(tmp_path.iterdir()) == [target]
