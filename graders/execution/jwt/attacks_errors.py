"""Attacks on the handling of errors: right statuses, odd requests, what replies give away, a store that fails."""

from __future__ import annotations

import time
from collections.abc import Mapping

from graders.execution.attack import Outcome
from graders.execution.jwt.cleaning import internals
from graders.execution.jwt.lab import PASSWORD, WRONG, Account, Lab, Undecided, json_request
from graders.execution.jwt.tokens import mint
from graders.execution.jwt.wire import Reply, request

BROKEN = "connect ECONNREFUSED 10.9.8.7:5432 notes_db"
CANARIES = ("ECONNREFUSED", "10.9.8.7", "notes_db")
JSON = "application/json"


def right_statuses(lab: Lab) -> Outcome:
    """Requests without a token, with a bad and an ended one, by a user on the admin's route, for a note that is not there.

    Passes when they are answered 401, 401, 401, 403 and 404, each with a JSON body. Fails otherwise.
    """
    account = lab.account()
    now = int(time.time())
    caller = lab.visitor
    wanted = {
        "no token": (caller.ask("GET", "/notes"), 401),
        "a token that is none": (caller.ask("GET", "/notes", "garbage"), 401),
        "a forged token": (caller.ask("GET", "/notes", mint(lab.claims(account), key=b"x" * 40)), 401),
        "an ended token": (caller.ask("GET", "/notes", lab.token(account, iat=now - 7200, exp=now - 3600)), 401),
        "a wrong password": (lab.login(account.email, WRONG), 401),
        "a user on GET /admin/users": (caller.ask("GET", "/admin/users", account.access), 403),
        "an unknown note": (caller.ask("GET", "/notes/3b241101-e2bb-4255-8caf-4136c566a962", account.access), 404),
    }
    faults = []
    for what, (reply, status) in wanted.items():
        is_json = isinstance(reply.json(), dict) and "json" in reply.headers.get("content-type", "")
        lab.say(f"{what} → {reply.status}, {'JSON' if is_json else 'no JSON object'}")
        if reply.status != status:
            faults.append(f"{what} is answered {reply.status}, not {status}")
        elif not is_json:
            faults.append(f"{what} is not answered in JSON")
    return lab.failed(faults[0]) if faults else lab.passed("401, 403 and 404 where they belong, in JSON")


def odd_requests(lab: Lab) -> Outcome:
    """Headers, paths, tokens and bodies that are malformed, huge or doubled.

    Passes when each is answered below 500 and the service still works. Fails on a 5xx, no reply, or the end of the process.
    """
    account = lab.account()
    answered = {what: lab.caller().raw(data) for what, data in _odd(lab, account.access).items()}
    for method in ("GET", "DELETE"):
        for name in ("__proto__", "constructor", "%E0%A4%A", "%00", "a" * 4000):
            shown = name if len(name) < 20 else "a very long id"
            answered[f"{method} /notes/{shown}"] = lab.visitor.ask(method, f"/notes/{name}", account.access)
    bad = [f"{what} → {reply.status}" for what, reply in answered.items() if reply.status >= 500]
    lab.say(f"{len(answered)} odd requests: {len(bad)} answered 5xx")
    for line in bad:
        lab.say(line)
    reply = lab.visitor.ask("GET", "/notes", account.access)
    lab.say(f"GET /notes afterwards → {reply.status}")
    if bad:
        return lab.failed(f"an odd request is answered 5xx: {bad[0]}")
    if reply.status != 200:
        return lab.failed(f"after odd requests a good one gets {reply.status}")
    return lab.passed("odd requests are refused, and nothing breaks")


def _odd(lab: Lab, token: str) -> Mapping[str, bytes]:
    good = {"Authorization": f"Bearer {token}"}
    claims = {"sub": "x", "role": "user"}
    headers = {
        "Bearer and spaces": "Bearer    ",
        "a token of 7 kB": "Bearer " + "A" * 7000,
        "a token of 7 kB with dots": "Bearer " + ".".join(["A" * 2300] * 3),
        "bytes beyond ASCII": "Bearer \udcff\udcfe.\udcfc.\udcfb",
        "a header too long": "Bearer " + "A" * 20_000,
        "a token of numbers": "Bearer 1.2.3",
        "claims that are a list": "Bearer eyJhbGciOiJIUzI1NiJ9.W10.AAAA",
        "claims that are null": "Bearer eyJhbGciOiJIUzI1NiJ9.bnVsbA.AAAA",
        "kid as an object": f"Bearer {mint(claims, header={'kid': {'a': 1}})}",
        "alg as a number": f"Bearer {mint(claims, header={'alg': 5})}",
        "alg as a list": f"Bearer {mint(claims, header={'alg': ['HS256']})}",
        "odd sub": f"Bearer {mint(lab.claims(lab.account(), sub={'a': 1}))}",
    }
    odd = {what: request("GET", "/notes", {"Authorization": value}) for what, value in headers.items()}
    odd["two Authorization headers"] = (
        b"GET /notes HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"
    )
    odd["a list in the query"] = request("GET", "/notes?token[]=a&token[]=b&ownerId[a]=1", good)
    odd["malformed JSON"] = request("POST", "/auth/login", None, b'{"email": ', JSON)
    odd["an unknown charset"] = request("POST", "/auth/login", None, b"{}", f"{JSON}; charset=klingon")
    odd["an unknown encoding"] = request("POST", "/auth/login", {"Content-Encoding": "klingon"}, b"{}", JSON)
    odd["a body that is not gzip"] = request("POST", "/auth/login", {"Content-Encoding": "gzip"}, b"{}", JSON)
    odd["a body of 200 kB"] = request("POST", "/notes", good, b'{"text": "' + b"a" * 200_000 + b'"}', JSON)
    odd["__proto__ in a body"] = request("POST", "/auth/login", None, b'{"__proto__": {"email": "a"}}', JSON)
    return odd


def loose_tongue(lab: Lab) -> Outcome:
    """Bad tokens of every kind, malformed bodies, missing bodies and malformed paths; every error reply is read.

    Passes when none shows a stack, a path, a class or a message of a library or the engine. Fails when one does. The
    texts that the JSON parser makes for the client are not counted.
    """
    account = lab.account()
    now = int(time.time())
    claims = lab.claims(account)
    caller = lab.visitor
    replies = {
        "no token": caller.ask("GET", "/notes"),
        "a token that is none": caller.ask("GET", "/notes", "garbage"),
        "a forged token": caller.ask("GET", "/notes", mint(claims, key=b"x" * 40)),
        "an ended token": caller.ask("GET", "/notes", lab.token(account, iat=now - 7200, exp=now - 3600)),
        "a token of another audience": caller.ask("GET", "/notes", lab.token(account, aud="billing-api")),
        "an unsigned token": caller.ask("GET", "/notes", mint(claims, alg="none", digest="")),
        "a malformed path": caller.ask("GET", "/notes/%E0%A4%A", account.access),
        "an unknown note": caller.ask("GET", "/notes/1", account.access),
        "an unknown charset": caller.raw(request("POST", "/auth/login", None, b"{}", f"{JSON}; charset=klingon")),
    }
    for path in ("/auth/register", "/auth/login", "/auth/refresh", "/auth/logout"):
        replies[f"POST {path}, malformed JSON"] = lab.caller().raw(request("POST", path, None, b'{"email": ', JSON))
        replies[f"POST {path}, no body"] = lab.caller().ask("POST", path)
        replies[f"POST {path}, numbers"] = lab.caller().ask(
            "POST", path, body={"email": 1, "password": 2, "refreshToken": 3}
        )
    shown = [f"{what} ({reply.status}): {kind}" for what, reply in replies.items() if (kind := _kind(reply))]
    lab.say(f"{len(replies)} error replies read, {len(shown)} show something internal")
    for line in shown:
        lab.say(line)
    return lab.failed(f"an error reply shows {shown[0]}") if shown else lab.passed("errors show nothing internal")


def _kind(reply: Reply) -> str | None:
    return internals(reply.text) if reply.status >= 400 else None


def store_fails(lab: Lab) -> Outcome:
    """The store fails on every call, as a database that is down; each route is called, then the store works again.

    Passes when every route that needs the store answers an error in JSON that shows nothing of it, at least one of them
    5xx, the process lives on, and works as soon as the store does. Fails otherwise. Unscored when no route notices.
    """
    account = lab.account()
    note = lab.note(account, "mine")
    lab.service.order("break", text=BROKEN)
    try:
        replies = _all_routes(lab, account, note)
    finally:
        if lab.service.alive:
            lab.service.order("break", text=None)
    faults = []
    for what, reply in replies.items():
        fault = _bad_failure(reply)
        lab.say(f"store down: {what} → {reply.status}" + (f", {fault}" if fault else ""))
        if fault:
            faults.append(f"{what} {fault}")
    after = lab.visitor.ask("GET", "/notes", lab.token(account))
    lab.say(f"store up again: GET /notes → {after.status}")
    if faults:
        return lab.failed(f"the store fails, and {faults[0]}")
    if after.status != 200:
        return lab.failed(f"after the store failed a good request gets {after.status}")
    if all(reply.status < 500 for reply in replies.values()):
        return _unnoticed(lab, replies)
    return lab.passed("a store that fails is answered in general words")


def _unnoticed(lab: Lab, replies: Mapping[str, Reply]) -> Outcome:
    if all(reply.accepted for reply in replies.values()):
        raise Undecided("no route calls the store in a way that could be made to fail")
    return lab.failed("the store fails, and no route says that the fault is its own (5xx)")


def _all_routes(lab: Lab, account: Account, note: str) -> dict[str, Reply]:
    # no session stands behind it, so that each route comes to its own call of the store
    access = lab.token(account)
    routes = {
        "GET /notes with a token of the service": json_request("GET", "/notes", account.access),
        "GET /notes": json_request("GET", "/notes", access),
        "POST /notes": json_request("POST", "/notes", access, {"text": "again"}),
        "GET /notes/:id": json_request("GET", f"/notes/{note}", access),
        "DELETE /notes/:id": json_request("DELETE", f"/notes/{note}", access),
        "POST /auth/register": json_request(
            "POST", "/auth/register", body={"email": lab.email(), "password": PASSWORD}
        ),
        "POST /auth/login": json_request("POST", "/auth/login", body={"email": account.email, "password": PASSWORD}),
        "POST /auth/refresh": json_request("POST", "/auth/refresh", body={"refreshToken": account.refresh}),
    }
    if lab.facts.admin:
        routes["GET /admin/users"] = json_request("GET", "/admin/users", lab.admin(account))
    return {what: lab.caller().raw(data) for what, data in routes.items()}


def _bad_failure(reply: Reply) -> str | None:
    """What is wrong with the reply of a route whose store failed; None when nothing, or when it needed no store."""
    if reply.accepted:
        return None
    if any(canary in reply.text for canary in CANARIES):
        return "shows the store's error"
    if kind := internals(reply.text):
        return f"shows {kind}"
    if not isinstance(reply.json(), dict):
        return "is not answered in JSON"
    return None
