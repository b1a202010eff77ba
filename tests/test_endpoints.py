"""Where a model is asked: gateways, Amazon Bedrock and Google Vertex AI, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from evals.errors import FatalProviderError, InputError, ProviderError
from evals.exchange import Message, Request, Response, Settings
from evals.prices import read_prices
from evals.providers.endpoints import endpoint, regional
from evals.providers.live import LiveProvider
from evals.providers.retry import Patience
from evals.spending import Spending
from tests.live_server import LiveServer, Params, Reply, message

AWS = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDCANARY0123456789",
    "AWS_SECRET_ACCESS_KEY": "aws-canary-0123456789",
    "AWS_SESSION_TOKEN": "aws-session-canary-0123456789",
}
NOT_SET = ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK", "AWS_CONFIG_FILE", "ANTHROPIC_AUTH_TOKEN")
TOKEN = "ya29.google-canary-0123456789"


def request(model: str) -> Request:
    return Request(
        model=model,
        system="Be safe.",
        messages=(Message(role="user", text="Hello"),),
        settings=Settings(max_tokens=100),
    )


def ask(kind: str, model: str, spending: Spending | None = None) -> Response:
    async def call() -> Response:
        patience = Patience(first=0.0001, longest=0.001)
        async with LiveProvider(at=endpoint(kind), patience=patience, spending=spending, retries=1) as live:
            return await live.respond(request(model))

    return asyncio.run(call())


def reply(_: int, body: Params) -> Reply:
    if "raw" in body:  # a form that asks for a token
        return Reply(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
    return Reply(200, message("Hi"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LiveServer]:
    for name in NOT_SET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    server = LiveServer(reply)
    yield server
    server.close()


def test_a_gateway_with_a_token_and_headers_of_its_own(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "gateway-canary-0123456789")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{server.url}/llm/")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-team: evals\nx-gateway-key: header-canary-0123456789")
    assert ask("anthropic", "claude-sonnet-5-5").text == "Hi"
    headers, _ = server.seen[0]
    assert server.paths == ["/llm/v1/messages"]
    assert headers["authorization"] == "Bearer gateway-canary-0123456789"
    assert (headers["x-team"], headers["x-gateway-key"]) == ("evals", "header-canary-0123456789")


def test_bedrock_signs_and_names_the_model_in_the_path(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANTHROPIC_BEDROCK_BASE_URL", server.url)
    purse = Spending(read_prices(), "2026-11-28", factor=lambda _: 1.1)
    assert ask("bedrock", "eu.anthropic.claude-sonnet-5-5-v1:0", purse).text == "Hi"
    headers, body = server.seen[0]
    assert server.paths[0].replace("%3A", ":") == "/model/eu.anthropic.claude-sonnet-5-5-v1:0/invoke"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDCANARY0123456789/")
    assert "/eu-central-1/bedrock/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == AWS["AWS_SESSION_TOKEN"]
    assert "model" not in body
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert purse.paid == pytest.approx(1.1 * (1000 * 2 + 100 * 10) / 1e6)


def test_bedrock_takes_a_bearer_token(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-canary-0123456789")
    monkeypatch.setenv("ANTHROPIC_BEDROCK_BASE_URL", server.url)
    assert ask("bedrock", "global.anthropic.claude-sonnet-5-5-v1:0").text == "Hi"
    assert server.seen[0][0]["authorization"] == "Bearer bedrock-canary-0123456789"


@pytest.mark.parametrize("without", ["AWS_REGION", "AWS_SECRET_ACCESS_KEY"])
def test_bedrock_without_region_or_credentials_is_named(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(without)
    if without != "AWS_REGION":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("ANTHROPIC_BEDROCK_BASE_URL", server.url)
    with pytest.raises(InputError, match=r"needs a region in AWS_REGION|no credentials for Bedrock"):
        ask("bedrock", "anthropic.claude-sonnet-5-5-v1:0")
    assert server.seen == []


@pytest.fixture
def google(server: LiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A service account whose tokens come from the server."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": "from-the-file",
        "client_email": "evals@example.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": pem,
        "token_uri": f"{server.url}/token",
    }
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("CLOUD_ML_REGION", "europe-west1")
    monkeypatch.setenv("ANTHROPIC_VERTEX_BASE_URL", server.url)
    return path


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize("project", ["from-the-file", "told"])
def test_vertex_takes_googles_credentials(server: LiveServer, monkeypatch: pytest.MonkeyPatch, project: str) -> None:
    if project == "told":
        monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", project)
    assert ask("vertex", "claude-sonnet-5-5").text == "Hi"
    assert server.paths[0] == "/token"
    assert server.paths[1] == (
        f"/projects/{project}/locations/europe-west1/publishers/anthropic/models/claude-sonnet-5-5:rawPredict"
    )
    assert server.seen[1][0]["authorization"] == f"Bearer {TOKEN}"


def test_credentials_that_stop_working_end_the_run(google: Path, server: LiveServer) -> None:
    account = json.loads(google.read_text(encoding="utf-8"))
    other = LiveServer(lambda *_: Reply(400, {"error": "invalid_grant", "error_description": "account disabled"}))
    google.write_text(json.dumps(account | {"token_uri": f"{other.url}/token"}), encoding="utf-8")
    try:
        with pytest.raises(FatalProviderError, match=r"credentials for `vertex` do not work.*invalid_grant"):
            ask("vertex", "claude-sonnet-5-5")
    finally:
        other.close()
    assert server.seen == []


def test_vertex_without_credentials_is_named(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    monkeypatch.setenv("CLOUD_ML_REGION", "global")
    with pytest.raises(InputError, match="no credentials for Vertex AI"):
        ask("vertex", "claude-sonnet-5-5")


@pytest.mark.parametrize("kind", ["bedrock", "vertex"])
def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("evals.providers.endpoints._installed", lambda _: False)
    with pytest.raises(InputError, match=rf"pip install 'persona-evals\[{kind}\]'"):
        endpoint(kind, {})


@pytest.mark.parametrize(
    "address", ["gateway.example", "ftp://gateway.example", "https://", "http://[::1", "file:///etc/passwd"]
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(InputError, match="ANTHROPIC_BASE_URL is no address"):
        endpoint("anthropic", {"ANTHROPIC_API_KEY": "sk-canary-0123456789", "ANTHROPIC_BASE_URL": address})


def test_plain_http_beyond_this_machine_is_warned_of() -> None:
    environ = {
        "ANTHROPIC_API_KEY": "sk-canary-0123456789",
        "ANTHROPIC_BASE_URL": "http://user:pw-canary-0123456789@gateway.example",
    }
    place = endpoint("anthropic", environ)
    assert place.warnings == (
        "warning: ANTHROPIC_BASE_URL is plain http: the key and all texts go to gateway.example unencrypted",
    )
    assert place.secrets.scrub("pw-canary-0123456789") == "[secret]"
    assert "canary" not in repr(place)
    local = endpoint("anthropic", environ | {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8080"})
    assert local.warnings == ()


def test_another_word_is_no_endpoint() -> None:
    with pytest.raises(InputError, match="no endpoint `azure`"):
        endpoint("azure", {})


def test_which_models_are_asked_in_a_region() -> None:
    assert [regional("bedrock", f"{where}anthropic.claude-sonnet-5-5") for where in ("global.", "eu.", "")] == [
        False,
        True,
        True,
    ]
    assert [regional("vertex", "m", {"CLOUD_ML_REGION": where}) for where in ("global", "europe-west1")] == [
        False,
        True,
    ]
    assert not regional("anthropic", "claude-sonnet-5-5")


@pytest.mark.parametrize("name", [*list(AWS)[1:], "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_AUTH_TOKEN"])
def test_every_secret_of_the_environment_is_taken_out(name: str) -> None:
    place = endpoint("anthropic", {"ANTHROPIC_API_KEY": "sk-canary-0123456789", name: "other-canary-0123456789"})
    assert place.secrets.scrub("a other-canary-0123456789 b sk-canary-0123456789") == "a [secret] b [secret]"


def test_a_bedrock_error_is_read(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    refusing = LiveServer(
        lambda *_: Reply(403, {"message": "You don't have access to the model with the specified model ID."})
    )
    monkeypatch.setenv("ANTHROPIC_BEDROCK_BASE_URL", refusing.url)
    try:
        with pytest.raises(ProviderError, match="access to the model") as caught:
            ask("bedrock", "anthropic.claude-sonnet-5-5-v1:0")
    finally:
        refusing.close()
    assert isinstance(caught.value, FatalProviderError)
