"""A certificate authority of one's own: what nodes pin, and the broker's certificate under it.

A folder holds, for slot 0 and 1, `caN.pem` and `caN.key`, and `server.pem` and `server.key`. Nodes
trust the authorities in their two slots; so the broker's certificate can be renewed, and even moved
to the other authority, without touching a node.

Keys are ECDSA on P-256: certificates of 500 bytes, which fit a node's store, its TLS records and
its memory, and as strong as RSA with 3,072 bits, whose certificates are three times as long.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nuan_gateway.errors import GatewayError
from nuan_gateway.whole_file import write_whole

SLOTS = 2
CA_YEARS = 25
SERVER_YEARS = 2
# Clocks differ: a certificate is valid from a while before it was made.
_EARLIER = timedelta(days=1)
_YEAR = timedelta(days=365.25)
_NAME_CHARACTERS_MAX = 64


def make_authority(folder: Path, slot: int, now: datetime | None = None) -> bool:
    """Make the authority of a slot unless it is there; whether it was made. Raises GatewayError."""
    cert_path, key_path = _paths(folder, slot)
    if cert_path.exists() or key_path.exists():
        _load(cert_path, key_path)
        return False
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"nuan authority {slot} of {now.date()}")
    builder = _builder(name, name, key, now, CA_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(sign=True), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    _write(
        folder, {key_path: _key_pem(key), cert_path: _cert_pem(builder.sign(key, hashes.SHA256()))}
    )
    return True


def issue(folder: Path, slot: int, hosts: Sequence[str], now: datetime | None = None) -> datetime:
    """Make server.pem and server.key for these names and addresses, under the authority of a slot;
    returns until when they are good. Raises GatewayError."""
    if not hosts:
        raise GatewayError("name the host that nodes connect to: its name or address")
    authority, signer = _load(*_paths(folder, slot))
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(hosts[0][:_NAME_CHARACTERS_MAX])
    builder = _builder(name, authority.subject, key, now, SERVER_YEARS)
    end = min(now + SERVER_YEARS * _YEAR, authority.not_valid_after_utc)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(sign=False), critical=True)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
    )
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
    )
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    certificate = builder.sign(signer, hashes.SHA256())
    # The key first: a broker that looks in between keeps what it has.
    _write(
        folder,
        {folder / "server.key": _key_pem(key), folder / "server.pem": _cert_pem(certificate)},
    )
    return end


def authority_der(path: Path) -> bytes:
    """An authority's certificate from a PEM file, as a node's store holds it. Raises
    GatewayError."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except OSError as error:
        raise GatewayError(f"{path}: {error.strerror}; name the authority's .pem") from None
    except (ValueError, x509.ExtensionNotFound):
        raise GatewayError(f"{path}: no authority's certificate in PEM") from None
    if not basic.value.ca:
        raise GatewayError(f"{path}: a server's certificate; name the authority's, such as ca0.pem")
    return certificate.public_bytes(serialization.Encoding.DER)


def _paths(folder: Path, slot: int) -> tuple[Path, Path]:
    return folder / f"ca{slot}.pem", folder / f"ca{slot}.key"


def _load(cert: Path, key: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise GatewayError(
            f"{error.filename}: {error.strerror}; restore it from the backup"
        ) from None
    except (ValueError, TypeError):
        raise GatewayError(f"{cert}, {key}: not in PEM; restore them from the backup") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise GatewayError(f"{key}: not an ECDSA key; restore it from the backup")
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        raise GatewayError(f"{cert}: not an authority of its own") from None
    if certificate.public_key() != private.public_key():
        raise GatewayError(f"{key}: the key of another certificate; restore it from the backup")
    return certificate, private


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError:
        raise GatewayError(f"{host!r}: no host name; write it in ASCII, as nodes use it") from None


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    years: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + years * _YEAR)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _cert_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(folder: Path, contents: dict[Path, bytes]) -> None:
    """Write files that appear whole, keys for their owner only. Raises GatewayError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            write_whole(path, content, 0o600 if path.suffix == ".key" else 0o644)
    except OSError as error:
        raise GatewayError(f"{error.filename}: {error.strerror}; choose another folder") from None
