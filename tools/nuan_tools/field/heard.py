"""What a meter has said on a line, as bytes: everything else is worked out of them."""

from dataclasses import dataclass, field
from typing import Any

from nuan_protocols.readout import EXCEPTION, NO_ANSWER, OK, ReadOut

Exchanges = list[tuple[bytes, bytes]]


@dataclass
class Heard:
    """One meter on a line, and what was said to it and by it.

    `address` as site files write it: a number, or digits as printed on the meter. `answered`:
    whether anything good came at all; `noisy`: bytes came that nobody can read.
    """

    protocol: str
    address: int | str
    baud: int
    parity: str
    exchanges: Exchanges = field(default_factory=list[tuple[bytes, bytes]])
    noisy: bool = False

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return bool(self.exchanges)

    def take(self, readout: ReadOut) -> None:
        """Keep the good exchanges of a read-out, refusals among them."""
        for _, result, _, question, answer in readout.exchanges:
            if result in (OK, EXCEPTION):
                self.exchanges.append((bytes(question), bytes(answer)))
            elif answer or result != NO_ANSWER:
                self.noisy = True

    def as_json(self) -> dict[str, Any]:
        """For a file to go on from."""
        return {
            "protocol": self.protocol,
            "address": self.address,
            "baud": self.baud,
            "parity": self.parity,
            "exchanges": [[question.hex(), answer.hex()] for question, answer in self.exchanges],
        }


def from_json(kept: dict[str, Any]) -> Heard:
    """What as_json gave. Raises KeyError, TypeError or ValueError for anything else."""
    exchanges = [
        (bytes.fromhex(question), bytes.fromhex(answer)) for question, answer in kept["exchanges"]
    ]
    address = kept["address"]
    if not isinstance(address, int | str):
        raise TypeError(address)
    return Heard(str(kept["protocol"]), address, int(kept["baud"]), str(kept["parity"]), exchanges)
