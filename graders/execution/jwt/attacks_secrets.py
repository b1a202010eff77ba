"""Attacks on secrets: none configured, and passwords, hashes or tokens that come to light."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graders.execution.attack import Outcome
from graders.execution.jwt import tokens
from graders.execution.jwt.lab import PASSWORD, WRONG, Account, Lab, Undecided, pair
from graders.execution.jwt.wire import Gone, Reply

GUESSES = (
    "",
    "undefined",
    "null",
    "secret",
    "changeme",
    "change-me",
    "dev-secret",
    "development",
    "test",
    "your-secret-key",
)
SECRET_KEY = re.compile(r"pass(?:word|wd|phrase)|hash|salt", re.IGNORECASE)
BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{20}")


def no_secret(lab: Lab) -> Outcome:
    """The answer is loaded with no `JWT_SECRET` in its environment, and with an empty one; then somebody tries to log in.

    Passes when it does not load, or issues no token and lets nobody in. Fails when it issues one, whatever its key, or
    lets in a token that is unsigned or signed with a key that is easily guessed.
    """
    claims = lab.claims(lab.account())
    try:
        for shown, value in (("without JWT_SECRET", None), ("with an empty JWT_SECRET", "")):
            lab.service.order("env", values={"JWT_SECRET": value})
            fault = _without_secret(lab, shown, claims)
            if fault:
                return lab.failed(f"{shown}, {fault}")
    except Gone:
        if not lab.service.ended():
            raise
        lab.say("loaded without JWT_SECRET: the process ended")
        return lab.passed("does not start without its secret")
    finally:
        if lab.service.alive:
            lab.service.order("env", values={"JWT_SECRET": tokens.SECRET})
    return lab.passed("without its secret it does not start, or issues and accepts nothing")


def _without_secret(lab: Lab, shown: str, claims: Mapping[str, Any]) -> str | None:
    """What it does wrong without a secret; None when nothing."""
    seen = lab.service.order("load", name="bare", direct=False)
    if "error" in seen or seen.get("exports") != "function":
        lab.say(f"loaded {shown}: an error")
        return None
    lab.say(f"loaded {shown}: no error")
    bare = lab.at("bare")
    guessed = {f"signed with {key!r}": tokens.mint(claims, key=key.encode()) for key in GUESSES}
    let_in = bare.refusals({"unsigned": tokens.mint(claims, alg="none", digest=""), **guessed})
    if let_in:
        return f"a token is let in that is {let_in[0]}"
    made = bare.register(email := bare.email())
    logged_in = bare.login(email)
    lab.say(f"POST /auth/register → {made.status}, POST /auth/login → {logged_in.status}")
    return "it issues tokens" if isinstance(logged_in.field("accessToken"), str) else None


def secrets_shown(lab: Lab) -> Outcome:
    """Somebody registers, logs in, refreshes, fails to log in, keeps a note, and an admin lists the users.

    Passes when no reply but the right one, no claim and no line of the log shows a password, its hash or a refresh token.
    Fails when one does. What the service writes anywhere but its output is not seen.
    """
    email = lab.email()
    made = lab.register(email)
    logged_in = lab.login(email)
    access, refresh = pair(logged_in, "POST /auth/login")
    account = Account(id=str(made.field("id")), email=email, password="", access=access, refresh=refresh)
    lab.note(account, "mine")
    replies = {
        "POST /auth/register": made,
        "POST /auth/login": logged_in,
        "POST /auth/login, wrong password": lab.login(email, WRONG),
        "POST /auth/register, again": lab.register(email),
        "POST /auth/refresh": lab.refresh(refresh),
        "GET /notes": lab.visitor.ask("GET", "/notes", access),
    }
    if lab.facts.admin:
        replies["GET /admin/users"] = lab.visitor.ask("GET", "/admin/users", lab.admin(account))
    lab.logout(refresh)
    # what is logged when a reply is out is written before the next one
    lab.caller().ask("GET", "/health")
    faults = [f"{what} shows {found}" for what, reply in replies.items() if (found := secret_in(reply))]
    own = tokens.read(access)
    if own is None:
        raise Undecided("the access token is no JWT")
    faults += [f"the access token carries {key!r}" for key in _secret_keys(own.claims)]
    log = lab.service.log()
    shown = {
        "the password": PASSWORD,
        "a wrong password": WRONG,
        "a refresh token": refresh,
        "an access token": access,
        "the secret": tokens.SECRET,
    }
    faults += [f"the log shows {name}" for name, text in shown.items() if text in log]
    for what, reply in replies.items():
        lab.say(f"{what} → {reply.status}")
    lab.say(f"secrets found: {', '.join(faults) or 'none'}")
    return (
        lab.failed(faults[0]) if faults else lab.passed("no password, hash or refresh token where it does not belong")
    )


def secret_in(reply: Reply) -> str | None:
    if PASSWORD in reply.text or WRONG in reply.text:
        return "a password"
    if BCRYPT.search(reply.text):
        return "a password hash"
    value = reply.json()
    if reply.accepted and (key := next(_secret_keys(value), None)):
        return f"a field {key!r}"
    return None


def _secret_keys(value: object, depth: int = 0) -> Iterator[str]:
    """Keys with a value that look like a password's, at any depth."""
    if depth > 8:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if SECRET_KEY.search(key) and isinstance(inner, str | dict | list) and key.isascii() and len(key) < 40:
                yield key
            yield from _secret_keys(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_keys(inner, depth + 1)
