"""JSON Web Tokens on their way in: what counts as proof that a token is genuine.

Here: decoding, verifying, algorithms, expiry of what is accepted. Not here: what is put into tokens (`js_jwt_claims`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_jwt import decodings, is_verification, verifications
from graders.rules.javascript_node import LANGUAGES, Binding, Call, Node, bare, member_name
from graders.rules.javascript_tree import Script, is_test, script, site
from graders.rules.javascript_values import calls_near, constant, flows, is_false, is_true, strings
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

UNPROVEN = frozenset({"exp", "iat", "nbf", "jti", "header", "kid", "alg", "typ", "expiresAt"})
"""What may be read of a token before it is verified: nothing of it says who the caller is."""


class DecodeAsVerify(Rule):
    """A token is only decoded and its claims are believed. Anyone can write such a token, so anyone can be any user.
    Verify the signature with the key and the expected algorithm, and use what the verification returns.
    """

    id = "js-jwt-decode-as-verify"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 345
    languages = LANGUAGES
    BAD = (
        (
            "const jwt = require('jsonwebtoken');\nfunction auth(req, res, next) {\n"
            "  const claims = jwt.decode(req.headers.authorization.slice(7));\n  req.user = claims;\n  next();\n}"
        ),
        "import { decodeJwt } from 'jose';\nexport const who = (token: string) => decodeJwt(token).sub;",
        (
            "function user(token) {\n  const [, body] = token.split('.');\n"
            "  return JSON.parse(Buffer.from(body, 'base64url').toString());\n}"
        ),
        "const me = JSON.parse(atob(token.split('.')[1]));\nif (me.role !== 'admin') throw new Error('no');",
    )
    GOOD = (
        (
            "const jwt = require('jsonwebtoken');\nfunction auth(token) {\n"
            "  const { header } = jwt.decode(token, { complete: true });\n"
            "  return jwt.verify(token, keyFor(header.kid), { algorithms: ['RS256'] });\n}"
        ),
        "import jwt from 'jsonwebtoken';\nconst claims = jwt.verify(token, key, { algorithms: ['HS256'] });",
        "const cursor = JSON.parse(Buffer.from(req.query.cursor, 'base64').toString());",
        "async function revoke(token) {\n  const { exp, jti } = jwt.decode(token);\n  await deny.set(jti, 1, exp);\n}",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for found in verifications(read):
            yield site(source, found.call.node)
        for call in decodings(read):
            if _believed(call):
                yield site(source, call.node, f"{call.path} reads the token without checking its signature.")
        for call in read.calls:
            if call.path == "JSON.parse" and call.args and _token_part(call.args[0]) and _believed(call):
                yield site(
                    source, call.node, "A part of the token is parsed and believed without checking its signature."
                )


def _believed(call: Call) -> bool:
    """Whether claims of identity are taken from the result, with no verification in the same function."""
    if any(
        is_verification(other) or other.name in ("createHmac", "verifySignature") for other in calls_near(call.node)
    ):
        return False
    used = _used(call)
    return not used or not used <= UNPROVEN


def _used(call: Call) -> set[str]:
    """The properties that are read of a call's result; empty when it is handed on whole."""
    top = call.node
    while top.parent is not None and (bare(top.parent) is call.node or top.parent.text == top.text):
        top = top.parent
    parent = top.parent
    if parent is None:
        return set()
    if parent.kind == "member_expression":
        return {_deep_name(parent)}
    if parent.kind in ("ternary_expression", "binary_expression"):
        parent = next(
            (n for n in parent.ancestors() if n.kind not in ("ternary_expression", "binary_expression")), parent
        )
    if parent.kind != "variable_declarator":
        return set()
    bound = [b for group in call.node.script.bindings.values() for b in group if b.site is parent]
    keys = {(b.key or "").split(".")[0] for b in bound if b.key is not None}
    return keys or {name for b in bound for name in _members(call.node.script, b)}


def _members(read: Script, bound: Binding) -> Iterator[str]:
    """Each property read of a name; an empty one where the name is used as a whole and not merely tested."""
    for node in read.kinds("identifier", "shorthand_property_identifier"):
        if node.text != bound.name or node.within(bound.site) or read.binding(node) is not bound or node.parent is None:
            continue
        parent = node.parent
        tested = parent.kind == "ternary_expression" and parent.field("condition") is node
        if tested or parent.kind in ("unary_expression", "parenthesized_expression", "binary_expression"):
            continue
        yield _deep_name(parent) if parent.kind in ("member_expression", "subscript_expression") else ""


def _deep_name(member: Node) -> str:
    """`exp` for `decoded.exp` and for `decoded.payload.exp`."""
    name, parent = member_name(member), member.parent
    if name == "payload" and parent is not None and parent.kind == "member_expression":
        return member_name(parent)
    return name


def _token_part(node: Node) -> bool:
    """Whether an expression decodes base64 of a piece of a text that was split at its dots, other than the first."""
    inside = list(flows(node))
    calls = [call for n in inside if n.kind == "call_expression" and (call := n.script.call(n)) is not None]
    if not any(c.path in ("Buffer.from", "atob", "base64url.decode", "base64url") or c.name == "decode" for c in calls):
        return False
    splits = [c for c in calls if c.name == "split" and c.args and constant(c.args[0]) == "."]
    picked = [n for n in inside if n.kind == "subscript_expression"]
    names = [
        b.key
        for n in inside
        if n.kind == "identifier" and (b := n.script.binding(n)) is not None and b.key in ("0", "1")
    ]
    return bool(splits) and not (picked and all(map(_first_part, picked))) and names != ["0"]


def _first_part(node: Node) -> bool:
    index = node.field("index")
    return index is not None and index.text == "0"


class AlgorithmUnpinned(Rule):
    """A token is verified with whatever algorithm its own header names. A key meant for one algorithm can then be
    abused under another, and a library's default list may widen later. Name the one algorithm that the issuer uses.
    """

    id = "js-jwt-algorithm-unpinned"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 347
    languages = LANGUAGES
    BAD = (
        "const jwt = require('jsonwebtoken');\nconst claims = jwt.verify(token, process.env.JWT_SECRET);",
        (
            "import { jwtVerify } from 'jose';\nconst opts = { issuer: 'a', audience: 'b' };\n"
            "const { payload } = await jwtVerify(t, key, opts);"
        ),
        (
            "import jwt from 'jsonwebtoken';\n"
            "jwt.verify(token, key, (err, user) => { if (err) return next(err); next(); });"
        ),
        (
            "const { promisify } = require('util');\nconst jwt = require('jsonwebtoken');\n"
            "const c = await promisify(jwt.verify)(t, SECRET);"
        ),
    )
    GOOD = (
        (
            "const jwt = require('jsonwebtoken');\nconst OPTS = { algorithms: ['HS256'], issuer: 'me' };\n"
            "jwt.verify(t, key, OPTS);"
        ),
        "import { jwtVerify } from 'jose';\nawait jwtVerify(t, jwks, { ...base(), algorithms: ['RS256'] });",
        "const check = (token, opts) => jwt.verify(token, key, opts);",
        "import crypto from 'crypto';\nconst ok = crypto.verify('sha256', data, key, signature);",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for found in verifications(script(source)):
            if found.options is None or is_test(source):
                continue
            if "algorithms" in found.options.keys and found.options.keys["algorithms"].text != "undefined":
                yield site(source, found.call.node)
            elif found.options.complete:
                yield site(source, found.call.node, "The token is verified without naming the accepted algorithms.")


class NoneAlgorithm(Rule):
    """The algorithm `none` is accepted or used, so a token needs no signature at all. Anyone can write such a token.
    Accept only the algorithm of the real key.
    """

    id = "js-jwt-none-algorithm"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 347
    languages = LANGUAGES
    BAD = (
        "jwt.verify(token, key, { algorithms: ['HS256', 'none'] });",
        "const token = jwt.sign({ sub: id }, null, { algorithm: 'none' });",
        "const ALGS = ['none', 'RS256'];\nawait jwtVerify(t, key, { algorithms: ALGS });",
        "import { UnsecuredJWT } from 'jose';\nconst { payload } = UnsecuredJWT.decode(token);",
    )
    GOOD = (
        "jwt.verify(token, key, { algorithms: ['HS256'] });",
        "if (header.alg.toLowerCase() === 'none') throw new Error('unsigned token');",
        "await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).sign(key);",
        "const style = { display: 'none', algorithm: 'aes-256-gcm' };",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for pair in read.kinds("pair"):
            key, value = pair.field("key"), pair.field("value")
            if key is None or value is None or key.text.strip("'\"") not in ("algorithms", "algorithm", "alg"):
                continue
            named = strings(value)
            if any(name.lower() == "none" for name in named):
                yield site(source, pair, "The algorithm `none` stands for no signature at all.")
            elif any(re.fullmatch(r"(?:[HRPE]S\d{3}|EdDSA|ES256K)", name) for name in named):
                yield site(source, pair)
        for call in read.calls:
            if re.search(r"(^|[ .])UnsecuredJWT(\.decode)?$", call.origin):
                yield site(source, call.node, "An unsecured token has no signature.")


class IgnoreExpiration(Rule):
    """Tokens are accepted after they have expired. A stolen token is then good for ever. Leave the check of expiry on,
    and let clients renew with a refresh token.
    """

    id = "js-jwt-ignore-expiration"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 613
    languages = LANGUAGES
    BAD = (
        "jwt.verify(token, key, { algorithms: ['HS256'], ignoreExpiration: true });",
        (
            "const options = { jwtFromRequest: fromHeader, secretOrKey: key, ignoreExpiration: true };\n"
            "passport.use(new JwtStrategy(options, verify));"
        ),
    )
    GOOD = (
        "jwt.verify(token, key, { algorithms: ['HS256'] });",
        "super({ jwtFromRequest: bearer, ignoreExpiration: false, secretOrKey: key });",
        "// ignoreExpiration: true would be wrong here\njwt.verify(token, key, { algorithms: ['HS256'] });",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        for pair in read.kinds("pair"):
            key, value = pair.field("key"), pair.field("value")
            if key is None or value is None or key.text.strip("'\"") != "ignoreExpiration":
                continue
            if is_true(value):
                yield site(source, pair, "Expired tokens are accepted.")
            elif is_false(value):
                yield site(source, pair)
        for found in verifications(read):
            flag = found.options.keys.get("ignoreExpiration") if found.options is not None else None
            if flag is None and found.options is not None and found.options.complete:
                yield site(source, found.call.node)


RULES_JWT: tuple[Rule, ...] = (DecodeAsVerify(), AlgorithmUnpinned(), NoneAlgorithm(), IgnoreExpiration())
