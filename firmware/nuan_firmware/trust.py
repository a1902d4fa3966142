"""Whom TLS trusts: the certificate authorities of the two slots, by a clock that may be wrong.

mbedTLS judges a certificate's dates by the chip's clock. Until the gateway has told the time since
the boot, nobody vouches for that clock: NTP may have been forged, a clock chip have stood still. So
the first session is provisional: it says HELLO, takes the time from the authenticated ACK, and is
made anew under the true time. After a refusal the next one is provisional again.

A clock that was never set, or by which a certificate was refused, is set for the time of a
provisional handshake to a lower bound of the time: the day this firmware was built, or a later day
from which a certificate of the server is valid; that one is only believed when the certificate then
proves to be signed by an authority in a slot.
"""

from typing import TYPE_CHECKING

from nuan_firmware.connection import RefusedError
from nuan_firmware.hal import chip
from nuan_protocols.uplink.entry import CLOCK_NEVER_SET, CLOCK_SYNCHRONISED

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.clock import Clock

CA_SLOTS = ("ca0", "ca1")


class Trust:
    """A context manager around every handshake; `is_provisional` says how it was made."""

    def __init__(self, clock: "Clock", built_s: int) -> None:
        self._clock = clock
        self._lowest_s = built_s
        self._context: "Any" = None
        self._assumed_s = self._seen_s = 0
        self._chip_s = self._begun_s = 0
        # Whether the gateway has told the time, and no certificate was refused since.
        self._is_told = False
        self._was_refused = False
        self.is_provisional = False
        self.load()

    def load(self) -> None:
        """Take over what is in the slots, besides what is trusted already."""
        import tls

        for slot in CA_SLOTS:
            authority = chip.blob(slot)
            if authority:
                if self._context is None:
                    self._context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
                    self._context.verify_mode = tls.CERT_REQUIRED
                self._context.load_verify_locations(authority)

    def context(self) -> "Any":
        """What makes a socket a TLS socket. Raises RefusedError when both slots are empty."""
        if self._context is None:
            raise RefusedError("no certificate authority in the store; provision the node")
        return self._context

    def failed(self, problem: Exception) -> bool:
        """A connection has ended by this; whether its handshake has shown a later day, by which
        the next one may succeed."""
        if isinstance(problem, ValueError):
            self._is_told = False
            self._was_refused = True
        return self._assumed_s != 0 and self._seen_s > self._assumed_s

    def has_time(self) -> bool:
        """The gateway has told the time over a provisional session; whether the clock took it."""
        self._is_told = self._clock.quality() == CLOCK_SYNCHRONISED
        self._was_refused = False
        return self._is_told

    def __enter__(self) -> None:
        self.is_provisional = not self._is_told
        self._assumed_s = 0
        if self.is_provisional and (self._was_refused or self._clock.quality() == CLOCK_NEVER_SET):
            self._begun_s = self._clock.uptime()
            self._chip_s = chip.utc_s()
            self._assumed_s = max(self._lowest_s, self._seen_s)
            self._seen_s = 0
            chip.assume_utc(self._assumed_s)
            if self._context is not None:
                self._context.verify_callback = self._look_at

    def __exit__(self, kind: "Any", problem: "Any", trace: "Any") -> None:
        if not self._assumed_s:
            return
        if self._context is not None:
            self._context.verify_callback = None
        if self._clock.quality() == CLOCK_NEVER_SET:
            chip.assume_utc(self._chip_s + self._clock.uptime() - self._begun_s)
        else:
            chip.set_utc(self._clock.now())

    def _look_at(self, certificate: memoryview, depth: int) -> int:  # noqa: ARG002
        """Remember from when on the certificates are valid; judging them is mbedTLS's work."""
        from nuan_firmware import certificate_dates, on_demand

        self._seen_s = max(self._seen_s, certificate_dates.valid_from(certificate))
        on_demand.unload("certificate_dates")
        return 0
