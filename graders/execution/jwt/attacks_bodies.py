"""Attacks by bodies: missing, of the wrong type, empty, too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graders.execution.attack import Outcome
from graders.execution.jwt.lab import PASSWORD, Caller, Lab
from graders.execution.jwt.wire import Reply, request

REFUSED = (400, 413, 415, 422)
UNKNOWN = (*REFUSED, 401)
"""A login or refresh with an empty or too long value may also be refused as unknown."""
GONE = (*UNKNOWN, 204)
"""A logout with a value that no token has may be answered as done."""
LONG = 102_000
"""Characters of a note that fit into a body of 100 kB, the parser's own limit, and that no note needs."""
PER_CALLER = 4
"""Requests from one address, well below any limit."""


@dataclass(frozen=True)
class Odd:
    """A body and how it may be answered."""

    route: str
    what: str
    body: object
    allowed: tuple[int, ...] = REFUSED


def bodies(lab: Lab) -> Outcome:
    """Every route that takes a body gets none, a list, text, and each field absent, of wrong types, empty and far too long.

    Passes when all are refused with 400 (413, 415 and 422 are right too; 401 for an empty or too long value at login and
    refresh; 204 for such a value at logout). Fails when one is taken, or ends in a 5xx. Limits above 102,000 characters
    for a note count as none.
    """
    account = lab.account()
    wrong: list[str] = []
    tried: dict[str, int] = {}
    caller = lab.caller()
    for number, odd in enumerate(_all(lab)):
        caller = lab.caller() if number % PER_CALLER == 0 else caller
        reply = _sent(caller, odd, account.access)
        tried[odd.route] = tried.get(odd.route, 0) + 1
        if reply.status not in odd.allowed:
            wrong.append(f"POST {odd.route}, {odd.what} → {reply.status}")
    for route, number in tried.items():
        lab.say(
            f"POST {route}: {number} odd bodies, {sum(f' {route},' in line for line in wrong)} not refused with 400"
        )
    for line in wrong:
        lab.say(line)
    return lab.failed(f"not refused with 400: {wrong[0]}") if wrong else lab.passed("every odd body is refused")


def _sent(caller: Caller, odd: Odd, token: str) -> Reply:
    headers = {"Authorization": f"Bearer {token}"} if odd.route == "/notes" else {}
    if odd.body is ...:
        return caller.raw(request("POST", odd.route, headers))
    if isinstance(odd.body, bytes):
        return caller.raw(request("POST", odd.route, headers, odd.body, "text/plain"))
    return caller.ask("POST", odd.route, token if headers else None, odd.body)


def _all(lab: Lab) -> Iterator[Odd]:
    credentials = {"email": "nobody@people.example", "password": PASSWORD}
    yield from _shapes("/auth/register", credentials)
    yield from _shapes("/auth/login", credentials)
    yield from _shapes("/auth/refresh", {"refreshToken": "r" * 43})
    yield from _shapes("/auth/logout", {"refreshToken": "r" * 43})
    yield from _shapes("/notes", {"text": "buy bread"})
    yield from _sizes("/auth/register", {"email": lab.email(), "password": PASSWORD}, 5000, REFUSED)
    yield from _sizes("/auth/login", credentials, 5000, UNKNOWN)
    yield from _sizes("/auth/refresh", {"refreshToken": ""}, 20_000, UNKNOWN)
    yield from _sizes("/auth/logout", {"refreshToken": ""}, 20_000, GONE)
    yield from _sizes("/notes", {"text": ""}, LONG, REFUSED)


def _shapes(route: str, good: dict[str, str]) -> Iterator[Odd]:
    yield Odd(route, "no body", ...)
    yield Odd(route, "plain text", b"email=a")
    yield Odd(route, "a list", [])
    yield Odd(route, "an empty object", {})
    for name in good:
        for what, value in {"null": None, "a number": 7, "a list": ["a"], "an object": {"a": 1}, "true": True}.items():
            yield Odd(route, f"{name} is {what}", {**good, name: value})
        yield Odd(route, f"{name} is missing", {key: value for key, value in good.items() if key != name})


def _sizes(route: str, good: dict[str, str], length: int, allowed: tuple[int, ...]) -> Iterator[Odd]:
    for name in good:
        yield Odd(route, f"{name} is empty", {**good, name: ""}, allowed)
        long = "a" * length + ("@people.example" if name == "email" else "")
        yield Odd(route, f"{name} is far too long", {**good, name: long}, allowed)
