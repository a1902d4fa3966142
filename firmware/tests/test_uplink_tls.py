"""The node's uplink on the genuine MicroPython, over real mbedTLS, to the gateway's own broker.

The machine's clock stays; what a node's chip takes for the time is changed inside its program.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from nuan_gateway import app, authority
from nuan_gateway.errors import GatewayError
from nuan_gateway.settings import load_settings
from nuan_gateway.tls import client_context
from nuan_protocols.ca_change import unsigned_authority
from nuan_protocols.sealed import key_name

BOARD = Path(__file__).resolve().parent / "board"
FIRMWARE = BOARD.parents[1]
ROOTS = [BOARD, FIRMWARE, FIRMWARE.parent / "protocols", FIRMWARE / "board"]
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
NODE = "6e75616e00000001"
KEY = bytes(range(32))
NOW = datetime.now(UTC)
YEAR = timedelta(days=365)

SITE = f"""
format = 1
site = {{ id = "t1", name = "Test house" }}
season = {{ name = "s", start = 2025-11-01, end = 2026-04-01 }}
tariff = {{ file = "tariff.toml" }}

[[node]]
id = "{NODE}"
config_version = 7
mqtt = {{ host = "127.0.0.1", tls = true }}

[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100

[[meter]]
serial = "H1"
model = "mbus_heat"
node = "{NODE}"
bus = "mbus"
slot = 1
address = 1
every_s = 3600
"""

SETTINGS = """
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
[mqtt]
"""
EMBEDDED = 'port = 0\ntls_cert = "tls/server.pem"\ntls_key = "tls/server.key"\n'


def make_folder(folder: Path, mqtt: str = EMBEDDED) -> Path:
    """A gateway's folder with an authority in slot 0 and a certificate for 127.0.0.1."""
    (folder / "site.toml").write_text(SITE)
    (folder / "keys.toml").write_text(f'"{NODE}" = "{KEY.hex()}"\n')
    (folder / "gateway.toml").write_text(SETTINGS + mqtt)
    authority.make_authority(folder / "tls", 0)
    authority.issue(folder / "tls", 0, ["127.0.0.1"])
    return folder


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[int]:
    """The whole gateway; yields its broker's port."""
    ready: asyncio.Queue[int] = asyncio.Queue()
    task = asyncio.create_task(
        app.run(load_settings(folder / "gateway.toml"), ready=ready.put_nowait)
    )
    getter = asyncio.create_task(ready.get())
    try:
        await asyncio.wait((task, getter), timeout=20, return_when="FIRST_COMPLETED")
        if task.done():
            task.result()
        yield getter.result()
    finally:
        getter.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def der(folder: Path, slot: int = 0) -> str:
    return authority.authority_der(folder / "tls" / f"ca{slot}.pem").hex()


async def start(vm: Path, port: int, folder: Path, **wanted: Any) -> Process:
    """A node's program; see board/tls_node.py for what it may be told."""
    blobs = wanted.pop("blobs", {"ca0": der(folder)})
    told = json.dumps({"port": port, "blobs": blobs, **wanted})
    environment = {
        **os.environ,
        "MICROPYPATH": ":".join([*map(str, ROOTS), ".frozen"]),
        "NUAN_TLS_NODE": told,
    }
    return await asyncio.create_subprocess_exec(
        str(vm), "-X", "heapsize=8m", str(BOARD / "tls_node.py"),
        env=environment, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip


async def outcome(process: Process) -> dict[str, Any]:
    """What became of the node."""
    text, _ = await asyncio.wait_for(process.communicate(), 60)
    try:
        found: dict[str, Any] = json.loads(text.splitlines()[-1])
    except (IndexError, ValueError):
        raise AssertionError(text.decode()) from None
    return found


def node(vm: Path, folder: Path, *, at: Path | None = None, **wanted: Any) -> dict[str, Any]:
    """What becomes of a node that trusts the folder's authority, at its gateway or that of `at`."""

    async def run() -> dict[str, Any]:
        async with gateway(at or folder) as port:
            return await outcome(await start(vm, port, folder, **wanted))

    return asyncio.run(run())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def test_a_node_delivers_over_tls(vm: Path, folder: Path) -> None:
    found = node(vm, folder)
    assert (found["delivered"], found["fault"], found["notes"]) == (27, "", [])
    assert not found["sets"] or found["told"]


def test_the_authority_may_be_in_the_second_slot(vm: Path, folder: Path) -> None:
    authority.make_authority(folder / "tls", 1)
    blobs = {"ca0": der(folder, 1), "ca1": der(folder)}
    assert node(vm, folder, blobs=blobs)["delivered"] == 27


def test_another_authority_is_refused_and_told_once(vm: Path, folder: Path) -> None:
    authority.make_authority(folder / "tls", 1)
    found = node(vm, folder, blobs={"ca0": der(folder, 1)}, until="refused", failures=3)
    assert found["delivered"] == found["turns"] == 0
    assert "not correctly signed by the trusted CA" in found["fault"]
    assert found["notes"] == [found["fault"]]


def test_without_an_authority_nothing_is_trusted(vm: Path, folder: Path) -> None:
    found = node(vm, folder, blobs={}, until="refused")
    assert found["fault"] == "no certificate authority in the store; provision the node"
    assert found["turns"] == 0


def test_another_hosts_certificate_is_refused(vm: Path, folder: Path) -> None:
    authority.issue(folder / "tls", 0, ["gateway.example"])
    found = node(vm, folder, until="refused")
    assert found["turns"] == 0
    assert "does not match" in found["fault"]


def test_an_expired_certificate_is_refused(vm: Path, folder: Path) -> None:
    later = int((NOW + 3 * YEAR).timestamp())
    found = node(vm, folder, clock=later, true=later, until="refused", failures=3)
    assert found["turns"] == 0
    assert "expired" in found["fault"]


def test_a_certificate_of_the_future_is_refused(vm: Path, folder: Path) -> None:
    earlier = int((NOW - YEAR).timestamp())
    found = node(vm, folder, clock=earlier, true=earlier, built=earlier, until="refused")
    assert found["turns"] == 0
    assert "future" in found["fault"]


def test_a_clock_that_only_ntp_has_set_doesnt_judge_dates_for_good(vm: Path, folder: Path) -> None:
    """Forged NTP must not make an expired certificate good: the gateway's time comes first."""
    true = int((NOW + 3 * YEAR).timestamp())
    forged = int(NOW.timestamp())
    found = node(vm, folder, clock=forged, true=true, until="refused", failures=1)
    assert [provisional for _, provisional in found["told"]] == [True]
    assert (found["turns"], found["delivered"]) == (0, 0)
    assert "expired" in found["fault"]


@pytest.mark.parametrize("years", [-1, 30])
def test_a_wrong_clock_doesnt_lock_a_node_out_for_good(vm: Path, folder: Path, years: int) -> None:
    built = int((NOW - timedelta(hours=1)).timestamp())
    found = node(vm, folder, clock=int((NOW + years * YEAR).timestamp()), built=built)
    assert found["delivered"] == 27
    assert [provisional for _, provisional in found["told"][:2]] == [True, False]


def test_an_unset_clock_takes_the_time_first_and_connects_anew(vm: Path, folder: Path) -> None:
    built = int((NOW - timedelta(hours=1)).timestamp())
    found = node(vm, folder, unset=True, built=built)
    assert found["delivered"] == 27
    # Told twice by a HELLO: in the provisional session, and in the one that carried the entries.
    assert [provisional for _, provisional in found["told"][:2]] == [True, False]
    assert found["sets"][0] == built
    assert found["fault"] == ""


def test_an_unset_clock_moves_to_the_day_from_which_a_certificate_is_valid(
    vm: Path, folder: Path
) -> None:
    built = int((NOW - YEAR).timestamp())
    pem = (folder / "tls" / "server.pem").read_bytes()
    begins = int(x509.load_pem_x509_certificate(pem).not_valid_before_utc.timestamp())
    found = node(vm, folder, unset=True, built=built)
    assert found["delivered"] == 27
    assert found["sets"][:1] == [built]
    assert begins in found["sets"]
    assert found["notes"] == []


def test_under_the_true_time_an_expired_certificate_is_refused_after_all(
    vm: Path, folder: Path
) -> None:
    true = int((NOW + 3 * YEAR).timestamp())
    built = int((NOW - timedelta(hours=1)).timestamp())
    found = node(vm, folder, unset=True, built=built, true=true, until="refused", failures=1)
    assert [provisional for _, provisional in found["told"]] == [True]
    assert (found["turns"], found["delivered"]) == (0, 0)
    assert "expired" in found["fault"]


def test_a_forged_certificate_of_a_far_day_doesnt_move_an_unset_clock_for_long(
    vm: Path, folder: Path
) -> None:
    (folder / "forger").mkdir()
    forger = make_folder(folder / "forger")
    far = NOW + 20 * YEAR
    authority.make_authority(forger / "tls", 1, now=far)
    authority.issue(forger / "tls", 1, ["127.0.0.1"], now=far)
    found = node(vm, folder, at=forger, unset=True, until="refused", failures=3)
    assert (found["turns"], found["told"]) == (0, [])
    # After every handshake the chip's clock is unset again.
    assert len(found["sets"]) >= 4
    assert {seconds // 100 for seconds in found["sets"][1::2]} == {10}


def test_a_renewed_certificate_is_taken_over_without_a_restart(
    vm: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nuan_gateway.tls.LOOK_S", 0.05)
    authority.issue(folder / "tls", 0, ["127.0.0.1"], now=NOW - 3 * YEAR)

    async def run() -> None:
        async with gateway(folder) as port:
            expired = await outcome(await start(vm, port, folder, until="refused"))
            assert "expired" in expired["fault"]
            authority.make_authority(folder / "tls", 1)
            authority.issue(folder / "tls", 1, ["127.0.0.1"])
            blobs = {"ca0": der(folder), "ca1": der(folder, 1)}
            found = await outcome(await start(vm, port, folder, blobs=blobs))
            assert found["delivered"] == 27

    asyncio.run(run())


def test_a_broker_that_dies_mid_batch_loses_nothing(vm: Path, tmp_path: Path) -> None:
    port = free_port()
    folder = make_folder(tmp_path, EMBEDDED.replace("port = 0", f"port = {port}"))

    async def run() -> dict[str, Any]:
        async with gateway(folder):
            process = await start(vm, port, folder, turns=40, seconds=40)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        async with gateway(folder):
            return await outcome(process)

    found = asyncio.run(run())
    assert found["delivered"] == found["flushed"] == 360
    assert found["turns"] >= 2


def test_a_handshake_that_hangs_is_left_at_the_deadline(vm: Path, folder: Path) -> None:
    async def run() -> tuple[dict[str, Any], int]:
        accepted: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(
            lambda _, writer: accepted.append(writer), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        found = await outcome(await start(vm, port, folder, pace=100, until="refused", failures=2))
        for writer in accepted:
            writer.close()
        server.close()
        return found, len(accepted)

    found, connections = asyncio.run(run())
    assert "no answer in time" in found["fault"]
    assert connections == 2
    assert 1_000 <= found["ms"] <= 4_000


def test_another_authority_comes_by_a_signed_document(vm: Path, folder: Path) -> None:
    private = rsa.generate_private_key(65537, 3072)
    modulus = private.public_key().public_numbers().n.to_bytes(384, "big")
    authority.make_authority(folder / "tls", 1)
    authority.issue(folder / "tls", 1, ["127.0.0.1"])

    def document(number: int, certificate: str = "") -> bytes:
        content = bytes.fromhex(certificate or der(folder, 1))
        change = unsigned_authority(1, number, key_name(modulus), content)
        return change + private.sign(change, padding.PKCS1v15(), hashes.SHA256())

    good = document(5)
    tampered = good[:60] + bytes([good[60] ^ 1]) + good[61:]
    unreadable = document(6, "30" * 100)
    documents = [each.hex() for each in (tampered, good, good, document(4), unreadable)]
    found = node(vm, folder, rotate=documents, modulus=modulus.hex())
    assert found["delivered"] == 27
    refusals = found["refusals"]
    assert refusals[0] == "it is not signed by an update key of this node"
    assert refusals[1:3] == [f"change {n} is not newer than the last one" for n in (5, 4)]
    assert refusals[3].startswith("the certificate can't be read")
    assert len(refusals) == 4


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_over_mosquitto_with_both_sides_on_tls(vm: Path, tmp_path: Path) -> None:
    port = free_port()
    settings = f'embedded = false\nport = {port}\nca_file = "tls/ca0.pem"\n'
    folder = make_folder(tmp_path, settings)
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        f"certfile {folder}/tls/server.pem\nkeyfile {folder}/tls/server.key\n"
    )
    assert MOSQUITTO is not None
    with subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL) as broker:
        try:
            assert node(vm, folder)["delivered"] == 27
        finally:
            broker.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: int = server.getsockname()[1]
        return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("server.pem", b"no"), "no certificate or no key; make both with `nuan gateway ca`"),
        (("server.key", None), "No such file or directory; check [mqtt] tls_key"),
    ],
)
def test_files_that_wont_do_are_named(tmp_path: Path, change: Any, said: str) -> None:
    make_folder(tmp_path)
    path = tmp_path / "tls" / change[0]
    path.unlink() if change[1] is None else path.write_bytes(change[1])
    with pytest.raises(GatewayError, match="server") as caught:
        asyncio.run(app.run(load_settings(tmp_path / "gateway.toml")))
    assert said in str(caught.value)


def test_another_brokers_authority_is_read(tmp_path: Path) -> None:
    make_folder(tmp_path, 'embedded = false\nca_file = "tls/ca0.pem"\n')
    context = client_context(load_settings(tmp_path / "gateway.toml").mqtt)
    assert context is not None
    pinned = context.get_ca_certs(binary_form=True)
    pem = (tmp_path / "tls" / "ca0.pem").read_bytes()
    assert pinned == [x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)]
    (tmp_path / "tls" / "ca0.pem").write_text("no")
    with pytest.raises(GatewayError, match="no certificate in PEM"):
        client_context(load_settings(tmp_path / "gateway.toml").mqtt)
