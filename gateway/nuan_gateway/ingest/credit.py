"""How many batches each node may have in flight, so that all together stay within a total.

A node holds what it was last granted until its lease ends. Shares are made as if twice as many
nodes were active, so that a newcomer finds something left; when nothing is, it gets 0 and asks
again after a minute. Credit steers honest nodes; what truly bounds the memory is the subscriber's
queue, which drops the messages that exceed it (and whose nodes send them again).
"""

CREDIT_NODE_MAX = 8
LEASE_MS = 60_000


class Credits:
    """Grants out of `total`; the sum of running leases never exceeds it."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._leases: dict[str, tuple[int, int]] = {}

    def grant(self, node: str, now_ms: int) -> int:
        """The node's credit from now on, 0 to CREDIT_NODE_MAX; its older lease ends."""
        self._leases.pop(node, None)
        self._expire(now_ms)
        free = self.total - sum(credit for credit, _ in self._leases.values())
        share = max(1, self.total // (2 * (len(self._leases) + 1)))
        credit = max(0, min(share, free, CREDIT_NODE_MAX))
        if credit:
            self._leases[node] = (credit, now_ms + LEASE_MS)
        return credit

    def granted(self, now_ms: int) -> int:
        """The sum of the leases that run."""
        self._expire(now_ms)
        return sum(credit for credit, _ in self._leases.values())

    def _expire(self, now_ms: int) -> None:
        ended = [node for node, (_, end) in self._leases.items() if end <= now_ms]
        for node in ended:
            del self._leases[node]
