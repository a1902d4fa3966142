"""The bench's way to a board, tried on the prompt of the genuine VM behind a pseudo terminal."""

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from repl_link import ReplLink


class Terminal:
    """The near end of a pseudo terminal, with pyserial's read and write."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self, size: int = 1, /) -> bytes:
        return os.read(self._handle, size)

    def write(self, data: bytes, /) -> int:
        return os.write(self._handle, data)


@pytest.fixture
def link(vm: Path) -> Iterator[ReplLink]:
    near, far = pty.openpty()
    process = subprocess.Popen([str(vm)], stdin=far, stdout=far, stderr=far)
    os.close(far)
    yield ReplLink(Terminal(near))
    process.kill()
    process.wait()
    os.close(near)


def test_code_runs_at_the_prompt_and_its_output_comes_back(link: ReplLink) -> None:
    assert link.run("for n in range(3):\n    print('line', n)\n") == ["line 0", "line 1", "line 2"]
    assert link.run("print(6 * 7)") == ["42"]


def test_what_runs_is_stopped_first(link: ReplLink) -> None:
    link.run("import time")
    assert link.run("print('again')") == ["again"]


def test_files_come_over_whole(link: ReplLink, tmp_path: Path) -> None:
    wanted = {
        f"{tmp_path}/a.bin": bytes(range(256)) * 3,
        f"{tmp_path}/folder/empty": b"",
        f"{tmp_path}/folder/line": b"\r\n>>> <<<\x04",
    }
    (tmp_path / "folder").mkdir()
    for path, data in wanted.items():
        Path(path).write_bytes(data)
    assert link.files(str(tmp_path)) == wanted
