"""Attacks by many requests: whether the routes of `/auth` are limited, and whether the limit hits the wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.execution.attack import Outcome
from graders.execution.jwt.lab import PASSWORD, WRONG, Caller, Lab, json_request
from graders.execution.jwt.wire import Reply

AT_ONCE = 25
MOST = 300
"""Requests within seconds from one address that a limited route must not all take; 6000 for express-rate-limit, divided by 20."""
PEERS = 20
EACH = 4
"""Wrong passwords from each of the peers: 80 in all; as many as 320 for limits of express-rate-limit, divided by 4."""


def limited(lab: Lab) -> Outcome:
    """One address sends up to 300 logins with a wrong password, 300 registrations, and 300 refreshes with an unknown token.

    Passes when each route answers 429 (or 403 or 503 with `Retry-After`) before that. Fails when one takes them all. The
    limits of express-rate-limit are divided by 20 here, so that a limit of 6000 is met too. Unscored when a route
    announces a higher one.
    """
    account = lab.account()
    bodies: dict[str, list[dict[str, str] | None]] = {
        "/auth/login": [{"email": account.email, "password": WRONG}],
        "/auth/register": [{"email": account.email, "password": PASSWORD}, None],
        "/auth/refresh": [{"refreshToken": account.refresh[::-1]}],
    }
    free: list[str] = []
    announced: list[str] = []
    for path, kinds in bodies.items():
        found = False
        for body in kinds:
            found = found or _limit_met(lab, path, body, announced)
        lab.say(f"POST {path}, {MOST} times from one address: {'limited' if found else 'all taken'}")
        if not found and path not in announced:
            free.append(path)
    if free:
        return lab.failed(f"no limit on POST {free[0]}")
    if announced:
        return lab.unscored(f"POST {announced[0]} announces a limit higher than is tried")
    return lab.passed("login, registration and refresh are limited")


def _limit_met(lab: Lab, path: str, body: dict[str, str] | None, announced: list[str]) -> bool:
    """Whether a route refuses to go on. No body: a new registration each time."""
    caller = lab.caller()
    for start in range(0, MOST, AT_ONCE):
        bodies = [body or {"email": lab.email(), "password": PASSWORD} for _ in range(AT_ONCE)]
        replies = list(_posted(caller, path, bodies))
        if any(map(is_limit, replies)):
            return True
        if start == 0 and announced_by(replies[-1]) > MOST:
            announced.append(path)
            return False
    return False


def _posted(caller: Caller, path: str, bodies: list[dict[str, str]]) -> Iterator[Reply]:
    yield from caller.many(json_request("POST", path, body=body) for body in bodies)


def is_limit(reply: Reply) -> bool:
    """Whether this reply says: too many requests."""
    return reply.status == 429 or (reply.status in (403, 503) and "retry-after" in reply.headers)


def announced_by(reply: Reply) -> int:
    """How many requests the route still takes, as its headers say; 0 when they say nothing."""
    for name in ("ratelimit-remaining", "x-ratelimit-remaining", "ratelimit"):
        match = re.search(r"(?:remaining=|\br=|^)(\d{1,9})", reply.headers.get(name, ""))
        if match:
            return int(match[1])
    return 0


def locked_out(lab: Lab) -> Outcome:
    """20 addresses send 4 wrong passwords each for an account; then its owner logs in from an address of their own.

    Passes when the owner gets in. Fails when the right password is refused: whoever knows the e-mail address keeps its
    owner out. The limits of express-rate-limit are divided by 4 here, so that 80 requests do what 320 would; limits for
    an account that even those do not reach are not noticed.
    """
    account = lab.account()
    body = json_request("POST", "/auth/login", body={"email": account.email, "password": WRONG})
    seen: set[int] = set()
    for _ in range(PEERS):
        seen |= {reply.status for reply in lab.caller().many([body] * EACH)}
    lab.say(f"POST /auth/login, {EACH} wrong passwords from each of {PEERS} addresses → {sorted(seen)}")
    if any(status < 400 for status in seen):
        return lab.unscored("a wrong password is let in")
    reply = lab.login(account.email)
    lab.say(f"POST /auth/login with the right password from another address → {reply.status}")
    if reply.status == 200:
        return lab.passed("the owner can still log in")
    return lab.failed(f"the owner's right password, from another address, gets {reply.status}")
