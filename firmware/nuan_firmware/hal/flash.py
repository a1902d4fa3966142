"""Flash outside the file system: the two slots of the application, the images of the VM."""

from typing import TYPE_CHECKING

import esp32
import vfs
from micropython import const

from nuan_firmware.hal.chip import NVS_NAMESPACE, NVS_NOT_FOUND, number

if TYPE_CHECKING:
    # The stubs of esp32.Partition know neither memoryviews nor RUNNING.
    from typing import Any

BLOCK_BYTES = const(4096)
_MODULUS_BYTES = const(384)
_ERASE = const(6)
_COUNT = const(4)
_CHIP_AT = const(12)
_HEAD_BYTES = const(24)
_VALIDATE_FAILED = const(-5379)


class Area:
    """Blocks of a partition, offsets in bytes. Erasing and writing stop everything for a while."""

    def __init__(self, partition: "Any", first: int, blocks: int) -> None:
        self._partition = partition
        self._first = first
        self.size = blocks * BLOCK_BYTES
        self.label = str(partition.info()[4])

    def erase(self, offset: int) -> None:
        """Make the block that begins here all ones."""
        self._partition.ioctl(_ERASE, self._first + offset // BLOCK_BYTES)

    def write(self, offset: int, data: "bytes | memoryview") -> None:
        """Program what is erased."""
        block = self._first + offset // BLOCK_BYTES
        self._partition.writeblocks(block, data, offset % BLOCK_BYTES)

    def read(self, offset: int, buffer: "bytearray | memoryview") -> None:
        """Fill the buffer."""
        block = self._first + offset // BLOCK_BYTES
        self._partition.readblocks(block, buffer, offset % BLOCK_BYTES)


def slots() -> "tuple[memoryview, memoryview]":
    """The application's slots as they are mapped. Raises OSError on a board without them."""
    try:
        rom = memoryview(vfs.rom_ioctl(2, 0))
    except (AttributeError, TypeError):
        raise OSError("no partition 'romfs'") from None
    half = len(rom) // 2 // BLOCK_BYTES * BLOCK_BYTES
    return rom[:half], rom[half : 2 * half]


def slot(index: int) -> Area:
    """The slot to write, 0 or 1."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="romfs")
    if not found:
        raise OSError("no partition 'romfs'")
    partition: "Any" = found[0]
    blocks = partition.ioctl(_COUNT, 0) // 2
    return Area(partition, index * blocks, blocks)


def spare_image() -> Area:
    """Where the next image of the VM goes."""
    partition = _running().get_next_update()
    return Area(partition, 0, partition.ioctl(_COUNT, 0))


def boot_spare_image() -> None:
    """Have the chip check the spare image and start it next time.

    Raises ValueError when the chip finds it unsound. It gets one start, unless keep_image() is
    called in it.
    """
    partition = _running().get_next_update()
    try:
        partition.set_boot()
    except OSError as problem:
        if problem.args[0] == _VALIDATE_FAILED:
            raise ValueError("the chip finds the image unsound (-5379)") from None
        raise ValueError("the chip refuses the image (%s)" % problem.args[0]) from None


def running_image() -> str:
    """The label of the image that runs."""
    return str(_running().info()[4])


def keep_image() -> None:
    """The image that runs is good: later starts keep it."""
    esp32.Partition.mark_app_valid_cancel_rollback()


def chip_number() -> int:
    """The kind of chip, as the image that runs names it in its head: 0 ESP32, 9 ESP32-S3 ..."""
    head = bytearray(_HEAD_BYTES)
    _running().readblocks(0, head, 0)
    return head[_CHIP_AT] | head[_CHIP_AT + 1] << 8


def moduli() -> "list[bytes]":
    """The update keys' moduli: that of slot 0, that of slot 1; b"" where there is none.

    Raises ValueError when the store can't be read: without keys, anything would be taken.
    """
    store = esp32.NVS(NVS_NAMESPACE)
    found = []
    for name in ("fw_key0", "fw_key1"):
        key = bytearray(_MODULUS_BYTES)
        try:
            store.get_blob(name, key)
            found.append(bytes(key))
        except OSError as problem:
            if problem.args[0] != NVS_NOT_FOUND:
                raise ValueError("the update keys can't be read: " + repr(problem)) from None
            found.append(b"")
    return found


def known_moduli() -> "list[bytes]":
    """Those that there are."""
    return [modulus for modulus in moduli() if modulus]


def good_slot() -> int:
    """The slot that runs when nothing is on trial, as the loader sees it."""
    return 1 if number("slot", 0) == 1 else 0


def is_armed() -> bool:
    """Whether an update waits for a restart, or is on trial."""
    return number("trial", -1) >= 0 or number("vm_trial", 0) > 0


def _running() -> "Any":
    partitions: "Any" = esp32.Partition
    return partitions(partitions.RUNNING)
