"""The rules of conftest.py hold: no silent skip in CI, no malformed log call, one seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run_pytest(
    folder: Path, source: str, *arguments: str, ci: bool
) -> "subprocess.CompletedProcess[str]":
    (folder / "test_sample.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = bench: a real board\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": "true" if ci else ""}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


SKIPS = "import pytest\ndef test_a():\n    pytest.skip('no data')\n"
BENCH = "import pytest\n@pytest.mark.bench\ndef test_a():\n    pytest.skip('no board')\n"
MODULE_SKIPS = "import pytest\npytest.skip('no data', allow_module_level=True)\n"


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]])
def test_a_skip_fails_in_ci_and_only_there(tmp_path: Path, workers: list[str]) -> None:
    in_ci = run_pytest(tmp_path, SKIPS, *workers, ci=True)
    assert in_ci.returncode == 1
    assert "skipped in CI, which counts as failed: test_sample.py::test_a" in in_ci.stdout
    assert run_pytest(tmp_path, SKIPS, *workers, ci=False).returncode == 0


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]])
def test_a_skipped_module_fails_in_ci(tmp_path: Path, workers: list[str]) -> None:
    source = MODULE_SKIPS + "def test_b(): pass\n"
    (tmp_path / "test_other.py").write_text("def test_c(): pass\n")
    assert run_pytest(tmp_path, source, *workers, ci=True).returncode == 1


def test_the_bench_may_be_skipped_in_ci(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, BENCH, ci=True).returncode == 0


def test_a_malformed_log_call_fails(tmp_path: Path) -> None:
    source = "import logging\ndef test_a():\n    logging.warning('%d meters', 'many')\n"
    done = run_pytest(tmp_path, source, ci=False)
    assert done.returncode == 1
    assert "badly formatted log calls" in done.stdout


def test_the_seed_is_shown_and_may_be_given(tmp_path: Path) -> None:
    source = "def test_a(seed):\n    assert seed == 7\n"
    done = run_pytest(tmp_path, source, "--seed", "7", ci=False)
    assert done.returncode == 0
    assert "nuan: seed 7" in done.stdout
