"""TLS at the gateway's edges: its own broker's certificate, and whom it trusts at another's.

A renewed certificate is taken over while the broker runs: connections that come later see it.
"""

import asyncio
import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from nuan_gateway.errors import GatewayError
from nuan_gateway.settings import MqttSettings

LOOK_S = 60.0
WARN_DAYS = 30

log = logging.getLogger(__name__)


def server_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """What the embedded broker's listener needs; None without tls_cert. Raises GatewayError."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings.tls_cert, settings.tls_key)
    return context


def client_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """What a connection to another broker needs; None without ca_file. Raises GatewayError."""
    if settings.ca_file is None:
        return None
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file))
    except ssl.SSLError:
        raise GatewayError(
            f"{settings.ca_file}: no certificate in PEM; check [mqtt] ca_file"
        ) from None
    except OSError as error:
        raise GatewayError(f"{settings.ca_file}: {error.strerror}; check [mqtt] ca_file") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def keep_fresh(context: ssl.SSLContext, settings: MqttSettings) -> None:
    """Take over the certificate whenever its files change; for ever. Complains in the log."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    taken = _stamps(settings.tls_cert, settings.tls_key)
    warned: datetime | None = None
    while True:
        warned = _warn(settings.tls_cert, warned)
        await asyncio.sleep(LOOK_S)
        found = _stamps(settings.tls_cert, settings.tls_key)
        if found == taken:
            continue
        taken = found
        try:
            _load(context, settings.tls_cert, settings.tls_key)
        except GatewayError as error:
            log.error("the renewed certificate is not taken over: %s", error)
        else:
            log.info("%s: taken over", settings.tls_cert)
            warned = None


def _load(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    for path, name in ((cert, "tls_cert"), (key, "tls_key")):
        try:
            path.read_bytes()
        except OSError as error:
            raise GatewayError(f"{path}: {error.strerror}; check [mqtt] {name}") from None
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", "") or ""
        what = "its key is another one's" if "MISMATCH" in reason else "no certificate or no key"
        raise GatewayError(
            f"{cert}, {key}: {what}; make both with `nuan gateway ca`, or check [mqtt]"
        ) from None


def _stamps(*paths: Path) -> list[tuple[int, int]]:
    stamps: list[tuple[int, int]] = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            stamps.append((0, 0))
        else:
            stamps.append((found.st_mtime_ns, found.st_ino))
    return stamps


def _warn(cert: Path, warned: datetime | None) -> datetime | None:
    """Say once a day that the certificate ends soon; returns when that was said last."""
    now = datetime.now(UTC)
    if warned is not None and now - warned < timedelta(days=1):
        return warned
    try:
        end = x509.load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return warned
    if end - now > timedelta(days=WARN_DAYS):
        return warned
    log.warning("%s: ends on %s; renew it with `nuan gateway ca`", cert, end.date())
    return now
