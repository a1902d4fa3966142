"""Ways to the network, one file per kind; only those that the configuration names are loaded.

Each has kind, start_s (how long it may take to come up), start(), step(), is_up(), why() and
stop(). None of them waits for anything; step() is called twice a second while a link comes up, and
at every beat afterwards.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Protocol

    class Link(Protocol):
        """One way to the network. `why` says what keeps it from coming up, in a few words."""

        kind: str
        start_s: int

        def start(self) -> None: ...  # noqa: D102
        def step(self) -> None: ...  # noqa: D102
        def is_up(self) -> bool: ...  # noqa: D102
        def why(self) -> str: ...  # noqa: D102
        def stop(self) -> None: ...  # noqa: D102


def open_link(kind: str, options: "dict[str, Any]") -> "Link":
    """The link of this kind; `options` as config_links has checked them."""
    if kind == "wifi":
        from nuan_firmware.hal.wifi import Wifi

        return Wifi(options)
    if kind == "ethernet":
        from nuan_firmware.hal.ethernet import Ethernet

        return Ethernet(options)
    from nuan_firmware.hal.modem import ModemPort
    from nuan_firmware.modem import Modem

    return Modem(ModemPort(options), options["apn"])
