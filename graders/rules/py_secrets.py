"""Secrets in the source.

Here: passwords, keys and tokens as literals. Not here: logs (`py_secret_logs`), how they are hashed or drawn (`py_crypto`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.py_secret_logs import SecretInLog
from graders.rules.python_nodes import Function, identifier, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Module
from graders.rules.python_words import names_secret, snake
from graders.rules.rule import Rule, Severity

DSN = re.compile(r"^[a-z][a-z0-9+.-]*://[^\s:/@{}<>$%]*:(?P<password>[^\s@/{}<>$%*]+)@[^\s/]+", re.IGNORECASE)
KNOWN = re.compile(
    r"^(?:AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|(?:sk|rk)_(?:live|test)_[0-9a-zA-Z]{10,}|gh[pousr]_\w{30,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{35}|"
    r"sk-(?:proj-|ant-)?[\w-]{24,}|rzp_live_\w{10,}|whsec_[0-9a-zA-Z]{16,}|glpat-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})$|-----BEGIN (?:\w+ )*PRIVATE KEY-----\s*\n?\s*[A-Za-z0-9+/]{20}"
)
TYPOGRAPHIC = re.compile(
    r"^[\W_]*$|^<.*>$|\$\{|\{\{|^\{.*\}$|^x{3,}|xxxx|\.\.\.|…|\*{3}|^redacted$|^replace[-_ ]?(?:me|this)|^todo|^none$|^null$|^n/?a$|"
    r"^(?:true|false)$|^env:|^vault:|^arn:|^projects/",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(
    r"(?i)your|example|placeholder|insert|dummy|fake|changeme|change[-_ ]me|foo|test|demo|sample|mock|put[-_ ]"
)
KIND = frozenset(
    {
        "string",
        "str",
        "required",
        "write_only",
        "text",
        "hidden",
        "bearer",
        "basic",
        "optional",
        "missing",
        "invalid",
        "integer",
        "boolean",
        "refresh",
        "access",
        "jwt",
        "header",
        "cookie",
        "authorization",
        "oauth2",
        "reset",
        "default",
        "password_hash",
    }
)
"""What stands beside a secret's name when its kind is told, not its value."""
OTHER = re.compile(
    r"^(?:https?://|/|\./|X-|Bearer$|Basic$)|\s\S+\s|^%\(?\w*\)?s$"  # addresses, headers, sentences, formats
    r"|\[[^\]]*-[^\]]*\]|\\[wdsb]|\(\?"  # patterns
)
HELPER = re.compile(r"(?i)env|setting|config|secret|require|must|variable")
VARIABLE = re.compile(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
FOREIGN = re.compile(r"token|api_?key|access_key|publishable_key|credentials?")
EXAMPLES = re.compile(
    r"(?i)example|schema|openapi|description|help|choices|message|error|label|translat|field_?map|headers?_?names?|^responses$"
)
SIGNING = re.compile(
    r"^(?:jwt|jose\.jwt|jose\.jws)\.(?:encode|decode|sign|verify)$|^(?:itsdangerous\.)?(?:URLSafeTimedSerializer|URLSafeSerializer|TimestampSigner|Signer)$|"
    r"^hmac\.(?:new|digest)$|^(?:cryptography\.fernet\.)?Fernet$"
)
ENVIRONMENT = re.compile(
    r"(?:^|\.)(?:os\.getenv|getenv|os\.environ\.get|environ\.get|os\.environ\.setdefault|decouple\.config|config|env|env\.str|env\.get)$"
)
STORED = re.compile(
    r"(?i)environ|getenv|settings|config|secret_?manager|vault|get_secret|getpass|\benv\b|keyring|read_text|SecretStr|ssm|load_secret|read_secret"
)
WRAPPED = frozenset(
    {"SecretStr", "SecretBytes", "Field", "bytes", "str", "encode", "Secret", "URL", "field", "mapped_column", "strip"}
)
MESSAGE = "A secret is written into the source."


class HardcodedSecret(PythonRule):
    """A password, key or token is written into the source, or stands there as the value for when the environment has none.
    Everyone with the code has it, it stays in the history, and it cannot be changed without a release. Read it from the
    environment or a secret store, and refuse to start without it.
    """

    id = "py-hardcoded-secret"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 798
    BAD = (
        'SECRET_KEY = "your-secret-key"\n',
        'import os\n\nJWT_SECRET = os.getenv("JWT_SECRET", "dev-secret-change-me")\n',
        'DATABASE_URL = "postgresql://app:s3cr3t@db:5432/payments"\n',
        'import psycopg2\n\nconn = psycopg2.connect(host="db", user="app", password="hunter2")\n',
        'import jwt\n\ntoken = jwt.encode({"sub": "1"}, "topsecret", algorithm="HS256")\n',
        'class Settings(BaseSettings):\n    stripe_api_key: str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"\n',
        'import os\n\nkey = os.environ.get("API_KEY") or "9f8a7c6b5d4e"\n',
        'app.config["SECRET_KEY"] = "s3cr3t!"\n',
    )
    GOOD = (
        'import os\n\nJWT_SECRET = os.environ["JWT_SECRET"]\n',
        'TOKEN_TYPE = "bearer"\nPASSWORD_RESET_URL = "/reset"\nACCESS_TOKEN_EXPIRE_MINUTES = 15\nAPI_KEY_HEADER = "X-API-Key"\n',
        "class Settings(BaseSettings):\n    jwt_secret: str\n    database_url: str\n",
        'api_key = "<your key>"\npassword = ""\n',
        'from enum import Enum\n\nclass Grant(Enum):\n    PASSWORD = "password"\n    REFRESH_TOKEN = "refresh_token"\n',
        'url = f"postgresql://{user}:{password}@db/payments"\n',
        'def test_login(client):\n    reply = client.post("/login", json={"username": "a", "password": "correct horse"})\n    assert reply.status_code == 200\n',
        'errors = {"password": "Password is too short"}\nscheme = OAuth2PasswordBearer(tokenUrl="token")\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for place, sound in (*_known(module), *_named_so(module), *_signing(module)):
            if not module.in_test(place):
                yield (place, "" if sound else MESSAGE)


Verdict = tuple[ast.AST, bool]
"""A place, and whether it is sound."""


def _known(module: Module) -> Iterator[Verdict]:
    return ((node, False) for node in module.nodes if isinstance(node, ast.Constant) and _is_known(module, node))


def _named_so(module: Module) -> Iterator[Verdict]:
    for name, value, place in _named(module):
        verdict = _judged(module, name, value) if names_secret(name) else None
        if verdict is not None:
            yield (place, verdict)


def _signing(module: Module) -> Iterator[Verdict]:
    """Keys that stand as literals in calls that sign or verify."""
    for call in module.calls:
        if SIGNING.search(call.path):
            first = re.search(r"^hmac|Signer|Serializer|Fernet", call.path) is not None
            key = call.argument(0 if first else 1, "key")
            if key is not None and string(module.resolved(key)) and not names_secret(identifier(key)):
                yield (call.node, False)


def _is_known(module: Module, node: ast.Constant) -> bool:
    """A literal that is a secret by its form: a URL with a password, a provider's key, a private key."""
    text = string(node) or ""
    parent = module.parents.get(node)
    if isinstance(parent, ast.Expr) or (isinstance(parent, ast.JoinedStr) and "@" not in text):
        return False
    if isinstance(parent, ast.Call) and re.search(
        r"(?:^|\.)(?:startswith|sub|match|compile|replace|print|split)$", module.path(parent.func)
    ):
        return False
    found = DSN.match(text)
    if found is not None:
        return not TYPOGRAPHIC.search(found["password"]) and not _in_example(module, node) and "\n" not in text
    return KNOWN.search(text) is not None and not re.search(r"(?i)xxxx|example|your|\.\.\.", text)


def _named(module: Module) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """Every place that gives a name a value: assignments, keywords, keys, defaults, comparisons."""
    for node in module.nodes:
        match node:
            case ast.Assign():
                yield from ((identifier(target), node.value, node) for target in node.targets)
            case ast.AnnAssign():
                if node.value is not None or isinstance(module.parents.get(node), ast.ClassDef):
                    yield (identifier(node.target), node.value or node.target, node)
            case ast.Dict():
                yield from ((string(key) or "", item, item) for key, item in zip(node.keys, node.values, strict=True))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _defaults(node)
            case _:
                yield from _given(module, node)


def _given(module: Module, node: ast.AST) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """Values that a call's keywords, the environment's name or a comparison give a name."""
    match node:
        case ast.Call():
            yield from ((keyword.arg, keyword.value, keyword.value) for keyword in node.keywords if keyword.arg)
            if _reads_environment(module, node):
                yield (string(node.args[0]) or "", node, node)
        case ast.BoolOp(op=ast.Or(), values=[ast.Call() as first, *_]) if _reads_environment(module, first):
            yield (string(first.args[0]) or "", node, node)
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant() as value]):
            if re.search(r"pass|secret|api_?key", snake(identifier(node.left))) and len(string(value) or "") > 3:
                yield (identifier(node.left), value, node)


def _reads_environment(module: Module, node: ast.Call) -> bool:
    """Whether the call takes a variable of the environment, by the library or by a helper of the source's own."""
    path = module.path(node.func)
    if not node.args or ENVIRONMENT.search(path):
        return bool(node.args)
    return VARIABLE.match(string(node.args[0]) or "") is not None and HELPER.search(last(path)) is not None


def _defaults(function: Function) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    plain = [*function.args.posonlyargs, *function.args.args]
    pairs = [
        *zip(plain[len(plain) - len(function.args.defaults) :], function.args.defaults, strict=True),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    for parameter, default in pairs:
        if default is not None:
            yield (parameter.arg, default, default)


def _judged(module: Module, name: str, value: ast.expr) -> bool | None:
    """True for a secret that comes from elsewhere, False for one in the source, None for what is neither."""
    if isinstance(value, ast.Name) and identifier(value) == name:
        return _declared(module, value)
    if isinstance(value, ast.BoolOp):
        verdicts = [_judged(module, name, item) for item in value.values]
        return False if False in verdicts else True if True in verdicts else None
    if isinstance(value, ast.Call):
        return _called(module, name, value)
    text = string(value)
    if text is not None:
        return False if _is_secret(module, name, text, value) else None
    if isinstance(value, ast.Subscript | ast.Attribute):
        return True if STORED.search(module.path(value)) else None
    return None


def _declared(module: Module, node: ast.Name) -> bool | None:
    """A field without a value: sound in a class of settings, which takes it from the environment."""
    owner = module.owner(node)
    return True if owner is not None and any("Settings" in module.path(base) for base in owner.bases) else None


def _called(module: Module, name: str, value: ast.Call) -> bool | None:
    call = module.call(value)
    if _reads_environment(module, value):
        fallback = call.argument(1, "default", "cast_default")
        text = string(module.resolved(fallback)) if fallback is not None else None
        if text is None or not text or TYPOGRAPHIC.search(text):
            return True
        return not names_secret(string(value.args[0]) or "" if value.args else "") and not names_secret(name)
    inner = call.keyword("default") or (value.args[0] if value.args else None)
    if isinstance(value.func, ast.Attribute) and value.func.attr in ("encode", "strip"):
        inner = value.func.value
    if inner is not None and (
        call.name in WRAPPED or (isinstance(value.func, ast.Attribute) and value.func.attr in WRAPPED)
    ):
        return _judged(module, name, inner)
    return True if STORED.search(call.path) else None


def _is_secret(module: Module, name: str, text: str, node: ast.expr) -> bool:
    """Whether a literal is the secret itself, not a label, a message, another name, or an obvious gap."""
    found = snake(name)
    if len(text) < 3 or TYPOGRAPHIC.search(text) or text.lower() in KIND or OTHER.search(text):
        return False
    if snake(text) == found and (name.isupper() or isinstance(module.parents.get(node), ast.Dict)):
        return False
    if VARIABLE.match(text) and (names_secret(text) or "_KEY" in text):
        return False
    if _in_example(module, node) or _in_enum(module, node):
        return False
    if FOREIGN.search(found) and not re.search(r"secret|password|jwt|sign", found):
        # a made-up key of somebody else's service opens nothing; a made-up password or signing key works
        return not PLACEHOLDER.search(text) and (re.search(r"\d", text) is not None or len(text) >= 16)
    if found.endswith("pass") and not found.endswith("_pass"):
        return False
    return not found.endswith("_pass") or re.search(r"db|smtp|user|admin|mail|root|login", found) is not None


def _in_example(module: Module, node: ast.AST) -> bool:
    """Whether the value stands in an example, a schema or a table of messages."""
    for above in module.ancestors(node):
        if isinstance(above, ast.keyword) and EXAMPLES.search(above.arg or ""):
            return True
        if isinstance(above, ast.Assign | ast.AnnAssign):
            target = above.targets[0] if isinstance(above, ast.Assign) else above.target
            return EXAMPLES.search(identifier(target)) is not None
        if isinstance(above, ast.Dict):
            keys = [string(k) or "" for k, v in zip(above.keys, above.values, strict=True) if module.inside(node, v)]
            if any(EXAMPLES.search(key) for key in keys):
                return True
        if isinstance(above, ast.stmt):
            return False
    return False


def _in_enum(module: Module, node: ast.AST) -> bool:
    owner = module.owner(node)
    return owner is not None and any("Enum" in last(module.path(base)) for base in owner.bases)


RULES_PY_SECRETS: tuple[Rule, ...] = (HardcodedSecret(), SecretInLog())
