"""How tokens travel between browser and server, and which sites may ask: CORS, cookies, URLs.

Here: headers, cookies, query strings. Not here: what tokens hold (`js_jwt_claims`), what bodies hold (`js_data`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_tree import FUNCTIONS, LANGUAGES, Call, Node, Script, bare, dotted, function_of, is_test, member_name, script, site
from graders.rules.javascript_values import Options, branches, constant, function_name, is_false, is_true, options, resolved, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

TOKEN = re.compile(r"^(?:access_|auth_|bearer_|id_|refresh_|session_|jwt_|user_)?(?:token|jwt)$|^(?:api_?key|session_?id|session_token)$")
ONE_TIME = re.compile(r"verif(?!y_?(?:token|jwt|auth|access|session|user_?token|bearer))|reset|confirm|invit|unsubscribe|activat|magic|csrf|callback|webhook|download|signed|share|captcha|oauth|email"
                      r"|page_?token|cursor|next_?token|optin|opt_in", re.IGNORECASE)



class TokenInQuery(Rule):
    """A session's token is taken from, or put into, the query string. URLs stand in logs, histories and Referer headers,
    so the token leaks by itself. Take it from the Authorization header or from an httpOnly cookie.
    """

    id = "js-token-in-query"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 598
    languages = LANGUAGES
    BAD = (
        "function auth(req, res, next) {\n  const token = req.headers.authorization?.slice(7) || req.query.token;\n  next();\n}",
        "const { access_token: token } = req.query;\nconst claims = jwt.verify(token, key);",
        "const token = new URL(req.url, BASE).searchParams.get('token');",
        "res.redirect(`${APP}/done?token=${accessToken}`);",
        "const opts = { jwtFromRequest: ExtractJwt.fromUrlQueryParameter('token') };",
    )
    GOOD = (
        "const token = req.headers.authorization?.split(' ')[1];\nconst { page, sort } = req.query;",
        "app.get('/verify-email', async (req, res) => { await confirm(req.query.token); res.end(); });",
        "const list = await api.list({ pageToken: req.query.pageToken });",
        "if (req.query.token) {\n  return res.status(400).json({ error: 'no tokens in URLs' });\n}\nconst token = req.cookies.token;",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        judged: set[int] = set()
        for node, bad in _carriers(read):
            if node.line in judged or bad and (_is_one_time(node) or _is_refused(node)):
                continue
            judged.add(node.line)
            yield site(source, node, "The token travels in the URL." if bad else "")


def _carriers(read: Script) -> Iterator[tuple[Node, bool]]:
    """The places where a token comes in or goes out, and whether that is in a URL."""
    for member in read.kinds("member_expression", "subscript_expression"):
        owner = member.field("object")
        name = words(member_name(member))
        if owner is None:
            continue
        path = read.origin(owner)
        if TOKEN.match(name) and re.fullmatch(r"(?:req|request|ctx|context|c|ctx\.request)\.query", path):
            yield member, True
    for bindings in read.bindings.values():
        for bound in bindings:
            if bound.key is not None and bound.value is not None and TOKEN.match(words(bound.key)):
                if re.fullmatch(r"(?:\w+\.)?(?:req|request|ctx|ctx\.request)\.query", dotted(bound.value)):
                    yield bound.site, True
    for call in read.calls:
        yield from _calls(call)
    for member in read.kinds("member_expression", "subscript_expression"):
        if re.search(r"^(?:req|request|ctx|ctx\.request)\.(?:headers\.authorization|cookies\.\w*(?:token|jwt|session)\w*)$", dotted(member), re.I):
            yield member, False


def _calls(call: Call) -> Iterator[tuple[Node, bool]]:
    first = constant(call.args[0]) if call.args else None
    if call.name in ("get", "query", "queries") and first is not None and TOKEN.match(words(first)):
        if "searchParams" in dotted(call.callee) or re.fullmatch(r"c\.req\.query", call.path):
            yield call.node, True
    elif call.name == "fromUrlQueryParameter":
        yield call.node, True
    elif call.name == "redirect" and call.args and _builds_url(call.args[-1]):
        yield call.node, True
    elif call.name in ("get", "header") and (first or "").lower() == "authorization" or call.name == "fromAuthHeaderAsBearerToken":
        yield call.node, False


def _builds_url(node: Node) -> bool:
    url = resolved(node)
    texts = [n.text for n in url.find("string_fragment", "string")]
    last = re.search(r"[?&#](\w+)=['\"]?$", texts[-1]) if texts and len(url.children) > 1 else None
    parts = [re.search(r"[?&](\w+)=['\"]?$", text) for text in texts]
    return any(part is not None and TOKEN.match(words(part[1])) for part in parts if part is not last or last is None or "#" not in last[0])


def _is_one_time(node: Node) -> bool:
    """Links in mails carry tokens that are good once; the route's or the function's name says so."""
    around = [n for n in node.ancestors() if n.kind in FUNCTIONS]
    return bool(ONE_TIME.search(node.text)) or any(_is_one_time_function(function) for function in around)


def _is_one_time_function(function: Node) -> bool:
    outer = function.parent
    route = constant(outer.children[0]) if outer is not None and outer.kind == "arguments" else None
    return bool(ONE_TIME.search(function_name(function)) or ONE_TIME.search(route or ""))


def _is_refused(node: Node) -> bool:
    """A condition whose consequence is a refusal."""
    for around in node.ancestors():
        if around.kind == "if_statement":
            condition, then = around.field("condition"), around.field("consequence")
            refuses = then is not None and bool(re.search(r"\b4\d\d\b|throw\b", then.text))
            return refuses and condition is not None and node.within(condition)
        if around.kind in FUNCTIONS:
            return False
    return False


class CorsWildcardCredentials(Rule):
    """Any site may send requests with the user's cookies and read the answers. A page that the user merely visits then
    acts in the user's name. Name the origins that may, or leave credentials off.
    """

    id = "js-cors-wildcard-credentials"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 942
    languages = LANGUAGES
    BAD = (
        "app.use(cors({ origin: '*', credentials: true }));",
        "const options = { origin: true, credentials: true };\napp.use(cors(options));",
        "app.use((req, res, next) => {\n  res.setHeader('Access-Control-Allow-Origin', req.headers.origin);\n"
        "  res.setHeader('Access-Control-Allow-Credentials', 'true');\n  next();\n});",
        "app.use(cors({ origin: (origin, cb) => cb(null, true), credentials: true }));",
        "app.use(cors({ origin: process.env.ORIGIN || '*', credentials: true }));",
    )
    GOOD = (
        "app.use(cors({ origin: ['https://app.example'], credentials: true }));",
        "app.use(cors());",
        "app.use(cors({ origin: (o, cb) => cb(ALLOWED.has(o) ? null : new Error('no'), ALLOWED.has(o)), credentials: true }));",
        "app.use((req, res, next) => {\n  if (ALLOWED.includes(req.headers.origin)) {\n    res.setHeader('Access-Control-Allow-Origin', req.headers.origin);\n"
        "    res.setHeader('Access-Control-Allow-Credentials', 'true');\n  }\n  next();\n});",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            if re.fullmatch(r"cors(?:\.default)?|@koa/cors|@fastify/cors|hono/cors\.cors|\w+\.enableCors", call.origin):
                given = options(call.args[0]) if call.args else Options()
                if given is not None and _is_open(given):
                    yield site(source, call.node, "Any origin is let in with credentials.")
                elif given is not None and (given.complete or "origin" in given.keys):
                    yield site(source, call.node)
            elif _header(call) == "access-control-allow-origin" and len(call.args) > 1:
                opened = _any_origin(call.args[1]) and _with_credentials(call)
                yield site(source, call.node, "Any origin is let in with credentials." if opened else "")


def _is_open(given: Options) -> bool:
    credentials, origin = given.keys.get("credentials"), given.keys.get("origin")
    if credentials is None or not is_true(credentials):
        return False
    if origin is None:
        return given.complete
    value = resolved(origin)
    if value.kind in FUNCTIONS or value.kind == "method_definition":
        return _lets_all_in(value)
    ends = branches(value)
    return any(end.kind == "true" or constant(end) == "*" for end in ends)


def _lets_all_in(function: Node) -> bool:
    if any(n.kind in ("if_statement", "ternary_expression", "subscript_expression") for n in function.subtree()):
        return False
    calls = function.script.calls_in(function)
    if any(call.name in ("includes", "has", "test", "some", "indexOf", "find", "endsWith", "match", "get") for call in calls):
        return False
    return any(len(call.args) == 2 and call.args[1].text in ("true", "'*'", "origin") for call in calls)


def _header(call: Call) -> str:
    if call.name not in ("setHeader", "header", "set", "append") or not call.args:
        return ""
    return (constant(call.args[0]) or "").lower()


def _any_origin(node: Node) -> bool:
    """`*`, or whatever the request names, with no look at a list."""
    paths = [node.script.origin(end) or dotted(end) for end in branches(resolved(node))]
    reflected = any(path.endswith(("headers.origin", "header.origin")) for path in paths) or any(
        call.name in ("get", "header") and call.args and (constant(call.args[0]) or "").lower() == "origin"
        for call in node.script.calls_in(resolved(node))
    )
    listed = any(n.name in ("includes", "has", "test", "some", "indexOf", "find") for n in node.script.calls_in(function_of(node)))
    return any(constant(end) == "*" for end in branches(resolved(node))) or reflected and not listed


def _with_credentials(call: Call) -> bool:
    around = call.node.script.calls_in(function_of(call.node))
    return any(_header(other) == "access-control-allow-credentials" and other.args[-1].text.strip("'\"") == "true" for other in around)


SESSION_COOKIE = re.compile(r"(?:^|_)(?:token|jwt|session|sid|sess|auth|access|refresh|remember(?:_me)?|connect_sid)(?:_|$)")
READABLE_COOKIE = re.compile(r"csrf|xsrf|theme|lang|consent|logged_in|has_session")


class InsecureCookie(Rule):
    """A session's cookie is set without `httpOnly` or `secure`. Any script on the page can read it, or it travels in the
    clear. Set both, and `sameSite` as well.
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
        "const base = { httpOnly: true, secure: process.env.NODE_ENV === 'production' };\nres.cookie('refresh_token', t, { ...base, path: '/auth' });",
        "res.cookie('theme', 'dark');\nres.cookie('XSRF-TOKEN', csrf);\nres.clearCookie('token');\nres.cookie('token', '', { maxAge: 0 });",
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
    sets = call.name in ("cookie", "setCookie") or call.name == "set" and re.search(r"[cC]ookies?(?:\(\))?\.set$", call.path)
    if (sets or call.path in ("cookie.serialize",)) and len(call.args) > 1:
        known = 3 if call.origin == "hono/cookie.setCookie" else 2
        name, value = call.args[known - 2], call.args[known - 1] if len(call.args) >= known else call.args[-1]
        if not _is_session_cookie(name, value):
            return
        given = options(call.args[known]) if len(call.args) > known else Options()
        if given is not None:
            yield from ((call.node, missing) for missing in [_missing(given)] if missing is not None)
    elif _header(call) == "set-cookie" and len(call.args) > 1:
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
        if match is None or not SESSION_COOKIE.search(words(match[1])) or READABLE_COOKIE.search(words(match[1])) or match[2] == ";":
            continue
        lacking = [flag for flag, sign in (("httpOnly", "httponly"), ("secure", "secure")) if sign not in text.lower()]
        yield item, " and ".join(lacking if "${" not in text.split(";", 1)[-1] or "httpOnly" in lacking else [])


RULES_WEB: tuple[Rule, ...] = (TokenInQuery(), CorsWildcardCredentials(), InsecureCookie())
