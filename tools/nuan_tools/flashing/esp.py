"""Writes parts of flash over a serial port with esptool, quietly, telling of its progress."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

# esptool is annotated in part and carries no py.typed marker.
from esptool import cmds as untyped_cmds  # type: ignore[import-untyped]
from esptool.logger import EspLog, EsptoolLogger  # type: ignore[import-untyped]
from esptool.util import FatalError  # type: ignore[import-untyped]
from serial import SerialException

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

cmds: Any = untyped_cmds
ROM_BAUD = 115200
ERASED = b"\xff"
_SIZE_NAMES = {"2MB": 2, "4MB": 4, "8MB": 8, "16MB": 16, "32MB": 32}

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


class Part(NamedTuple):
    """Bytes for one place of flash; `what` is for people."""

    what: str
    offset: int
    data: bytes


class FlashPort:
    """A chip in its bootloader; made by connected()."""

    def __init__(self, esp: Any, teller: _Teller) -> None:
        self._esp = esp
        self._teller = teller

    @property
    def chip(self) -> str:
        """esptool's name of the chip, such as "esp32"."""
        return str(self._esp.CHIP_NAME).lower().replace("-", "")

    def flash_mib(self) -> int | None:
        """How much flash there is, None when it doesn't say."""
        return _SIZE_NAMES.get(cmds.detect_flash_size(self._esp) or "")

    def erase(self) -> None:
        """Erase everything."""
        with _told():
            cmds.erase_flash(self._esp)

    def write(self, parts: Sequence[Part], flash_mib: int, progress: Progress) -> None:
        """Write the parts and compare their digests on the chip; raises UserError."""
        total = sum(len(part.data) for part in parts)
        done = 0

        def tell(now: int) -> None:
            progress(done + now, total)

        for part in parts:
            self._teller.follow(tell, len(part.data))
            with _told(part.what):
                cmds.write_flash(
                    self._esp, [(part.offset, part.data)], flash_size=f"{flash_mib}MB", force=False
                )
            done += len(part.data)
            progress(done, total)


@contextmanager
def connected(port: str, baud: int, *, stub: bool = True) -> Generator[FlashPort]:
    """Reset the chip into its bootloader, and start it again at the end; raises UserError.

    Without `stub` esptool's own loader isn't put into the chip's memory: slower, and for chips on
    which it doesn't run.
    """
    usual: Any = EspLog.instance
    teller: Any = _Teller()
    EspLog.instance = teller
    esp: Any = None
    try:
        with _told():
            esp = cmds.detect_chip(port, ROM_BAUD)
            if stub:
                esp = cmds.run_stub(esp)
                if baud != ROM_BAUD:
                    esp.change_baud(baud)
            cmds.attach_flash(esp)
        yield FlashPort(esp, teller)
        with _told():
            cmds.reset_chip(esp, "hard-reset")
    finally:
        EspLog.instance = usual
        if esp is not None:
            # The library has no other way to let go of it.
            esp._port.close()


@contextmanager
def _told(what: str = "") -> Generator[None]:
    """Turn what esptool raises into one line for a person."""
    try:
        yield
    except (FatalError, SerialException, OSError) as error:
        reason = str(error).splitlines()[0]
        if what:
            raise UserError(f"{what}: {reason}") from None
        raise UserError(
            tr(
                "the chip doesn't answer as a bootloader: {problem}; check cable and port, or hold"
                " BOOT while it resets",
                problem=reason,
            )
        ) from None


class _Teller(EsptoolLogger):  # type: ignore[misc]  # it is Any
    """Keeps esptool silent but for its progress; what matters it raises."""

    def __init__(self) -> None:
        super().__init__()
        self._tell: Callable[[int], None] | None = None
        self._size = 0

    def follow(self, tell: Callable[[int], None], size: int) -> None:
        """Tell how many of `size` bytes are written from now on."""
        self._tell, self._size = tell, size

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def stage(self, finish: bool = False) -> None:
        """Nothing."""

    def _message(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: what matters is raised, too."""

    note = warn = err = debug = hint = _message

    def progress_bar(self, cur_iter: int, total_iters: int, *_: Any, **__: Any) -> None:
        """Pass it on in bytes: esptool counts compressed ones."""
        if self._tell and total_iters:
            self._tell(self._size * min(cur_iter, total_iters) // total_iters)
