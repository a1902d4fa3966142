"""Nothing that reads meters can write to one: who loads what, and what a read-out may ask."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.master import ReadOut
from nuan_protocols.modbus.rtu import read_request

ROOT = Path(__file__).resolve().parents[2]
WRITES = "nuan_protocols.modbus.write"


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_reader_of_meters_imports_the_writes() -> None:
    files = [
        path
        for folder in ("firmware", "gateway/nuan_gateway", "protocols/nuan_protocols")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 50
    assert not [path for path in files if WRITES in imports(path)]


def test_loading_all_that_reads_does_not_load_the_writes() -> None:
    script = (
        "import sys\n"
        "import nuan_protocols.modbus.master, nuan_protocols.modbus.identify\n"
        "import nuan_protocols.meters.registry, nuan_protocols.modbus.annotate\n"
        f"assert {WRITES!r} not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("function", [0, 5, 6, 15, 16, 22, 23, 43, 128, 131])
def test_a_read_out_asks_with_the_four_read_functions_only(function: int) -> None:
    with pytest.raises(FrameError, match="not a read function"):
        ReadOut(1, ((function, 0, 1),)).request()
    with pytest.raises(FrameError, match="not a read function"):
        read_request(1, function, 0, 1)
