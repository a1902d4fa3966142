"""The file of node keys: registering a node, and a gateway that learns of it while it runs."""

from pathlib import Path

import pytest

from nuan_gateway.errors import GatewayError
from nuan_gateway.ingest.messages import Gatekeeper
from nuan_gateway.key_file import KeyFile, register
from nuan_gateway.settings import load_keys
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.keys import NodeKeys

A, B = "6e75616e00000001", "6e75616e00000002"
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def hello(node: str, key: bytes) -> tuple[str, bytes]:
    """A greeting of a node, and the topic it comes on."""
    said = Hello(bytes.fromhex(node), b"epoch678", b"nonce678", 0, 0, 1, "0")
    return f"nuan/v1/{node}/up", build_hello(said, NodeKeys(key))


def test_a_registered_node_is_there_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(f'# our keys\n"{A}" = "{KEY.hex()}" # the first\n')
    register(path, B, OTHER)
    assert load_keys(path) == {A: KEY, B: OTHER}
    assert path.read_text().startswith(f'# our keys\n"{A}" = "{KEY.hex()}" # the first\n')
    register(path, A, OTHER)
    assert load_keys(path) == {A: OTHER, B: OTHER}
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_first_node_makes_the_file(tmp_path: Path) -> None:
    register(tmp_path / "keys.toml", A, KEY)
    assert load_keys(tmp_path / "keys.toml") == {A: KEY}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="not registered"):
        register(tmp_path / "missing" / "keys.toml", A, KEY)


def test_a_node_provisioned_while_the_gateway_runs_is_let_in(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    register(path, A, KEY)
    keeper = Gatekeeper(load_keys(path), KeyFile(path).renewed)
    assert keeper.admit(*hello(B, OTHER)) is None
    register(path, B, OTHER)
    admitted = keeper.admit(*hello(B, OTHER))
    assert admitted is not None
    assert admitted.node == B


def test_a_node_with_a_new_key_is_let_in_and_its_old_key_is_not(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    register(path, A, KEY)
    keeper = Gatekeeper(load_keys(path), KeyFile(path).renewed)
    assert keeper.admit(*hello(A, KEY)) is not None
    register(path, A, OTHER)
    assert keeper.admit(*hello(A, OTHER)) is not None
    assert keeper.admit(*hello(A, KEY)) is None


def test_a_damaged_file_keeps_the_keys_there_were(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    register(path, A, KEY)
    keeper = Gatekeeper(load_keys(path), KeyFile(path).renewed)
    path.write_text("no toml at all")
    assert keeper.admit(*hello(B, OTHER)) is None
    assert keeper.admit(*hello(A, KEY)) is not None


def test_a_scratch_file_left_by_others_gives_no_key_away(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "keys.toml", tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    (tmp_path / "keys.toml.new").symlink_to(elsewhere)
    register(path, A, KEY)
    assert elsewhere.read_text() == "theirs"
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_of_keys_that_others_can_read_is_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.toml"
    register(path, A, KEY)
    KeyFile(path)
    assert not caplog.records
    path.chmod(0o640)
    KeyFile(path)
    assert "chmod 600" in caplog.text
