"""How tokens travel between browser and server, and which sites may ask: CORS, cookies, URLs.

Here: headers, cookies, query strings. Not here: what tokens hold (`js_jwt_claims`), what bodies hold (`js_data`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import FUNCTIONS, LANGUAGES, Call, Node, dotted, function_of, member_name
from graders.rules.javascript_options import Options, branches, options, resolved
from graders.rules.javascript_replies import header_set
from graders.rules.javascript_tree import Script, is_test, script, site
from graders.rules.javascript_values import constant, function_name, is_true, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

TOKEN = re.compile(
    r"^(?:access_|auth_|bearer_|id_|refresh_|session_|jwt_|user_)?(?:token|jwt)$|^(?:api_?key"
    r"|session_?id|session_token)$"
)
QUERY = re.compile(r"(?:\w+\.)?(?:req|request|ctx|context|c|ctx\.request)\.query")
PROPER = re.compile(
    r"^(?:req|request|ctx|ctx\.request)\.(?:headers\.authorization|cookies\.\w*(?:token|jwt|session)\w*)$",
    re.IGNORECASE,
)
ONE_TIME = re.compile(
    r"verif(?!y_?(?:token|jwt|auth|access|session|user_?token|bearer))|reset|confirm|invit|unsubscribe"
    r"|activat|magic|csrf|callback|webhook|download|signed|share|captcha|oauth|email"
    r"|page_?token|cursor|next_?token|optin|opt_in",
    re.IGNORECASE,
)


class TokenInQuery(Rule):
    """A session's token is taken from, or put into, the query string. URLs stand in logs, histories and Referer
    headers, so the token leaks by itself. Take it from the Authorization header or from an httpOnly cookie.
    """

    id = "js-token-in-query"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 598
    languages = LANGUAGES
    BAD = (
        (
            "function auth(req, res, next) {\n"
            "  const token = req.headers.authorization?.slice(7) || req.query.token;\n  next();\n}"
        ),
        "const { access_token: token } = req.query;\nconst claims = jwt.verify(token, key);",
        "const token = new URL(req.url, BASE).searchParams.get('token');",
        "res.redirect(`${APP}/done?token=${accessToken}`);",
        "const opts = { jwtFromRequest: ExtractJwt.fromUrlQueryParameter('token') };",
    )
    GOOD = (
        "const token = req.headers.authorization?.split(' ')[1];\nconst { page, sort } = req.query;",
        "app.get('/verify-email', async (req, res) => { await confirm(req.query.token); res.end(); });",
        "const list = await api.list({ pageToken: req.query.pageToken });",
        (
            "if (req.query.token) {\n  return res.status(400).json({ error: 'no tokens in URLs' });\n}\n"
            "const token = req.cookies.token;"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        judged: set[int] = set()
        for node, bad in _carriers(read):
            if node.line in judged or (bad and (_is_one_time(node) or _is_refused(node))):
                continue
            judged.add(node.line)
            yield site(source, node, "The token travels in the URL." if bad else "")


def _carriers(read: Script) -> Iterator[tuple[Node, bool]]:
    """The places where a token comes in or goes out, and whether that is in a URL."""
    members = read.kinds("member_expression", "subscript_expression")
    for member in members:
        owner = member.field("object")
        if owner is not None and TOKEN.match(words(member_name(member))) and QUERY.fullmatch(read.origin(owner)):
            yield member, True
    for bound in (each for group in read.bindings.values() for each in group):
        taken = bound.key is not None and bound.value is not None and TOKEN.match(words(bound.key))
        if taken and bound.value is not None and QUERY.fullmatch(dotted(bound.value)):
            yield bound.site, True
    for call in read.calls:
        yield from _calls(call)
    for member in members:
        if PROPER.search(dotted(member)):
            yield member, False


def _calls(call: Call) -> Iterator[tuple[Node, bool]]:
    first = constant(call.args[0]) if call.args else None
    if call.name in ("get", "query", "queries") and first is not None and TOKEN.match(words(first)):
        if "searchParams" in dotted(call.callee) or re.fullmatch(r"c\.req\.query", call.path):
            yield call.node, True
    elif call.name == "fromUrlQueryParameter" or (call.name == "redirect" and call.args and _builds_url(call.args[-1])):
        yield call.node, True
    elif (
        call.name in ("get", "header") and (first or "").lower() == "authorization"
    ) or call.name == "fromAuthHeaderAsBearerToken":
        yield call.node, False


def _builds_url(node: Node) -> bool:
    url = resolved(node)
    texts = [n.text for n in url.find("string_fragment", "string")]
    last = re.search(r"[?&#](\w+)=['\"]?$", texts[-1]) if texts and len(url.children) > 1 else None
    parts = [re.search(r"[?&](\w+)=['\"]?$", text) for text in texts]
    return any(
        part is not None and TOKEN.match(words(part[1]))
        for part in parts
        if part is not last or last is None or "#" not in last[0]
    )


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
        (
            "app.use((req, res, next) => {\n  res.setHeader('Access-Control-Allow-Origin', req.headers.origin);\n"
            "  res.setHeader('Access-Control-Allow-Credentials', 'true');\n  next();\n});"
        ),
        "app.use(cors({ origin: (origin, cb) => cb(null, true), credentials: true }));",
        "app.use(cors({ origin: process.env.ORIGIN || '*', credentials: true }));",
    )
    GOOD = (
        "app.use(cors({ origin: ['https://app.example'], credentials: true }));",
        "app.use(cors());",
        (
            "app.use(cors({ origin: (o, cb) => cb(ALLOWED.has(o) ? null : new Error('no'), ALLOWED.has(o)), "
            "credentials: true }));"
        ),
        (
            "app.use((req, res, next) => {\n  if (ALLOWED.includes(req.headers.origin)) {\n"
            "    res.setHeader('Access-Control-Allow-Origin', req.headers.origin);\n"
            "    res.setHeader('Access-Control-Allow-Credentials', 'true');\n  }\n  next();\n});"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            if re.fullmatch(r"cors(?:\.default)?|@koa/cors|@fastify/cors|hono/cors\.cors|\w+\.enableCors", call.origin):
                given = options(call.args[0]) if call.args else Options()
                if given is not None and _is_open(given):
                    yield site(source, call.node, "Any origin is let in with credentials.")
                elif given is not None and (given.complete or "origin" in given.keys):
                    yield site(source, call.node)
            elif header_set(call) == "access-control-allow-origin" and len(call.args) > 1:
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
    if any(
        call.name in ("includes", "has", "test", "some", "indexOf", "find", "endsWith", "match", "get")
        for call in calls
    ):
        return False
    return any(len(call.args) == 2 and call.args[1].text in ("true", "'*'", "origin") for call in calls)


def _any_origin(node: Node) -> bool:
    """`*`, or whatever the request names, with no look at a list."""
    paths = [node.script.origin(end) or dotted(end) for end in branches(resolved(node))]
    reflected = any(path.endswith(("headers.origin", "header.origin")) for path in paths) or any(
        call.name in ("get", "header") and call.args and (constant(call.args[0]) or "").lower() == "origin"
        for call in node.script.calls_in(resolved(node))
    )
    listed = any(
        n.name in ("includes", "has", "test", "some", "indexOf", "find")
        for n in node.script.calls_in(function_of(node))
    )
    return any(constant(end) == "*" for end in branches(resolved(node))) or (reflected and not listed)


def _with_credentials(call: Call) -> bool:
    around = call.node.script.calls_in(function_of(call.node))
    return any(
        header_set(other) == "access-control-allow-credentials" and other.args[-1].text.strip("'\"") == "true"
        for other in around
    )


RULES_WEB: tuple[Rule, ...] = (TokenInQuery(), CorsWildcardCredentials())
