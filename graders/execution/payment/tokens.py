"""Bearer tokens as the case's login service makes them, and ones it would never make.

Here: HS256 and unsigned JWTs. Not here: what they are used for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

SECRET = "login-service-7c1f09e2a4b85d36f0e1c2b3a4958677"  # noqa: S105 - made up; the canary of the attack on leaks
HOUR = 3600


def token(customer: str, **changes: Any) -> str:
    """A valid token for a customer; a claim is changed by name, and left out by None."""
    return signed(claims(customer, **changes), SECRET)


def claims(customer: str, **changes: Any) -> dict[str, Any]:
    issued = int(time.time())
    every = {"sub": customer, "iat": issued, "exp": issued + HOUR, **changes}
    return {name: value for name, value in every.items() if value is not None}


def signed(content: Mapping[str, Any], secret: str, algorithm: str = "HS256") -> str:
    """A compact JWT; any algorithm but HS256 leaves the signature empty."""
    head = _part(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    text = f"{head}.{_part(json.dumps(content).encode())}"
    if algorithm != "HS256":
        return f"{text}."
    return f"{text}.{_part(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
