"""Cookies that hold sessions.

Here: the flags that keep them from scripts and from the open wire. Not here: tokens in URLs, CORS (`js_web`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import LANGUAGES, Call, Node, bare, dotted
from graders.rules.javascript_options import Options, options, resolved
from graders.rules.javascript_replies import header_set
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.javascript_values import constant, is_false, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

SESSION_COOKIE = re.compile(
    r"(?:^|_)(?:token|jwt|session|sid|sess|auth|access|refresh|remember(?:_me)?|connect_sid)(?:_|$)"
)
READABLE_COOKIE = re.compile(r"csrf|xsrf|theme|lang|consent|logged_in|has_session")


class InsecureCookie(Rule):
    """A session's cookie is set without `httpOnly` or `secure`. Any script on the page can read it, or it travels in
    the clear. Set both, and `sameSite` as well.
    """

    id = "js-insecure-cookie"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 1004
    languages = LANGUAGES
    BAD = (
        "res.cookie('token', token);",
        "res.cookie('refreshToken', refresh, { maxAge: 7 * DAY, sameSite: 'lax' });",
        "const OPTS = { httpOnly: true, secure: false };\nres.cookie('session', id, OPTS);",
        "res.setHeader('Set-Cookie', `token=${token}; Path=/`);",
        "app.use(session({ secret: key, cookie: { httpOnly: false, secure: true } }));",
    )
    GOOD = (
        "res.cookie('token', token, { httpOnly: true, secure: true, sameSite: 'strict' });",
        (
            "const base = { httpOnly: true, secure: process.env.NODE_ENV === 'production' };\n"
            "res.cookie('refresh_token', t, { ...base, path: '/auth' });"
        ),
        (
            "res.cookie('theme', 'dark');\nres.cookie('XSRF-TOKEN', csrf);\nres.clearCookie('token');\n"
            "res.cookie('token', '', { maxAge: 0 });"
        ),
        "res.cookie('token', token, cookieOptions());",
    )

    def check(self, source: Source) -> Iterator[Site]:
        if is_test(source):
            return
        for call in script(source).calls:
            for where, missing in _cookie(call):
                yield site(source, where, f"The session's cookie lacks {missing}." if missing else "")


def _cookie(call: Call) -> Iterator[tuple[Node, str]]:
    """The session cookies that a call sets, and what they lack."""
    sets = call.name in ("cookie", "setCookie") or (
        call.name == "set" and re.search(r"[cC]ookies?(?:\(\))?\.set$", call.path)
    )
    if (sets or call.path == "cookie.serialize") and len(call.args) > 1:
        known = 3 if call.origin == "hono/cookie.setCookie" else 2
        name, value = call.args[known - 2], call.args[known - 1] if len(call.args) >= known else call.args[-1]
        if not _is_session_cookie(name, value):
            return
        given = options(call.args[known]) if len(call.args) > known else Options()
        if given is not None:
            yield from ((call.node, missing) for missing in [_missing(given)] if missing is not None)
    elif header_set(call) == "set-cookie" and len(call.args) > 1:
        yield from _written(call)
    elif re.fullmatch(r"express-session|session|cookieSession|cookie-session", call.origin) and call.args:
        given = options(call.args[0])
        cookie = options(given.keys.get("cookie")) if given is not None else None
        if cookie is not None:
            off = [flag for flag in ("httpOnly", "secure") if is_false(cookie.keys.get(flag))]
            yield call.node, " and ".join(off)


def _is_session_cookie(name: Node, value: Node) -> bool:
    text = words(constant(name) or dotted(name))
    if constant(value) == "" or READABLE_COOKIE.search(text):
        return False
    return bool(SESSION_COOKIE.search(text))


def _missing(given: Options) -> str | None:
    """The flags that are off or absent; None where it cannot be told."""
    lacking = []
    for flag in ("httpOnly", "secure"):
        value = given.keys.get(flag)
        if value is None and not given.complete:
            return None
        if value is None or is_false(value):
            lacking.append(flag)
    return " and ".join(lacking)


def _written(call: Call) -> Iterator[tuple[Node, str]]:
    value = resolved(call.args[1])
    for item in value.children if value.kind == "array" else [value]:
        text = bare(item).text if bare(item).kind in ("string", "template_string") else ""
        match = re.match(r"['\"`](\w[\w.-]*)=(.?)", text)
        if (
            match is None
            or not SESSION_COOKIE.search(words(match[1]))
            or READABLE_COOKIE.search(words(match[1]))
            or match[2] == ";"
        ):
            continue
        lacking = [flag for flag, sign in (("httpOnly", "httponly"), ("secure", "secure")) if sign not in text.lower()]
        yield item, " and ".join(lacking if "${" not in text.split(";", 1)[-1] or "httpOnly" in lacking else [])


RULES_COOKIES: tuple[Rule, ...] = (InsecureCookie(),)
