"""JSON Web Tokens on their way out, and for whom they are: lifetime, issuer, audience, content.

Here: claims. Not here: signatures and algorithms (`js_jwt`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_jwt import Checked, chained, signatures, verifications
from graders.rules.javascript_node import LANGUAGES, Node, bare, function_of, member_name
from graders.rules.javascript_options import options, resolved
from graders.rules.javascript_records import is_full_user
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.javascript_values import words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

WHOLE_RECORD = "The whole user record goes into the token."
SENSITIVE = re.compile(
    r"^(?:(?:user_)?(?:password|passwd|pwd|passphrase)(?:_?hash(?:ed)?)?|hashed_password|pass_?hash|pw_?hash"
    r"|hash|salt|password_salt|(?:client_|totp_|mfa_|otp_|two_factor_)?secret|ssn|cvv|cvc|card_number|pin_code"
    r"|credit_card(?:_number)?)$"
)


def _signed(source: Source) -> Iterator[tuple[Node, Node | None, Checked | None, dict[str, object]]]:
    """(where, payload, sign call, builder's methods) of each token that is made."""
    read = script(source)
    for found in signatures(read):
        yield found.call.node, found.call.args[0], found, {}
    for call in read.calls:
        if re.search(r"(?:^|[ .])SignJWT$", call.origin) and call.node.kind == "new_expression":
            methods, ended = chained(call.node)
            if ended:
                yield call.node, (call.args[0] if call.args else None), None, dict(methods)


class NoExpiry(Rule):
    """A token is issued that never expires. Once it leaks it is good for as long as the key is, and taking it back
    needs a list of revoked tokens that is rarely there. Give every token a short life with `expiresIn` or
    `setExpirationTime`.
    """

    id = "js-jwt-no-expiry"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 613
    languages = LANGUAGES
    BAD = (
        "const jwt = require('jsonwebtoken');\nconst token = jwt.sign({ sub: user.id }, process.env.JWT_SECRET);",
        (
            "import jwt from 'jsonwebtoken';\nconst opts = { algorithm: 'HS256' } as const;\n"
            "return jwt.sign(claims, key, { ...opts, issuer: 'me' });"
        ),
        (
            "import { SignJWT } from 'jose';\n"
            "const t = await new SignJWT({ sub }).setProtectedHeader({ alg: 'HS256' "
            "}).setIssuedAt().sign(key);"
        ),
        "const { sign } = require('jsonwebtoken');\nsign({ id }, SECRET, (err, token) => res.json({ token }));",
    )
    GOOD = (
        (
            "const TTL = { expiresIn: '15m' };\n"
            "const token = jwt.sign({ sub: user.id }, key, { ...TTL, algorithm: 'HS256' });"
        ),
        (
            "import { SignJWT } from 'jose';\n"
            "await new SignJWT({ sub }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('15m').sign(key);"
        ),
        "jwt.sign({ sub: id, exp: Math.floor(Date.now() / 1000) + 900 }, key);",
        "const signWith = (payload, opts) => jwt.sign(payload, key, opts);",
        "const mac = crypto.sign('sha256', data, key);",
    )

    def check(self, source: Source) -> Iterator[Site]:
        if is_test(source):
            return
        for where, payload, found, methods in _signed(source):
            claims = options(payload)
            if (claims is not None and "exp" in claims.keys) or "setExpirationTime" in methods:
                yield site(source, where)
            elif found is None:
                yield site(source, where, "The token is built without setExpirationTime.")
            elif found.options is not None and "expiresIn" in found.options.keys:
                yield site(source, where)
            elif found.options is not None and found.options.complete and not _payload_has_exp(payload):
                yield site(source, where, "The token is signed without expiresIn.")


def _payload_has_exp(payload: Node | None) -> bool:
    """Whether `payload.exp = …` is written somewhere in the function."""
    return (
        payload is not None and bare(payload).kind == "identifier" and f"{payload.text}.exp" in payload.script.assigned
    )


class AudienceIssuerUnchecked(Rule):
    """A token is verified without asking who issued it or for whom. A token that another service got from the same key
    or the same identity provider is then good here as well. Pass `issuer` and `audience`, or compare both claims.
    """

    id = "js-jwt-audience-issuer-unchecked"
    dimension = Dimension.SECURITY
    severity = Severity.MEDIUM
    cwe = 345
    languages = LANGUAGES
    BAD = (
        "const claims = jwt.verify(token, key, { algorithms: ['HS256'] });",
        "import { jwtVerify } from 'jose';\nawait jwtVerify(token, jwks, { issuer: ISSUER, algorithms: ['RS256'] });",
    )
    GOOD = (
        "const claims = jwt.verify(token, key, { algorithms: ['HS256'], issuer: ISS, audience: AUD });",
        "const CHECKS = Object.freeze({ issuer: 'a', audience: 'b' });\nawait jwtVerify(token, jwks, CHECKS);",
        (
            "function check(t) {\n  const p = jwt.verify(t, key);\n"
            "  if (p.iss !== ISS || p.aud !== AUD) throw new Error('foreign');\n  return p;\n}"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        if is_test(source):
            return
        for found in verifications(script(source)):
            for option, claim in (("issuer", "iss"), ("audience", "aud")):
                if found.options is None:
                    continue
                if option in found.options.keys or claim in _read_members(found.call.node):
                    yield site(source, found.call.node)
                elif found.options.complete:
                    yield site(source, found.call.node, f"The token is verified without checking its {option}.")


def _read_members(node: Node) -> set[str]:
    return {member_name(member) for member in function_of(node).find("member_expression")}


class SensitiveClaims(Rule):
    """A password, its hash or another secret is put into a token. The payload is only encoded, not encrypted: whoever
    holds the token reads it. Put in an id and what authorisation needs, nothing else.
    """

    id = "js-sensitive-claims"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 522
    languages = LANGUAGES
    BAD = (
        "jwt.sign({ id: user.id, password: user.password }, key, { expiresIn: '1h' });",
        (
            "const payload = { sub: user.id, passwordHash: user.passwordHash };\n"
            "jwt.sign(payload, key, { expiresIn: '1h' });"
        ),
        (
            "async function login(email) {\n  const user = await User.findOne({ email });\n"
            "  return jwt.sign({ user }, key, { expiresIn: '1h' });\n}"
        ),
        "await new SignJWT({ sub: u.id, pwd: u.pwd }).setExpirationTime('1h').sign(key);",
    )
    GOOD = (
        "jwt.sign({ sub: user.id, role: user.role }, process.env.JWT_SECRET, { expiresIn: '1h' });",
        (
            "jwt.sign({ sub: user.id, purpose: 'password_reset', passwordVersion: user.passwordVersion }, "
            "key, { expiresIn: '1h' });"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        if is_test(source):
            return
        for where, payload, _, _ in _signed(source):
            if payload is None:
                continue
            message = _exposed(payload)
            if message is not None:
                yield site(source, where, message)


def _exposed(payload: Node) -> str | None:
    """What is wrong with a payload; empty when all of it is seen and sound; None where it cannot be told."""
    claims = options(payload)
    if claims is None:
        return WHOLE_RECORD if is_full_user(payload) else None
    secret = next((key for key in claims.keys if SENSITIVE.match(words(key))), None)
    if secret is not None:
        return f"The claim {secret} is readable by whoever holds the token."
    if any(is_full_user(value) for value in claims.keys.values()) or _spreads_user(payload):
        return WHOLE_RECORD
    return "" if claims.complete else None


def _spreads_user(payload: Node) -> bool:
    value = resolved(payload)
    return any(
        is_full_user(child.children[0]) for child in value.children if child.kind == "spread_element" and child.children
    )


RULES_JWT_CLAIMS: tuple[Rule, ...] = (NoExpiry(), AudienceIssuerUnchecked(), SensitiveClaims())
