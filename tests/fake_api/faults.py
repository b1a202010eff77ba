"""What can go wrong with a reply, by name, and plans of which requests it happens to. Not here: sending it.

A fault replaces the reply; the answer that was due is kept for the next request. What a faulty reply says in an answer's
place is SPOILT, so that a test can look for it wherever an answer may not come from a fault.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fake_api.messages import error

SPOILT = "This text is of a broken reply."
SOON = {"retry-after": "0.01"}
MESSAGE: dict[str, Any] = {
    "id": "msg_01spoilt",
    "type": "message",
    "role": "assistant",
    "model": "claude-spoilt",
    "content": [{"type": "text", "text": SPOILT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A reply that is no answer."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int | None = None
    """Bytes of the body that are sent before the connection is closed, of all that were announced."""
    dropped: bool = False
    """Whether the connection is closed without any reply."""
    late: float = 0.0
    """Seconds until the reply begins."""
    passes: bool = False
    """Whether the right reply follows after all; then this is no fault, but a trial of patience."""


def failing(status: int, kind: str, text: str = "", headers: Mapping[str, str] = {}, **details: str) -> Fault:
    """An error as the API words it."""
    told = error(kind, text or f"{kind} as planned", **details)
    return Fault(status=status, body=json.dumps(told).encode(), headers=headers)


def _said(said: object) -> Fault:
    return Fault(body=json.dumps(said).encode())


_WHOLE = json.dumps(MESSAGE).encode()
_HTML = f"<!doctype html><html><body><h1>Bad gateway</h1><p>{SPOILT}</p></body></html>".encode()

PASSING: Mapping[str, Fault] = {
    "rate limit": failing(429, "rate_limit_error", "Number of requests has exceeded your rate limit", SOON),
    "overloaded": failing(529, "overloaded_error", "Overloaded"),
    "internal": failing(500, "api_error", "Internal server error"),
    "unavailable": failing(503, "api_error", "Service unavailable", SOON),
    "timeout": failing(408, "timeout_error", "Request timed out"),
    "conflict": failing(409, "conflict_error", "Conflict"),
    "gateway page": Fault(status=502, body=_HTML, kind="text/html"),
    "dropped": Fault(dropped=True),
}
"""Faults that pass by themselves and say so."""

BROKEN: Mapping[str, Fault] = {
    "page": Fault(body=_HTML, kind="text/html"),
    "bad JSON": Fault(body=_WHOLE[:-20]),
    "page as JSON": Fault(body=_HTML),
    "empty": Fault(),
    "null": _said(None),
    "list": _said([MESSAGE]),
    "wrong shape": _said({"id": "msg_01spoilt", "content": SPOILT}),
    "no usage": _said({**MESSAGE, "usage": None}),
    "usage left out": _said({name: value for name, value in MESSAGE.items() if name != "usage"}),
    "no stop reason": _said({**MESSAGE, "stop_reason": None}),
    "strange blocks": _said({**MESSAGE, "content": [SPOILT]}),
    "error as success": _said(error("overloaded_error", SPOILT)),
    "cut": Fault(body=_WHOLE, sent=len(_WHOLE) // 2),
    "cut at once": Fault(body=_WHOLE, sent=0),
}
"""Replies with status 200 that are no messages."""

SILENT = _said({**MESSAGE, "content": []})
"""A whole reply in which nothing is said: paid, and no answer."""

LASTING: Mapping[str, Fault] = {
    "bad key": failing(401, "authentication_error", "invalid x-api-key"),
    "no permission": failing(403, "permission_error", "Your API key does not have permission to use this resource"),
    "unknown model": failing(404, "not_found_error", "model: no such model"),
    "spend limit of the tier": failing(
        429, "rate_limit_error", "The spend limit of your tier is reached", error_code="enforced_spend_limit_reached"
    ),
    "spend limit of one's own": failing(
        400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access later."
    ),
    "no credit": failing(400, "invalid_request_error", "Your credit balance is too low to access the API"),
}
"""What every further request would meet as well."""

SLOW = Fault(late=0.05, passes=True)
MIXED: Sequence[Fault] = (*PASSING.values(), *BROKEN.values(), SLOW)


class Plan:
    """Which of the requests that come in meet which fault: the same for the same seed, by order of arrival."""

    def __init__(self, share: float, faults: Iterable[Fault], *, seed: int) -> None:
        """`share`: from 0 to 1, of the requests that meet one of the faults, chosen evenly."""
        self._share = share
        self._faults = tuple(faults)
        self._random = random.Random(seed)
        self.met: list[Fault] = []
        """The faults so far that took a reply's place."""

    def next(self) -> Fault | None:
        if self._random.random() >= self._share:
            return None
        fault = self._random.choice(self._faults)
        if not fault.passes:
            self.met.append(fault)
        return fault
