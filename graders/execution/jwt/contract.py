"""Whether the answer starts and keeps its contract; every attack rests on that.

Here: valid requests and what has to come back. Not here: anything hostile.
"""

from __future__ import annotations

from collections.abc import Callable

from graders.execution.attack import Outcome
from graders.execution.jwt import tokens
from graders.execution.jwt.cleaning import cleaned
from graders.execution.jwt.lab import PASSWORD, Account, Lab, Undecided, pair, records
from graders.execution.jwt.service import PORT
from graders.execution.jwt.wire import NoReply, Reply


class Unusable(Exception):
    """No attack can be made on this; says why."""


class Contract:
    """The check, step by step. What is wrong is noted; what makes attacks impossible ends it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.faults: list[str] = []

    def check(self) -> Outcome:
        """JWT-STARTS. Raises Unusable, with the reason, when nothing can be attacked."""
        self._loads()
        try:
            account = self._account()
            self._notes(account)
        except (NoReply, Undecided) as error:
            raise Unusable(self._why(str(error))) from error
        for step in (self._own_token, self._other_issuer, self._sessions):
            self._try(step, account)
        self._try(lambda _: self._program(), account)
        if self.faults:
            return self._lab.failed(self.faults[0])
        return self._lab.passed("starts, and does what it was asked for")

    def _try(self, step: Callable[[Account], None], account: Account) -> None:
        try:
            step(account)
        except (NoReply, Undecided) as error:
            self._fault(str(error))

    def _fault(self, text: str) -> None:
        self.faults.append(text)
        self._lab.say(f"not kept: {text}")

    def _want(self, what: str, reply: Reply, *statuses: int) -> None:
        self._lab.say(f"{what} → {reply.status}")
        if reply.status not in statuses:
            self._fault(f"{what} answered {reply.status}, not {statuses[0]}")

    def _why(self, reason: str) -> str:
        """The reason, with the last of the log in the transcript where the process ended."""
        if self._lab.service.ended():
            for line in cleaned(self._lab.service.log().strip().splitlines()[-3:]):
                self._lab.say(f"log: {line}")
        return reason

    def _loads(self) -> None:
        lab = self._lab
        try:
            seen = lab.service.order("load", name=lab.instance, direct=False)
        except NoReply as error:
            raise Unusable(self._why("the process ended when app.js was required")) from error
        if "error" in seen:
            first = (cleaned(str(seen["error"]).splitlines()) or [""])[0]
            raise Unusable(f"app.js cannot be required: {first}")
        if seen.get("exports") != "function":
            raise Unusable("module.exports of app.js is no Express app")
        lab.say("required app.js")
        if seen.get("listened"):
            self._fault("app.js listens though it is only required")

    def _account(self) -> Account:
        lab = self._lab
        self._want("GET /health", lab.caller().ask("GET", "/health"), 200)
        email = lab.email()
        made = lab.register(email)
        lab.say(f"POST /auth/register → {made.status}")
        if made.status != 201:
            raise Undecided(f"POST /auth/register with a valid body answered {made.status}, not 201")
        name = made.field("id")
        if not isinstance(name, str | int) or made.field("email") != email:
            self._fault("POST /auth/register does not answer with id and email")
        logged_in = lab.login(email)
        lab.say(f"POST /auth/login → {logged_in.status}")
        access, refresh = pair(logged_in, "POST /auth/login with the right password")
        return Account(id=str(name), email=email, password=PASSWORD, access=access, refresh=refresh)

    def _notes(self, account: Account) -> None:
        lab, caller = self._lab, self._lab.caller()
        made = caller.ask("POST", "/notes", account.access, {"text": "buy bread"})
        name = made.field("id")
        self._want("POST /notes with a login", made, 201)
        if not isinstance(name, str | int):
            raise Undecided(f"POST /notes with a login answered {made.status}, and no note with an id")
        one = caller.ask("GET", f"/notes/{name}", account.access)
        self._want("GET /notes/:id with a login", one, 200)
        if one.field("text") != "buy bread":
            self._fault("GET /notes/:id does not give the note's text")
        every = caller.ask("GET", "/notes", account.access)
        self._want("GET /notes with a login", every, 200)
        if [note.get("id") for note in records(every.json()) or ()] != [name]:
            self._fault("GET /notes does not list the caller's note")
        self._want("DELETE /notes/:id with a login", caller.ask("DELETE", f"/notes/{name}", account.access), 204, 200)
        if lab.notes(account):
            self._fault("DELETE /notes/:id does not delete the caller's note")

    def _own_token(self, account: Account) -> None:
        token = tokens.read(account.access)
        if token is None:
            self._fault("the access token is no JWT")
            return
        if token.header.get("alg") != "HS256" or not token.signed_with(tokens.SECRET.encode()):
            self._fault("the access token is not signed with HS256 and JWT_SECRET")
        audience = token.claims.get("aud")
        wanted = {"sub": account.id, "role": "user", "iss": tokens.ISSUER}
        wrong = [name for name, value in wanted.items() if token.claims.get(name) != value]
        wrong += [] if audience in (tokens.AUDIENCE, [tokens.AUDIENCE]) else ["aud"]
        if wrong:
            self._fault(f"the access token's claims differ from the other issuer's: {', '.join(wrong)}")

    def _other_issuer(self, account: Account) -> None:
        lab, caller = self._lab, self._lab.caller()
        reply = caller.ask("GET", "/notes", lab.token(account))
        self._want("GET /notes with a token of the other issuer", reply, 200)
        lab.facts.other_issuer = reply.status == 200
        reply = caller.ask("GET", "/admin/users", lab.token(account, role="admin"))
        self._want("GET /admin/users with an admin's token of the other issuer", reply, 200)
        lab.facts.admin = reply.status == 200

    def _sessions(self, account: Account) -> None:
        lab = self._lab
        reply = lab.refresh(account.refresh)
        self._want("POST /auth/refresh", reply, 200)
        access, refresh = pair(reply, "POST /auth/refresh")
        lab.must_work(access)
        self._want("POST /auth/logout", lab.logout(refresh), 204)

    def _program(self) -> None:
        lab = self._lab
        seen = lab.service.order("load", name="program", direct=True)
        if seen.get("port") != PORT:
            self._fault("app.js does not listen on PORT when it is started directly")
            return
        lab.say("started app.js directly: listens on PORT")
        self._want("GET /health there", lab.at("program").caller().ask("GET", "/health"), 200)
