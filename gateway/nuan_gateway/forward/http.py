"""One delivery to the receiver over HTTP: the signed request, and what its answer means.

    POST <url>/v1/messages
    Nuan-Key-Id: <16 hex>     Nuan-Signature: ed25519=<base64 over the raw body>
    {"messages":[{"key":"bill-...","kind":"bill","payload":{...}}, ...]}
    200 {"accepted":["bill-..."], "rejected":[{"key":"...","reason":"..."}]}

The receiver's side of the contract: docs/feed.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from nuan_gateway.evidence.signing import Signer
from nuan_gateway.store.outbox import Message

MESSAGES_PATH = "/v1/messages"
ANSWER_BYTES_MAX = 1_000_000
MESSAGE_FAULTS = frozenset({400, 409, 413, 422})
"""Statuses that blame a message; every other failure blames the endpoint or the way to it."""
RETRY_AFTER_S_MAX = 86_400
OK = 200


@dataclass(frozen=True)
class Outcome:
    """What came of one POST.

    accepted: keys to mark delivered. rejected: key -> reason, to park. endpoint_down: why nothing
    can be sent now. unacceptable: why the receiver refuses the request as a whole.
    """

    accepted: frozenset[str] = frozenset()
    rejected: dict[str, str] = field(default_factory=dict[str, str])
    endpoint_down: str = ""
    unacceptable: str = ""
    retry_after_s: int = 0


class _Rejection(BaseModel):
    model_config = ConfigDict(extra="ignore")

    key: str
    reason: str = "no reason given"


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    accepted: list[str]
    rejected: list[_Rejection] = []


class Courier:
    """Posts batches of messages, signed, to one receiver."""

    def __init__(self, client: httpx.AsyncClient, url: str, signer: Signer) -> None:
        self._client = client
        self._url = url.rstrip("/") + MESSAGES_PATH
        self._signer = signer

    async def post(self, messages: Sequence[Message]) -> Outcome:
        """Send the messages in one request; never raises for what the network or receiver does."""
        body = request_body(messages)
        signature = base64.b64encode(self._signer.sign(body)).decode()
        headers = {
            "Content-Type": "application/json",
            "Nuan-Key-Id": self._signer.key_id,
            "Nuan-Signature": f"ed25519={signature}",
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Outcome(endpoint_down=f"{type(error).__name__}: {error}")
        return read_answer(answer.status_code, answer.headers, answer.content)


def request_body(messages: Sequence[Message]) -> bytes:
    """Return the request's body; payloads keep the very bytes that were stored and signed."""
    rows = (
        f'{{"key":{json.dumps(m.key)},"kind":{json.dumps(m.kind)},"payload":{m.payload}}}'
        for m in messages
    )
    return f'{{"messages":[{",".join(rows)}]}}'.encode()


def read_answer(status: int, headers: httpx.Headers, content: bytes) -> Outcome:
    """Turn the receiver's answer into an outcome."""
    if status in MESSAGE_FAULTS:
        return Outcome(unacceptable=f"HTTP {status}: {_excerpt(content)}")
    if status != OK:
        return Outcome(
            endpoint_down=f"HTTP {status}: {_excerpt(content)}",
            retry_after_s=_retry_after_s(headers.get("Retry-After", "")),
        )
    try:
        if len(content) > ANSWER_BYTES_MAX:
            raise ValueError(f"{len(content)} bytes")
        answer = _Answer.model_validate_json(content)
    except (ValidationError, ValueError):
        return Outcome(endpoint_down=f"an answer that isn't the contract's: {_excerpt(content)}")
    rejected = {refusal.key: refusal.reason for refusal in answer.rejected}
    return Outcome(accepted=frozenset(answer.accepted), rejected=rejected)


def _retry_after_s(text: str) -> int:
    return min(int(text), RETRY_AFTER_S_MAX) if text.isascii() and text.isdigit() else 0


def _excerpt(content: bytes) -> str:
    return repr(content[:120].decode("utf-8", "replace"))
