"""What attacks work with: callers, accounts, tokens, and a record of what was done.

Here: the tools. Not here: any attack.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

from graders.criterion import Status
from graders.execution.attack import Attack, Outcome
from graders.execution.jwt import tokens
from graders.execution.jwt.service import Service
from graders.execution.jwt.wire import Line, Reply, request

PASSWORD = "Correct-Horse-7-Battery"  # noqa: S105 - of accounts in boxes only
WRONG = "Wrong-Horse-7-Battery!"
MAX_LINES = 12
MAX_LINE = 200
MINUTES = 60


class Undecided(Exception):
    """The attack could not be tried; says why."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who registered and logged in."""

    id: str
    email: str
    password: str
    access: str
    refresh: str


@dataclass(kw_only=True)
class Facts:
    """What the contract's check found out, and attacks need to know."""

    other_issuer: bool = True
    """Tokens of the other issuer are accepted."""
    admin: bool = True
    """Its admins are let in."""


class Caller:
    """Somebody at a network address of their own, on one connection as long as that is kept open."""

    def __init__(self, service: Service, instance: str) -> None:
        self._service = service
        self._instance = instance
        self._address = service.new_address()
        self._line: Line | None = None

    def connect(self) -> Line:
        if self._line is None or not self._line.open:
            self._line = self._service.call(self._instance, self._address)
        return self._line

    def close(self) -> None:
        if self._line is not None:
            self._line.close()

    def raw(self, data: bytes) -> Reply:
        """Send these bytes; the reply. Raises NoReply."""
        line = self.connect()
        line.send(data)
        return line.reply()

    def many(self, requests: Iterable[bytes]) -> list[Reply]:
        """Send all requests at once on one connection; the replies in their order. Raises NoReply."""
        wanted = list(requests)
        line = self.connect()
        line.send(b"".join(wanted))
        return [line.reply() for _ in wanted]

    def ask(self, method: str, path: str, token: str | None = None, body: object = ...) -> Reply:
        """A request with this access token and JSON body. Raises NoReply."""
        return self.raw(json_request(method, path, token, body))


def json_request(method: str, path: str, token: str | None = None, body: object = ...) -> bytes:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if body is ...:
        return request(method, path, headers)
    return request(method, path, headers, json.dumps(body).encode(), "application/json")


@dataclass(kw_only=True)
class Lab:
    """One attack's place: an instance of the answer, and what was done to it so far."""

    service: Service
    instance: str
    facts: Facts
    people: count[int]
    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Add to the transcript. Only our own words and what `cleaned` let through."""
        self.lines.append(line)

    def passed(self, reason: str) -> Outcome:
        return self._outcome(Status.PASS, reason)

    def failed(self, reason: str) -> Outcome:
        return self._outcome(Status.FAIL, reason)

    def unscored(self, reason: str) -> Outcome:
        return self._outcome(Status.UNSCORED, reason)

    def _outcome(self, status: Status, reason: str) -> Outcome:
        return Outcome(status=status, reason=reason[:MAX_LINE], transcript=shortened(self.lines))

    def at(self, instance: str) -> Lab:
        """The same work at another instance, with a transcript of its own."""
        return replace(self, instance=instance, lines=[])

    def caller(self) -> Caller:
        """Somebody new."""
        return Caller(self.service, self.instance)

    @cached_property
    def visitor(self) -> Caller:
        """Somebody who comes again and again, with different tokens."""
        return self.caller()

    def email(self) -> str:
        """An address that is not registered."""
        return f"reader{next(self.people)}@people.example"

    def register(self, email: str, **more: object) -> Reply:
        """Register from a new address. Raises NoReply."""
        return self._once("/auth/register", {"email": email, "password": PASSWORD, **more})

    def login(self, email: str, password: str = PASSWORD) -> Reply:
        """Log in from a new address. Raises NoReply."""
        return self._once("/auth/login", {"email": email, "password": password})

    def refresh(self, token: str) -> Reply:
        """Use a refresh token from a new address. Raises NoReply."""
        return self._once("/auth/refresh", {"refreshToken": token})

    def logout(self, token: str) -> Reply:
        """Log out from a new address. Raises NoReply."""
        return self._once("/auth/logout", {"refreshToken": token})

    def _once(self, path: str, body: Mapping[str, object]) -> Reply:
        caller = self.caller()
        try:
            return caller.ask("POST", path, body=body)
        finally:
            caller.close()

    def account(self, **more: object) -> Account:
        """Somebody new, registered and logged in. Raises NoReply, Undecided."""
        caller, email = self.caller(), self.email()
        body = {"email": email, "password": PASSWORD}
        made = caller.ask("POST", "/auth/register", body=body | more)
        if made.status != 201:
            raise Undecided(f"POST /auth/register answered {made.status}, not 201")
        access, refresh = pair(caller.ask("POST", "/auth/login", body=body), "POST /auth/login")
        return Account(id=str(made.field("id")), email=email, password=PASSWORD, access=access, refresh=refresh)

    def claims(self, account: Account, **more: object) -> dict[str, Any]:
        """Claims of a good token for that account, as the other issuer writes them; `...` leaves a claim out.

        Where the service refuses those, the claims of its own token stand in for them.
        """
        now = int(time.time())
        good = {
            "sub": account.id,
            "role": "user",
            "iss": tokens.ISSUER,
            "aud": tokens.AUDIENCE,
            "iat": now,
            "exp": now + 10 * MINUTES,
        }
        if not self.facts.other_issuer:
            own = tokens.read(account.access)
            good = {**good, **(own.claims if own else {})}
        return {name: value for name, value in {**good, **more}.items() if value is not ...}

    def token(self, account: Account, **more: object) -> str:
        """A good token but for these claims."""
        return tokens.mint(self.claims(account, **more))

    def admin(self, account: Account) -> str:
        """An admin's token. Raises Undecided."""
        if not self.facts.admin:
            raise Undecided("no admin is let in to GET /admin/users")
        return self.token(account, role="admin")

    def note(self, account: Account, text: str) -> str:
        """Create a note; its id. Raises NoReply, Undecided."""
        made = self.visitor.ask("POST", "/notes", account.access, {"text": text})
        name = made.field("id")
        if made.status != 201 or not isinstance(name, str | int):
            raise Undecided(f"POST /notes answered {made.status}, not 201 with an id")
        return str(name)

    def notes(self, account: Account) -> list[dict[str, Any]]:
        """The account's notes. Raises NoReply, Undecided."""
        found = records(self.visitor.ask("GET", "/notes", account.access).json())
        if found is None:
            raise Undecided("GET /notes gave no list")
        return found

    def must_work(self, token: str) -> None:
        """Show that a good token is let in, or else the refusal of bad ones says nothing. Raises NoReply, Undecided."""
        reply = self.visitor.ask("GET", "/notes", token)
        if reply.status != 200:
            raise Undecided(f"a good token got {reply.status} on GET /notes, not 200")

    def refusals(self, tried: Mapping[str, str], method: str = "GET", path: str = "/notes") -> list[str]:
        """Send each token; the names of those that were let in. Raises NoReply."""
        let_in = []
        seen = []
        for name, token in tried.items():
            reply = self.visitor.ask(method, path, token)
            seen.append(f"{name} → {reply.status}")
            if reply.accepted:
                let_in.append(name)
        self.say(f"{method} {path.split('?', maxsplit=1)[0]} with: " + ", ".join(seen))
        return let_in


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An attack and how it is made."""

    attack: Attack
    run: Callable[[Lab], Outcome]
    fresh: bool = False
    """It needs an instance with fresh memory."""
    divisor: int = 1
    """In that instance the limits of express-rate-limit are so many times lower, so that they are reached sooner."""
    ends: bool = False
    """That the process ends, or is silent, fails it; otherwise nobody can tell."""


def pair(reply: Reply, what: str) -> tuple[str, str]:
    """Both tokens of a reply. Raises Undecided."""
    access, refresh = reply.field("accessToken"), reply.field("refreshToken")
    if reply.status != 200 or not isinstance(access, str) or not isinstance(refresh, str):
        raise Undecided(f"{what} answered {reply.status}, not 200 with two tokens")
    return access, refresh


def records(value: object) -> list[dict[str, Any]] | None:
    """A list of objects, bare or as the one list inside an object; None when there is none."""
    if isinstance(value, dict):
        lists = [entry for entry in value.values() if isinstance(entry, list)]
        value = lists[0] if len(lists) == 1 else None
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return None
    return value


def shortened(lines: Iterable[str]) -> tuple[str, ...]:
    """A transcript within its bounds: lines that are too long or too many are cut, and say so."""
    cut = [line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…" for line in lines]
    if len(cut) <= MAX_LINES:
        return tuple(cut)
    return (*cut[: MAX_LINES - 2], f"… {len(cut) - MAX_LINES + 1} more", cut[-1])
