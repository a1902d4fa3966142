"""What opens a node's locked console: the answer to its challenge, from the node's key.

    k_console = HMAC-SHA256(K, "nuan console 1")
    answer    = first 8 bytes of HMAC-SHA256(k_console, challenge), as 16 hex digits

The challenge is 16 hex digits, hashed as the ASCII text it is shown as. Imported only to unlock.
"""

from binascii import hexlify

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.keys import KEY_BYTES, MacKey

CHALLENGE_DIGITS = 16
ANSWER_DIGITS = 16


def console_answer(node_key: bytes, challenge: str) -> str:
    """The 16 hex digits that answer a challenge. Raises UplinkError for a key of another length."""
    if len(node_key) != KEY_BYTES:
        raise UplinkError(f"a node key has {KEY_BYTES} bytes, this one has {len(node_key)}")
    console = MacKey(MacKey(node_key).mac(b"nuan console 1"))
    return hexlify(console.mac(challenge.encode())[: ANSWER_DIGITS // 2]).decode()
