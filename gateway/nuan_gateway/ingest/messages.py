"""Uplink messages off the broker: whose they are, and whether they are authentic."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nuan_gateway.ingest.channel import flood_log
from nuan_protocols.errors import ProtocolError
from nuan_protocols.uplink.batch_reader import Batch, parse_batch
from nuan_protocols.uplink.hello import Hello, parse_hello
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import TYPE_BATCH, TYPE_RESULT, parse_head
from nuan_protocols.uplink.result import Result, parse_result

TOPIC_UP = "nuan/v1/+/up"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Authentic:
    """A message whose MAC is right, and the keys of the node that sent it."""

    node: str
    epoch: str
    keys: NodeKeys
    content: Batch | Hello | Result


def down_topic(node: str) -> str:
    """Where the node listens."""
    return f"nuan/v1/{node}/down"


class Gatekeeper:
    """Lets authentic messages in; counts and logs the others, which get no answer.

    `renewed` gives the keys when they have changed; it is asked when a message doesn't fit them.
    """

    def __init__(
        self,
        keys: Mapping[str, bytes],
        renewed: Callable[[], Mapping[str, bytes] | None] = lambda: None,
    ) -> None:
        self._keys = {node: NodeKeys(key) for node, key in keys.items()}
        self._renewed = renewed
        self._strangers: set[str] = set()
        self.refused = 0

    def admit(self, topic: str, payload: bytes) -> Authentic | None:
        """The message, or None when it isn't authentic or isn't the topic's node's."""
        try:
            return self._open(topic, payload)
        except ProtocolError as error:
            self.refused += 1
            flood_log.warning("%s: message of %d bytes refused: %s", topic, len(payload), error)
            return None

    def keys_of(self, node: str) -> NodeKeys:
        """The keys of a node of ours; raises KeyError."""
        return self._keys[node]

    def _renew(self) -> bool:
        keys = self._renewed()
        if keys is None:
            return False
        self._keys = {node: NodeKeys(key) for node, key in keys.items()}
        self._strangers.clear()
        return True

    def _open(self, topic: str, payload: bytes) -> Authentic | None:
        head = parse_head(payload)
        node = head.node.hex()
        if node not in self._keys:
            self._renew()
        keys = self._keys.get(node)
        if keys is None or topic != f"nuan/v1/{node}/up":
            self.refused += 1
            self._warn_once(node, topic, keys is None)
            return None
        content: Batch | Hello | Result
        try:
            if head.type == TYPE_BATCH:
                content = parse_batch(payload, keys)
            elif head.type == TYPE_RESULT:
                content = parse_result(payload, keys)
            else:
                content = parse_hello(payload, keys)
        except ProtocolError:
            if self._renew():
                return self._open(topic, payload)
            raise
        return Authentic(node, content.epoch.hex(), keys, content)

    def _warn_once(self, node: str, topic: str, unknown: bool) -> None:
        # Anybody on the network can invent nodes: the log must not grow with them.
        if node in self._strangers or len(self._strangers) >= 1000:
            return
        self._strangers.add(node)
        if unknown:
            log.warning("node %s has no key in the keys file: its messages are refused", node)
        else:
            log.warning("node %s speaks on %s: its messages there are refused", node, topic)
