"""The chip's own heap, from which its drivers, Wi-Fi and TLS take. Loaded on demand."""

from typing import TYPE_CHECKING

import esp32

if TYPE_CHECKING:
    from typing import Any


def system() -> "tuple[int, int, int] | None":
    """Bytes free, the largest block, and the fewest that were ever free; None where none says."""
    chip: "Any" = esp32
    info = getattr(chip, "idf_heap_info", None)
    if info is None:
        return None
    # A region each: total, free, its largest block, the fewest ever free.
    regions = info(chip.HEAP_DATA)
    return (
        sum([region[1] for region in regions]),
        max([region[2] for region in regions]),
        sum([region[3] for region in regions]),
    )
