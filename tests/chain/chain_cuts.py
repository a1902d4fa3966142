"""The power goes many times: what each cut cost, and a ledger of all that was ever on the flash."""

from collections import Counter
from dataclasses import dataclass

from chain_world import KIND_EXCHANGE, Chain, Shown


@dataclass(frozen=True)
class Cut:
    """One power cut (UTC ms): what its boot had flushed, and the answers that it took along.

    `lost` are all those of this boot that aren't on the flash, `unflushed` those behind the last
    one that is. With noise on a line during the boot the first may hold spoilt answers.
    """

    at_ms: int
    in_flash_operation: bool
    noisy: bool
    flushed: int
    lost: tuple[Shown, ...]
    unflushed: tuple[Shown, ...]


class Ledger:
    """Every entry seen on the flash while the node was off, by journal and number."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.entries: dict[tuple[str, int], bytes] = {}
        self.cuts: list[Cut] = []
        self.noisy = False
        self._shown = 0

    def booted(self, *, noisy: bool) -> None:
        """The node has its power (again)."""
        self.noisy = noisy
        self._shown = len(self.chain.shown)

    def look(self) -> Counter[tuple[bytes, bytes]]:
        """Take in the flash of the node that is off; the good exchanges that are new on it."""
        new: Counter[tuple[bytes, bytes]] = Counter()
        for entry in self.chain.flushed():
            key, raw = (entry.epoch, entry.seq), entry.canonical
            known = self.entries.setdefault(key, raw)
            assert known == raw, f"entry {entry.seq} was flushed twice with different bytes"
            if known is raw and raw[1] == KIND_EXCHANGE and raw[32] == 0:
                end = 36 + int.from_bytes(raw[34:36], "big")
                new[raw[36:end], raw[end:]] += 1
        return new

    def cut(self, at_ms: int, *, in_flash_operation: bool) -> None:
        """The node has lost its power, then, and is off."""
        new = self.look()
        flushed = new.total()
        shown = self.chain.shown[self._shown :]
        lost: list[Shown] = []
        last = 0
        for place, each in enumerate(shown, 1):
            if new[each.request, each.answer]:
                new[each.request, each.answer] -= 1
                last = place
            else:
                lost.append(each)
        assert not new.total(), "the flash holds answers that no device has given in this boot"
        unflushed = tuple(shown[last:])
        self.cuts.append(
            Cut(at_ms, in_flash_operation, self.noisy, flushed, tuple(lost), unflushed)
        )


def check_cuts(cuts: list[Cut], cycle_ms: int, readings: int) -> None:
    """Each cut cost readings of one poll cycle at most: `readings` of them within `cycle_ms`."""
    for number, cut in enumerate(cuts, 1):
        what = f"cut {number} at {cut.at_ms}"
        ages_ms = [cut.at_ms - each.at_ms for each in cut.unflushed]
        assert max(ages_ms, default=0) <= cycle_ms, f"{what}: {max(ages_ms)} ms unflushed"
        # A spoilt answer is asked for three times.
        assert len(cut.unflushed) <= readings * (3 if cut.noisy else 1), what
        if not cut.noisy:
            assert cut.lost == cut.unflushed, f"{what}: lost what is followed by flushed ones"
