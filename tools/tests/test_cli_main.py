"""How the command starts, ends and fails, as its user sees it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.cells import cell_len

from nuan_tools import cli
from nuan_tools.errors import CheckFailed, UserError

NUAN = str(Path(sys.executable).with_name("nuan"))
ENGLISH = {"LC_ALL": "C.UTF-8"}
CHINESE = {"LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1"}


def nuan(
    *arguments: str, given: str = "", environment: dict[str, str] = ENGLISH
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [NUAN, *arguments],
        check=False,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
    )


def test_help_names_the_exit_codes_and_keeps_80_columns() -> None:
    done = nuan("--help")
    assert done.returncode == 0
    assert "Exit codes: 0 done; 1 the check failed; 2 bad input" in done.stdout
    assert "decode" in done.stdout
    assert max(cell_len(line) for line in done.stdout.splitlines()) <= 80


def test_help_is_chinese_where_asked_for() -> None:
    for done in (nuan("--help", environment=CHINESE), nuan("--lang", "zh", "--help")):
        assert "用法：nuan" in done.stdout
        assert "─ 选项 ─" in done.stdout
        assert "退出码" in done.stdout
        assert "Options" not in done.stdout
        assert {cell_len(line) for line in done.stdout.splitlines() if "│" in line} == {80}
    assert nuan("decode", "--help", "--lang=zh").stdout.count("用法：") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["demo"],
        ["replay"],
        ["decode"],
        ["verify"],
        ["bill", "run"],
        ["scan"],
        ["read"],
        ["emulate"],
    ],
)
def test_chinese_help_is_not_cut_off_at_80_columns(command: list[str]) -> None:
    assert "…" not in nuan(*command, "--help", environment=CHINESE).stdout


def test_the_option_wins_over_the_environment() -> None:
    assert "Usage:" in nuan("--lang", "en", "--help", environment=CHINESE).stdout


def test_version() -> None:
    assert nuan("--version").stdout == "nuan 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lang", "fr"], "--lang fr: choose one of en, zh"),
        (["--lang"], "choose one of en, zh"),
        (["decodes"], "No such command 'decodes'. Did you mean 'decode'? (see nuan --help)"),
        (
            ["decode", "--modl"],
            "--modl (Possible options: --model, --models) (see nuan decode --help)",
        ),
        (["decode", "--model"], "Option '--model' requires an argument."),
        (["vm", "more"], "Got unexpected extra argument(s) (more)"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    done = nuan(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("nuan: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_wrong_usage_is_told_in_chinese() -> None:
    done = nuan("decodes", environment=CHINESE)
    assert done.returncode == 2
    assert done.stderr == "nuan: 没有命令“decodes”。您是指 'decode' 吗？（见 nuan --help）\n"


def test_no_command_shows_the_help() -> None:
    done = nuan()
    assert done.returncode == 2
    assert "Usage: nuan" in done.stdout + done.stderr


@pytest.mark.parametrize("form", [[], ["--json"], ["--bytes"], ["--help"]])
def test_a_reader_that_went_away_is_no_failed_check(form: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nuan_tools", "decode", *form, "680909680801780C0633000000C616"],
            check=False,
            stdout=writer,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (cli.BROKEN_PIPE, b"")


def test_help_stays_quick_because_it_imports_little() -> None:
    code = (
        "import sys; from nuan_tools import cli; cli.run(['--help']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy = {"sqlalchemy", "amqtt", "cryptography", "httpx", "pydantic", "pymodbus", "alembic"}
    heavy |= {"nuan_gateway", "nuan_emulator", "construct", "polib", "asyncio"}
    assert not heavy & set(eval(done.stderr))


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("site.toml:3: no such key"), 2, "nuan: site.toml:3: no such key\n"),
        (CheckFailed("the third link is broken"), 1, "nuan: the third link is broken\n"),
        (UserError("one\ntwo"), 2, "nuan: one\nnuan: two\n"),
        (PermissionError(13, "Permission denied", "data"), 2, "nuan: data: Permission denied\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_each_error_has_its_exit_code(
    error: BaseException,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.run([]) == code
    assert capsys.readouterr().err == line


def test_errors_of_gateway_and_protocols_are_for_users(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nuan_gateway.errors import SettingsError
    from nuan_protocols.errors import FrameError

    for error in (SettingsError(["gateway.toml:2: port: too big"]), FrameError("stop byte", 7)):

        def fail(_: list[str], error: Exception = error) -> int:
            raise error

        monkeypatch.setattr(cli, "_run", fail)
        assert cli.run([]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["nuan: gateway.toml:2: port: too big", "nuan: stop byte (byte 7)"]


def test_our_own_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: list[str]) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_run", fail)
    with pytest.raises(ZeroDivisionError):
        cli.run([])


def test_a_reader_that_goes_away_is_no_error() -> None:
    telegram = "01040400e101f0aa66\n" * 3000
    command = f"'{NUAN}' decode --json --question 010400010002200b | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], check=False, input=telegram, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["protocol"] == "modbus"
    assert done.stderr == ""


def test_ctrl_c_ends_without_a_word() -> None:
    process = subprocess.Popen(
        # A suite that runs in the background has Ctrl-C ignored, and its children inherit that.
        ["env", "--default-signal=INT", NUAN, "decode", "--question", "010400010002200b"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("01040400e101f0aa66\n")
    process.stdin.flush()
    # Once it has answered it is up and waits for the next line.
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors == ""
    assert process.returncode == 130
