"""`nuan gateway ca` and `nuan firmware rotate-ca`."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from nuan_protocols.ca_change import AuthorityChange


def nuan(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nuan_tools", "--lang", "en", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    done = nuan("gateway", "ca", tmp_path / "tls", "gateway.example", "10.1.0.1")
    assert done.returncode == 0, done.stderr
    return tmp_path / "tls"


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_it_makes_an_authority_and_a_certificate_that_is_good_for_its_hosts(folder: Path) -> None:
    authority, server = certificate(folder / "ca0.pem"), certificate(folder / "server.pem")
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gateway.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.1.0.1"]
    assert 24 < (authority.not_valid_after_utc - authority.not_valid_before_utc).days / 365 < 26
    assert 1.9 < (server.not_valid_after_utc - server.not_valid_before_utc).days / 365 < 2.1
    ssl.create_default_context(cafile=str(folder / "ca0.pem"))
    for name in ("ca0.key", "server.key"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_the_second_time_it_only_renews(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = nuan("gateway", "ca", folder, "gateway.example")
    assert done.returncode == 0
    assert "kept" in done.stdout
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"server.pem", "server.key"}


def test_a_lost_or_foreign_key_is_named(folder: Path) -> None:
    nuan("gateway", "ca", folder, "gateway.example", "--slot", "1")
    (folder / "ca0.key").write_bytes((folder / "ca1.key").read_bytes())
    done = nuan("gateway", "ca", folder, "gateway.example")
    assert done.returncode == 2
    assert "ca0.key: the key of another certificate; restore it" in done.stderr.replace("\n", " ")
    (folder / "ca0.key").unlink()
    done = nuan("gateway", "ca", folder, "gateway.example")
    assert done.returncode == 2
    assert "restore it from the backup" in done.stderr.replace("\n", " ")


def test_the_document_for_another_authority_is_signed(folder: Path, tmp_path: Path) -> None:
    private = rsa.generate_private_key(65537, 3072)
    key = tmp_path / "update.pem"
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key.chmod(0o600)
    output = tmp_path / "rotation"
    arguments = ["--slot", 1, "--new", folder / "ca0.pem", "--key", key, "--number", 3]
    done = nuan("firmware", "rotate-ca", output, *arguments)
    assert done.returncode == 0, done.stderr
    change = AuthorityChange(output.read_bytes())
    assert (change.slot, change.number) == (1, 3)
    assert change.certificate == certificate(folder / "ca0.pem").public_bytes(
        serialization.Encoding.DER
    )
    modulus = private.public_key().public_numbers().n.to_bytes(384, "big")
    assert change.is_signed_by(modulus)
    arguments[3] = folder / "server.pem"
    done = nuan("firmware", "rotate-ca", output, *arguments)
    assert done.returncode == 2
    assert "a server's certificate" in done.stderr
