"""What went wrong with a call, and what helps: waiting, leaving the request, or ending the run.

Here: reading the SDK's exceptions. Not here: the waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from evals.errors import ProviderError
from evals.providers.retry import named_wait
from evals.secret import Secrets

if TYPE_CHECKING:
    import anthropic

SPENT = "enforced_spend_limit_reached"
SPENT_WORDS = ("you have reached your specified", "credit balance is too low")
"""How the API words that its money is used up where it gives no code for it, in lower case."""
ONE_ONLY = ("prompt is too long", "content filtering", "too large")
"""How the API words what is about one request and says nothing of the others, in lower case."""
PASSING = frozenset({408, 409, 429})
TIMED_OUT = frozenset({408, 504, 524})
"""Statuses after which a reply may have been made, and billed, that did not arrive."""
NEVER_SENT = ("ClientConnectorError", "ConnectionTimeoutError", "ConnectTimeout", "ServerFingerprintMismatch")
"""Exceptions of the layers below, by name, that are raised before anything is sent."""
UNTRUSTED = ("ClientConnectorCertificateError", "SSLCertVerificationError")
LONGEST = 300


class Cure(Enum):
    """What helps."""

    WAIT = "wait"
    LEAVE = "leave"
    """Nothing, for this request."""
    REFUSED = "refused"
    """Nothing for this request, nor perhaps for any other: the API takes it for invalid."""
    END = "end"
    """Nothing, for no request."""


@dataclass(eq=False)  # an exception must be hashable
class CallFault(Exception):
    """A call that brought no answer. The message holds no secret."""

    message: str
    cure: Cure
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    wait: float | None = None
    """Seconds that the API named."""
    too_fast: bool = False
    """Whether the API refused it for its rate."""
    lost: bool = False
    """Whether it may be billed all the same."""


def fault_of(error: Exception, secrets: Secrets) -> CallFault:
    """What an exception of the SDK, or of reading a reply, means."""
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        return _status_fault(error, secrets)
    if isinstance(error, anthropic.APIConnectionError):
        return _connection_fault(error, secrets)
    if isinstance(error, TimeoutError):
        return CallFault("no reply within the deadline", Cure.WAIT, lost=True)
    words = str(error) if isinstance(error, ProviderError) else f"the reply is broken ({type(error).__name__}: {error})"
    return CallFault(_line(words, secrets), Cure.WAIT, lost=True)


def _status_fault(error: anthropic.APIStatusError, secrets: Secrets) -> CallFault:
    status, headers = error.status_code, error.response.headers
    told = error.api_message if isinstance(error.api_message, str) else str(error.message)
    said = f"status {status}: {_line(told, secrets)}"
    ending = _ending(error, status, told.lower())
    if ending:
        return CallFault(f"{ending} ({said})", Cure.END, headers)
    passing = status in PASSING or status >= 500
    if headers.get("x-should-retry") in ("true", "false"):
        passing = headers["x-should-retry"] == "true"
    if passing:
        return CallFault(
            f"the API failed ({said})",
            Cure.WAIT,
            headers,
            wait=named_wait(headers),
            too_fast=status == 429,
            lost=status in TIMED_OUT,
        )
    about_one = status == 413 or any(words in told.lower() for words in ONE_ONLY)
    leave = about_one or status in PASSING or status >= 500
    return CallFault(f"the API refuses the request ({said})", Cure.LEAVE if leave else Cure.REFUSED, headers)


def _ending(error: anthropic.APIStatusError, status: int, told: str) -> str:
    """Why no further request can succeed; empty where one can."""
    spent = error.error_code == SPENT or status == 402 or error.type == "billing_error"
    if spent or any(told.startswith(words) or f" {words}" in told for words in SPENT_WORDS):
        return "the account's spend limit is reached or its credit used up; nothing can be asked until that changes"
    if status == 401:
        return "the API refuses the request: it does not accept the key"
    if status == 403 and error.type is not None:
        return "the API refuses the request: no permission"
    if status == 404:
        return "the API refuses the request: it knows no such model, or nothing at this address"
    if 300 <= status < 400:
        return "the address answers with a redirect, which is not followed with a key; set the final address"
    return ""


def _connection_fault(error: Exception, secrets: Secrets) -> CallFault:
    chain = _chain(error)
    names = {base.__name__ for one in chain for base in type(one).__mro__}
    root = chain[-1]
    words = _line(f"{type(root).__name__}: {root}", secrets)
    if names & set(UNTRUSTED):
        return CallFault(f"the service's certificate is not trusted ({words})", Cure.END)
    return CallFault(f"no connection ({words})", Cure.WAIT, lost=not names & set(NEVER_SENT))


def _line(text: str, secrets: Secrets) -> str:
    """One short line of a text that others wrote, without secrets."""
    return " ".join(secrets.scrub(text).split())[:LONGEST]


def _chain(error: BaseException) -> list[BaseException]:
    """An exception and what it was raised from, outermost first."""
    chain = [error]
    while chain[-1].__cause__ is not None and len(chain) < 20:
        chain.append(chain[-1].__cause__)
    return chain
