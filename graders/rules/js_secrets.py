"""Secrets that stand in the source: literals, fallbacks of environment variables, connection strings.

Here: where a secret is written down. Not here: how secrets are compared or hashed (`js_crypto`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_jwt import SIGN, VERIFY
from graders.rules.javascript_node import DEPTH, LANGUAGES, Call, Node, bare, dotted, member_name
from graders.rules.javascript_options import resolved
from graders.rules.javascript_tree import Script, is_test, script, site
from graders.rules.javascript_values import constant, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

STRONG = re.compile(
    r"(?:^|_)(?:secrets?|passphrase|pepper|(?:api|private|access|signing|encryption|jwt|auth|master|hmac|aes|cipher"
    r"|session|cookie|secret|webhook|license|app|service|token|server)_?key|secret_or_key|secret_or_private_key"
    r"|secret_or_public_key|client_secret)(?:_(?:value|base64|hex|default|fallback|dev|v?\d+))?$"
)
WEAK = re.compile(
    r"(?:^|_)(?:password|passwd|pwd|pass|passcode|(?:auth|access|bearer|api|refresh|bot|admin|service|session)_?token)"
    r"(?:_(?:value|default|fallback))?$"
)
NOT_SECRET = re.compile(
    r"(?:public|publishable|_(?:name|id|field|header|type|regex|pattern|label|length|ttl|url|uri|path|prefix))"
    r"(?:_|$)|idempotency"
)
KNOWN_SHAPES = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{30,}|(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}|xox[abpr]-[0-9A-Za-z-]{20,}"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\\?\s*\S|AIza[0-9A-Za-z_-]{35}|SG\.[\w-]{20,}\.[\w-]{20,}"
    r"|whsec_[0-9A-Za-z]{16,}"
)
DSN = re.compile(r"^[a-z][a-z0-9+]*://[^\s:/@]*:([^\s@/]+)@")
PLACEHOLDER = re.compile(
    r"^(?:[*x.•_-]+|<.*>|\[.*\]|\$?\{.*\}|%.*%|(?:PASS(?:WORD)?|USER|SECRET)|redacted|hidden|string|text|required"
    r"|undefined|null|none|true|false|hidden|invalid|missing|unauthorized|forbidden)$",
    re.IGNORECASE,
)
MAC_CALLS = frozenset({"createHmac", "createSecretKey", "cookieParser"})
WRAPPING = frozenset({"encode", "from", "createSecretKey", "importKey", "base64url", "decode"})
READERS = re.compile(
    r"^(?:env|get_?env\w*|required?_?\w*env\w*|must_env|read_env|config_get|configservice_get\w*|getorthrow|get"
    r"|optional_env|env_var|from_env)$"
)
LITERAL_MESSAGE = "A secret is written in the source."
FALLBACK_MESSAGE = "When the variable is missing, a secret from the source is used in its place."


class HardcodedSecret(Rule):
    """A key, password or connection string is written in the source, or stands there as the fallback of an environment
    variable. Everyone who reads the repository has it, and it cannot be changed without a release. Read it from the
    environment or a secret store, and refuse to start when it is missing.
    """

    id = "js-hardcoded-secret"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 798
    languages = LANGUAGES
    BAD = (
        "const JWT_SECRET = 'super-secret-key';\nconst token = jwt.sign({ sub }, JWT_SECRET, { expiresIn: '1h' });",
        "const secret = process.env.JWT_SECRET || 'dev-secret';",
        "const { JWT_SECRET = 'changeme' } = process.env;",
        "const key = new TextEncoder().encode(process.env.JWT_KEY ?? 'local-only');",
        "jwt.verify(token, 'shhhhh', { algorithms: ['HS256'] });",
        "const pool = new Pool({ connectionString: 'postgres://app:s3cret@db:5432/app' });",
        "const pool = new Pool({ user: 'app', host: 'db', password: 'hunter2' });",
        "app.use(session({ secret: 'keyboard cat', resave: false }));",
        "const env = z.object({ JWT_SECRET: z.string().default('insecure-default') }).parse(process.env);",
    )
    GOOD = (
        "const JWT_SECRET = process.env.JWT_SECRET;\nif (!JWT_SECRET) throw new Error('JWT_SECRET is required');",
        (
            "const TOKEN_TYPE = 'bearer';\nconst PASSWORD_RESET_URL = '/password/reset';\n"
            "const apiKeyHeader = 'x-api-key';"
        ),
        "const messages = { password: 'Password is required', token: 'token.invalid' };",
        (
            "const secret = requireEnv('JWT_SECRET');\n"
            "const url = process.env.DATABASE_URL ?? 'postgres://localhost:5432/app';"
        ),
        "const dsn = `postgres://${user}:${password}@${host}/app`;",
        (
            "describe('auth', () => {\n  const JWT_SECRET = 'test-secret';\n"
            "  it('works', () => { sign(JWT_SECRET); });\n});"
        ),
        (
            "const log = pino({ redact: { paths: ['password'], censor: '[REDACTED]' } });\n"
            "const masked = { password: '***' };"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source) or (source.file or "").endswith((".example", ".sample")):
            return
        worst: dict[int, tuple[Node, str]] = {}
        for node, message in _judged(read):
            if message or node.line not in worst:
                worst[node.line] = (node, message)
        for node, message in worst.values():
            yield site(source, node, message)


def _judged(read: Script) -> Iterator[tuple[Node, str]]:
    yield from _named_values(read)
    yield from _fallbacks(read)
    yield from _arguments(read)
    for node in read.kinds("string", "template_string"):
        if KNOWN_SHAPES.search(node.text) or _has_dsn_password(node):
            yield node, LITERAL_MESSAGE
    for node in read.kinds("member_expression"):
        if dotted(node).startswith(("process.env.", "config.", "env.")) and _is_secret_name(member_name(node)):
            yield node, ""


def _named_values(read: Script) -> Iterator[tuple[Node, str]]:
    """Literals given to a variable, property or field whose name says that it is a secret."""
    for node in read.kinds(
        "variable_declarator",
        "pair",
        "public_field_definition",
        "field_definition",
        "assignment_expression",
        "assignment_pattern",
        "object_assignment_pattern",
        "required_parameter",
        "optional_parameter",
    ):
        name = (
            node.field("name")
            or node.field("key")
            or node.field("property")
            or node.field("left")
            or node.field("pattern")
        )
        value = node.field("value") or node.field("right")
        if name is None or value is None or name.kind == "computed_property_name":
            continue
        text = _literal(value)
        plain = dotted(name).rsplit(".", 1)[-1] if name.kind == "member_expression" else name.text.strip("'\"")
        labels = node.kind == "pair" and plain.isupper() and text is not None and words(text) in words(plain)
        if text is not None and not labels and _is_secret(plain, text):
            yield node, LITERAL_MESSAGE


def _literal(node: Node, depth: int = DEPTH) -> str | None:
    """A literal, also when it is turned into bytes or a key on the spot."""
    value = bare(node)
    if value.kind in ("string", "template_string"):
        return constant(value)
    call = value.script.call(value) if value.kind == "call_expression" else None
    if call is not None and call.args and call.name in WRAPPING and depth > 0:
        return _literal(call.args[0], depth - 1)
    return None


def _fallbacks(read: Script) -> Iterator[tuple[Node, str]]:
    """Literals that stand in for a missing environment variable."""
    for node in read.kinds("binary_expression"):
        left, right = node.field("left"), node.field("right")
        if node.token("operator") not in ("||", "??") or left is None or right is None:
            continue
        text = _literal(right)
        if text is not None and text.strip() and not PLACEHOLDER.match(text) and _is_secret_name(_variable(left)):
            yield node, FALLBACK_MESSAGE
    for call in read.calls:
        text = constant(call.args[-1]) if call.args else None
        if text is None or not text.strip():
            continue
        if call.name == "default" and _describes_secret(call):
            yield call.node, FALLBACK_MESSAGE
        elif _reads_variable(call):
            yield call.node, FALLBACK_MESSAGE if len(call.args) > 1 else ""


def _describes_secret(call: Call) -> bool:
    """A default in a schema's entry for a secret: `JWT_SECRET: z.string().default('x')`."""
    stops = ("pair", "variable_declarator", "statement_block")
    entry = next((n for n in call.node.ancestors() if n.kind in stops), None)
    name = entry.children[0].text.strip("'\"") if entry is not None and entry.children else ""
    return call.receiver is not None and _is_secret_name(name)


def _variable(node: Node) -> str:
    """The name on the left of a fallback: `process.env.JWT_SECRET`, `config.jwtSecret`, `process.env['X']`."""
    node = bare(node)
    if node.kind in ("member_expression", "subscript_expression"):
        return member_name(node)
    if node.kind == "call_expression":
        call = node.script.call(node)
        return (constant(call.args[0]) or "") if call is not None and call.args else ""
    return node.text if node.kind == "identifier" else ""


def _reads_variable(call: Call) -> bool:
    name = constant(call.args[0])
    return name is not None and _is_secret_name(name) and bool(READERS.match(words(call.name)))


def _arguments(read: Script) -> Iterator[tuple[Node, str]]:
    """Literals given to a call where its key belongs."""
    for call in read.calls:
        key: Node | None = None
        if (SIGN.match(call.origin) or VERIFY.match(call.origin) or call.name == "createHmac") and len(call.args) > 1:
            key = call.args[1]
        elif call.name in MAC_CALLS and call.args and call.name != "createHmac":
            key = call.args[0]
        if key is None:
            continue
        value = resolved(key)
        text = _literal(value)
        if text is not None and text.strip() and not (call.name == "createHmac" and value.kind != "string"):
            yield value, LITERAL_MESSAGE


def _has_dsn_password(node: Node) -> bool:
    text = constant(node)
    if text is None:
        return False
    match = DSN.match(text)
    return match is not None and not PLACEHOLDER.match(match[1])


def _is_secret_name(name: str) -> bool:
    plain = words(name)
    return bool(STRONG.search(plain) or WEAK.search(plain)) and not NOT_SECRET.search(plain)


def _is_secret(name: str, text: str) -> bool:
    """Whether a literal under this name is a secret, rather than a label, a message or the name of one."""
    plain = words(name)
    if not text.strip() or NOT_SECRET.search(plain) or PLACEHOLDER.match(text) or len(text) < 4:
        return False
    if re.fullmatch(
        (
            r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|x-[a-z-]+|[a-z]+(?:[.:][a-z_]+)+|/\S*|https?://\S*|arn:\S+"
            r"|projects/\S+|\w+\|.*"
        ),
        text,
    ):
        return False
    if STRONG.search(plain):
        return text.count(" ") < 3 and not re.match(
            r"(?:invalid|missing|wrong|please|the|your .* is|enter)\b", text, re.IGNORECASE
        )
    return bool(WEAK.search(plain)) and " " not in text and words(text) != plain and not _is_label(text)


def _is_label(text: str) -> bool:
    """A plain word that names a token or password rather than being one."""
    return (
        bool(
            re.fullmatch(
                r"(?:access|refresh|reset|auth|id|bearer|session|new|old|current|user|confirm)?[_-]?(?:token"
                r"|password|jwt|bearer"
                r"|session|pwd|sid)|bearer|cookie|local|jwt|basic|oauth2?",
                text,
                re.IGNORECASE,
            )
        )
        and text.lower() != "password"
    )


RULES_SECRETS: tuple[Rule, ...] = (HardcodedSecret(),)
