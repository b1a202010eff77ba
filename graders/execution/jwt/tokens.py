"""Access tokens, made and read by hand: the other issuer's, and all kinds of false ones.

Here: JWS compact serialization (RFC 7515) for HMAC keys. Not here: which tokens are tried. A library would refuse to make
most of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECRET = "Zt7-kQ2v_mW9xR4cB8nL1pY6sD3fG5hJ0aE-uT7iO2w"  # noqa: S105 - of the boxes only
"""`JWT_SECRET` in the box."""
ISSUER = "https://id.notes.example"
AUDIENCE = "notes-api"
HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


@dataclass(frozen=True)
class Token:
    """A token, decoded and not verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    def signed_with(self, key: bytes) -> bool:
        """Whether this key made the signature (HS256)."""
        return hmac.compare_digest(hmac.digest(key, self.signed, "sha256"), self.signature)


def mint(
    claims: Mapping[str, Any],
    *,
    key: bytes = SECRET.encode(),
    alg: str = "HS256",
    digest: str | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """A token. `digest`: of the HMAC, where it is not the one that `alg` names; empty: no signature at all."""
    signed = f"{_part({'alg': alg, 'typ': 'JWT', **(header or {})})}.{_part(claims)}"
    digest = HASHES.get(alg, "sha256") if digest is None else digest
    signature = hmac.new(key, signed.encode(), getattr(hashlib, digest)).digest() if digest else b""
    return f"{signed}.{_base64(signature)}"


def read(token: object) -> Token | None:
    """Decode a token; None when it is none."""
    if not isinstance(token, str) or token.count(".") != 2:
        return None
    header, claims, signature = token.split(".")
    try:
        parts = [json.loads(_bytes(part)) for part in (header, claims)]
        raw = _bytes(signature)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(part, dict) for part in parts):
        return None
    return Token(parts[0], parts[1], f"{header}.{claims}".encode(), raw)


def with_claims(token: str, claims: Mapping[str, Any]) -> str:
    """Other claims under the signature that was made for the first ones."""
    header, _, signature = token.split(".")
    return f"{header}.{_part(claims)}.{signature}"


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
