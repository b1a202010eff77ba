"""Where a model is asked: the Messages API itself or a gateway that speaks it, Amazon Bedrock, Google Vertex AI.

Here: what the environment says of address and credentials, and the SDK's client for it. Not here: any call.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import urlsplit

from evals.errors import InputError
from evals.secret import Secrets

Kind = Literal["anthropic", "bedrock", "vertex"]
CONNECT = 10.0
READ = 600.0
"""Seconds without a byte. A reply that is not streamed comes after as long as it takes to write it."""
KEY_VARIABLE = "ANTHROPIC_API_KEY"
TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - the name of a variable
ADDRESSES: dict[Kind, str] = {
    "anthropic": "ANTHROPIC_BASE_URL",
    "bedrock": "ANTHROPIC_BEDROCK_BASE_URL",
    "vertex": "ANTHROPIC_VERTEX_BASE_URL",
}
NEEDS: dict[Kind, str] = {"bedrock": "boto3", "vertex": "google.auth"}
SECRETS = (
    KEY_VARIABLE,
    TOKEN_VARIABLE,
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
)
SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)
VERTEX_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One place to ask, checked as far as that is possible without asking."""

    kind: Kind
    secrets: Secrets
    batches: bool
    """Whether Message Batches are offered there."""
    region: str = ""
    warnings: tuple[str, ...] = ()
    _environ: Mapping[str, str] = field(repr=False)

    def client(self) -> Any:
        """The SDK's client, over aiohttp, without retries of its own; to be closed. Raises InputError for bad credentials."""
        import anthropic

        timeout = anthropic.Timeout(READ, connect=CONNECT)
        # a redirect would carry the key to whoever the address names
        http = anthropic.DefaultAioHttpClient(follow_redirects=False, timeout=timeout)
        common: dict[str, Any] = {"http_client": http, "timeout": timeout, "max_retries": 0}
        if self.kind == "bedrock":
            return anthropic.AsyncAnthropicBedrock(aws_region=self.region, **common)
        if self.kind == "vertex":
            return anthropic.AsyncAnthropicVertex(region=self.region, **self._google(), **common)
        return anthropic.AsyncAnthropic(**common, **_key(self._environ))

    def credential_errors(self) -> tuple[type[Exception], ...]:
        """What the libraries raise that find and renew credentials, at the moment of a call."""
        if self.kind == "bedrock":
            from botocore.exceptions import BotoCoreError

            return (BotoCoreError, RuntimeError)
        if self.kind == "vertex":
            from google.auth.exceptions import GoogleAuthError

            return (GoogleAuthError, RuntimeError)
        return ()

    def _google(self) -> dict[str, Any]:
        import google.auth
        from google.auth.exceptions import GoogleAuthError

        try:
            credentials, found = google.auth.default(scopes=[VERTEX_SCOPE])
        except (GoogleAuthError, OSError, ValueError) as error:
            raise InputError(f"no credentials for Vertex AI: {self.secrets.scrub(str(error))[:300]}") from None
        project = self._environ.get("ANTHROPIC_VERTEX_PROJECT_ID") or found
        if not project:
            message = "Vertex AI needs a project in ANTHROPIC_VERTEX_PROJECT_ID"
            raise InputError(message)
        return {"credentials": credentials, "project_id": project}


def endpoint(kind: str = "anthropic", environ: Mapping[str, str] | None = None) -> Endpoint:
    """The endpoint that the environment describes. Raises InputError for what is missing or cannot be."""
    environ = os.environ if environ is None else environ
    if kind not in ADDRESSES:
        raise InputError(f"no endpoint `{kind}` (there are: {', '.join(ADDRESSES)})")
    known: Kind = kind
    address = environ.get(ADDRESSES[known], "")
    warnings = _check_address(ADDRESSES[known], address)
    if known in NEEDS and not _installed(NEEDS[known]):
        raise InputError(f"the endpoint `{known}` needs a package more: pip install 'persona-evals[{known}]'")
    if known == "anthropic":
        _key(environ)
    elif known == "bedrock":
        _check_aws(environ)
    return Endpoint(
        kind=known,
        secrets=Secrets(_secrets(environ)),
        batches=known == "anthropic",
        region=_region(known, environ),
        warnings=warnings,
        _environ=dict(environ),
    )


def regional(kind: str, model: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a model is asked in a region, which costs more than wherever there is room."""
    environ = os.environ if environ is None else environ
    if kind == "bedrock":
        return not model.startswith("global.")
    return kind == "vertex" and environ.get("CLOUD_ML_REGION") != "global"


def _key(environ: Mapping[str, str]) -> dict[str, Any]:
    """The key or token as the SDK takes it. Raises InputError when it is absent or cannot be one; never shows it."""
    for variable, name in ((KEY_VARIABLE, "api_key"), (TOKEN_VARIABLE, "auth_token")):
        value = environ.get(variable, "").strip()
        if value and all("!" <= character <= "~" for character in value):
            return {name: value}
        if value:
            break
    message = (
        f"the live provider needs a key in {KEY_VARIABLE} (or a gateway's token in {TOKEN_VARIABLE}), of printable ASCII "
        "without spaces; without one, leave `--provider` out to replay the recordings"
    )
    raise InputError(message)


def _region(kind: Kind, environ: Mapping[str, str]) -> str:
    names = {"bedrock": ("AWS_REGION", "AWS_DEFAULT_REGION"), "vertex": ("CLOUD_ML_REGION",), "anthropic": ()}[kind]
    region = next((environ[name] for name in names if environ.get(name)), "")
    if names and not re.fullmatch(r"[a-z0-9-]+", region):
        raise InputError(f"the endpoint `{kind}` needs a region in {' or '.join(names)}")
    return region


def _check_aws(environ: Mapping[str, str]) -> None:
    if environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        return
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        found = boto3.Session().get_credentials()
    except BotoCoreError as error:
        raise InputError(f"no credentials for Bedrock: {error}") from None
    if found is None:
        message = "no credentials for Bedrock; see AWS_PROFILE, AWS_ACCESS_KEY_ID or AWS_BEARER_TOKEN_BEDROCK"
        raise InputError(message)


def _check_address(variable: str, address: str) -> tuple[str, ...]:
    if not address:
        return ()
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise InputError(
            f"{variable} is no address: it must be a URL with http or https, such as https://gateway.example"
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        return (f"warning: {variable} is plain http: the key and all texts go to {host} unencrypted",)
    return ()


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    yield from (environ[name].strip() for name in SECRETS if environ.get(name))
    for line in environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, _, value = line.partition(":")
        if SECRET_HEADER.search(name):
            yield value.strip()
            yield value.strip().rpartition(" ")[2]
    for variable in ADDRESSES.values():
        password = _password(environ.get(variable, ""))
        if password:
            yield password


def _password(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
