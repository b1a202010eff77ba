"""Attacks with false access tokens: none, unsigned, forged, out of time, of other algorithms, issuers and audiences."""

from __future__ import annotations

import time
from collections.abc import Mapping

from graders.execution.attack import Outcome
from graders.execution.jwt.lab import MINUTES, Account, Lab, Undecided
from graders.execution.jwt.tokens import AUDIENCE, ISSUER, mint, with_claims
from graders.execution.jwt.wire import request

FOREIGN = b"a-key-of-somebody-else-a-key-of-somebody-else"
HOUR = 60 * MINUTES
DAY = 24 * HOUR
SKEW = 3
"""Seconds that the other issuer's clock is off. Within a tolerance of 4 s, and what `a few` means at the least."""
TOO_LATE = 65
"""Seconds after which no tolerance of up to a minute helps."""


def no_token(lab: Lab) -> Outcome:
    """Every protected route is called without a token, and two with headers that hold none.

    Passes when none lets the caller in and the one note that is there stays. Fails when one does, or the note changed.
    """
    account = lab.account()
    note = lab.note(account, "mine")
    caller = lab.visitor
    let_in = []
    for method, path in (
        ("GET", "/notes"),
        ("POST", "/notes"),
        ("GET", f"/notes/{note}"),
        ("DELETE", f"/notes/{note}"),
        ("GET", "/admin/users"),
    ):
        reply = caller.ask(method, path, body={"text": "theirs"} if method == "POST" else ...)
        shown = f"{method} {path.replace(note, ':id')}"
        lab.say(f"{shown} without a token → {reply.status}")
        if reply.accepted:
            let_in.append(f"{shown} without a token")
    for method, path in (("GET", "/notes"), ("DELETE", f"/notes/{note}")):
        seen = []
        for header in ("Bearer", "Bearer garbage", "Bearer a.b.c", "Bearer undefined", "Basic YW5uOmFubg=="):
            status = caller.raw(request(method, path, {"Authorization": header})).status
            seen.append(f"{header} → {status}")
            if status < 400:
                let_in.append(f"{method} with {header}")
        lab.say(f"{method} {path.replace(note, ':id')} with: " + ", ".join(seen))
    kept = [entry.get("text") for entry in lab.notes(account)]
    lab.say(f"the owner's notes before and after: 1, {len(kept)}")
    if let_in:
        return lab.failed(f"let in: {let_in[0]}")
    if kept != ["mine"]:
        return lab.failed("notes changed without a login")
    return lab.passed("nobody is let in without a token")


def unsigned(lab: Lab) -> Outcome:
    """A good token's claims are sent with `alg` none in several spellings, and with the signature cut off.

    Passes when all are refused; fails when one is let in.
    """
    account = lab.account()
    claims = lab.claims(account)
    good = mint(claims)
    tried = {alg: mint(claims, alg=alg, digest="") for alg in ("none", "NONE", "nOnE", "")}
    tried["none, signature kept"] = mint(claims, alg="none", digest="sha256")
    tried["signature cut off"] = good.rsplit(".", 1)[0] + "."
    return _all_refused(lab, account, tried, "an unsigned token")


def forged(lab: Lab) -> Outcome:
    """Tokens signed with another key and with an empty one, and good ones changed after they were signed.

    Passes when all are refused; fails when one is let in.
    """
    account = lab.account()
    claims = lab.claims(account)
    good = mint(claims)
    tried = {
        "another key": mint(claims, key=FOREIGN),
        "an empty key": mint(claims, key=b""),
        "another subject": with_claims(good, {**claims, "sub": "somebody-else"}),
        "a longer life": with_claims(good, {**claims, "exp": claims["exp"] + DAY}),
        "half the signature": good[: -len(good.rsplit(".", 1)[1]) // 2],
    }
    let_in = lab.refusals({"role raised": with_claims(good, {**claims, "role": "admin"})}, path="/admin/users")
    outcome = _all_refused(lab, account, tried, "a forged token")
    return lab.failed(f"a forged token is let in: {let_in[0]}") if let_in else outcome


def out_of_time(lab: Lab) -> Outcome:
    """Tokens that ended an hour, a month and decades ago, and one that is not valid for another hour.

    Passes when all are refused; fails when one is let in.
    """
    account = lab.account()
    now = int(time.time())
    spans = {
        "ended an hour ago": {"iat": now - 2 * HOUR, "exp": now - HOUR},
        "ended a month ago": {"iat": now - 31 * DAY, "exp": now - 30 * DAY},
        "ended in 1970": {"iat": 0, "exp": 1},
        "begins in an hour": {"nbf": now + HOUR, "exp": now + 2 * HOUR},
    }
    tried = {name: lab.token(account, **span) for name, span in spans.items()}
    return _all_refused(lab, account, tried, "a token out of its time")


def endless(lab: Lab) -> Outcome:
    """Correctly signed tokens without `exp`: issued a year ago, and without `iat` too.

    Passes when both are refused: `exp` is required, or the age is bounded by a required `iat`. Fails when one is let in.
    """
    account = lab.account()
    tried = {
        "no exp, a year old": lab.token(account, exp=..., iat=int(time.time()) - 365 * DAY),
        "no exp and no iat": lab.token(account, exp=..., iat=...),
    }
    return _all_refused(lab, account, tried, "a token without an end")


def other_algorithms(lab: Lab) -> Outcome:
    """Tokens signed with the right secret, but by HS384 and HS512, or under the name of RS256 and ES256.

    Passes when all are refused: the algorithm is pinned to HS256. Fails when one is let in.
    """
    account = lab.account()
    claims = lab.claims(account)
    tried = {alg: mint(claims, alg=alg) for alg in ("HS384", "HS512")}
    tried |= {f"{alg} in name": mint(claims, alg=alg, digest="sha256") for alg in ("RS256", "ES256", "PS256")}
    return _all_refused(lab, account, tried, "a token of another algorithm")


def other_issuers(lab: Lab) -> Outcome:
    """Correctly signed tokens with another issuer, another audience, or without one of them.

    Passes when all are refused; fails when one is let in.
    """
    account = lab.account()
    tried = {
        "another issuer": lab.token(account, iss="https://id.elsewhere.example"),
        "no issuer": lab.token(account, iss=...),
        "a longer issuer": lab.token(account, iss=f"{ISSUER}.elsewhere.example"),
        "another audience": lab.token(account, aud="billing-api"),
        "no audience": lab.token(account, aud=...),
        "a longer audience": lab.token(account, aud=f"{AUDIENCE}-v2"),
    }
    return _all_refused(lab, account, tried, "a token of another issuer or audience")


def own_key_named(lab: Lab) -> Outcome:
    """Tokens that say in their header where their key is: `kid` as a path, as SQL and as a name every object has, `jku`, `x5u`, `jwk`.

    Passes when all are refused; fails when one is let in.
    """
    account = lab.account()
    claims = lab.claims(account)
    jwk = {"kty": "oct", "alg": "HS256", "k": "YS1rZXktb2Ytc29tZWJvZHktZWxzZS1hLWtleS1vZi1zb21lYm9keS1lbHNl"}
    headers: dict[str, tuple[dict[str, object], bytes]] = {
        "kid: an empty file": ({"kid": "../../../../../../dev/null"}, b""),
        "kid: SQL": ({"kid": f"x' UNION SELECT '{FOREIGN.decode()}' --"}, FOREIGN),
        "kid: constructor": ({"kid": "constructor"}, b"function Object() { [native code] }"),
        "kid: __proto__": ({"kid": "__proto__"}, b"[object Object]"),
        "jwk": ({"jwk": jwk}, FOREIGN),
        "jku": ({"jku": "https://keys.elsewhere.example/jwks.json", "kid": "1"}, FOREIGN),
        "x5u": ({"x5u": "https://keys.elsewhere.example/cert.pem"}, FOREIGN),
    }
    tried = {name: mint(claims, header=header, key=key) for name, (header, key) in headers.items()}
    return _all_refused(lab, account, tried, "a token with a key of its own choice")


def clock_skew(lab: Lab) -> Outcome:
    """The service's clock is stopped, and the other issuer's is 3 s behind (its token has just ended here) and 3 s ahead.

    Passes when both tokens are let in, and one that ended 65 s ago is not. Fails when either is refused, or the old one
    is let in. Unscored when only the narrowest tolerance (1 to 3 s) could explain the refusal.
    """
    account = lab.account()
    now = int(time.time())
    lab.service.order("clock", at=now * 1000 + 500)
    try:
        lab.must_work(lab.token(account))
        spans = {
            "ended 3 s ago": {"iat": now - HOUR, "exp": now - SKEW},
            "issued in 3 s": {"iat": now + SKEW, "exp": now + HOUR},
        }
        let_in = lab.refusals({name: lab.token(account, **span) for name, span in spans.items()})
        late = lab.refusals({"ended 65 s ago": lab.token(account, iat=now - HOUR, exp=now - TOO_LATE)})
        narrow = lab.refusals({"ended this second": lab.token(account, iat=now - HOUR, exp=now)})
    finally:
        lab.service.order("clock", at=None)
    if late:
        return lab.failed("a token that ended 65 s ago is let in")
    if len(let_in) == len(spans):
        return lab.passed("a clock that is 3 s off does no harm, and no token lives a minute longer")
    if narrow and "issued in 3 s" in let_in:
        return lab.unscored("the tolerance is of 1 to 3 s")
    missing = next(name for name in spans if name not in let_in)
    return lab.failed(f"a token of the other issuer that {missing.replace('issued', 'was issued')} is refused")


def _all_refused(lab: Lab, account: Account, tried: Mapping[str, str], what: str) -> Outcome:
    """A good token works before and after, and none of these does."""
    good = lab.token(account)
    lab.must_work(good)
    lab.say("GET /notes with a good token → 200")
    let_in = lab.refusals(tried)
    try:
        lab.must_work(good)
    except Undecided as error:
        raise Undecided(f"{error}, after the attack") from None
    if let_in:
        return lab.failed(f"{what} is let in: {let_in[0]}")
    return lab.passed(f"{len(tried)} tried, all refused")
