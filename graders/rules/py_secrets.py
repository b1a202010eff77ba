"""Secrets in the source and in the logs.

Here: passwords, keys, tokens and card data as values. Not here: how they are hashed or drawn (`py_crypto`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import Function, identifier, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.python_words import names_card, names_secret, snake
from graders.rules.rule import Rule, Severity

DSN = re.compile(r"^[a-z][a-z0-9+.-]*://[^\s:/@{}<>$%]*:(?P<password>[^\s@/{}<>$%*]+)@[^\s/]+", re.IGNORECASE)
KNOWN = re.compile(r"^(?:AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|(?:sk|rk)_(?:live|test)_[0-9a-zA-Z]{10,}|gh[pousr]_\w{30,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{35}|"
                   r"sk-(?:proj-|ant-)?[\w-]{24,}|rzp_live_\w{10,}|whsec_[0-9a-zA-Z]{16,}|glpat-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})$|-----BEGIN (?:\w+ )*PRIVATE KEY-----\s*\n?\s*[A-Za-z0-9+/]{20}")
TYPOGRAPHIC = re.compile(r"^[\W_]*$|^<.*>$|\$\{|\{\{|^\{.*\}$|^x{3,}|xxxx|\.\.\.|…|\*{3}|^redacted$|^replace[-_ ]?(?:me|this)|^todo|^none$|^null$|^n/?a$|"
                         r"^(?:true|false)$|^env:|^vault:|^arn:|^projects/", re.IGNORECASE)
PLACEHOLDER = re.compile(r"(?i)your|example|placeholder|insert|dummy|fake|changeme|change[-_ ]me|foo|test|demo|sample|mock|put[-_ ]")
KIND = frozenset({"string", "str", "required", "write_only", "text", "hidden", "bearer", "basic", "optional", "missing", "invalid", "integer",
                  "boolean", "refresh", "access", "jwt", "header", "cookie", "authorization", "oauth2", "reset", "default", "password_hash"})
"""What stands beside a secret's name when its kind is told, not its value."""
EXAMPLES = re.compile(r"(?i)example|schema|openapi|description|help|choices|message|error|label|translat|field_?map|headers?_?names?|^responses$")
SIGNING = re.compile(r"^(?:jwt|jose\.jwt|jose\.jws)\.(?:encode|decode|sign|verify)$|^(?:itsdangerous\.)?(?:URLSafeTimedSerializer|URLSafeSerializer|TimestampSigner|Signer)$|"
                     r"^hmac\.(?:new|digest)$|^(?:cryptography\.fernet\.)?Fernet$")
ENVIRONMENT = re.compile(r"(?:^|\.)(?:os\.getenv|getenv|os\.environ\.get|environ\.get|os\.environ\.setdefault|decouple\.config|config|env|env\.str|env\.get)$")
STORED = re.compile(r"(?i)environ|getenv|settings|config|secret_?manager|vault|get_secret|getpass|\benv\b|keyring|read_text|SecretStr|ssm|load_secret|read_secret")
WRAPPED = frozenset({"SecretStr", "SecretBytes", "Field", "bytes", "str", "encode", "Secret", "URL", "field", "mapped_column", "strip"})
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
        'class Settings(BaseSettings):\n    jwt_secret: str\n    database_url: str\n',
        'api_key = "<your key>"\npassword = ""\n',
        'from enum import Enum\n\nclass Grant(Enum):\n    PASSWORD = "password"\n    REFRESH_TOKEN = "refresh_token"\n',
        'url = f"postgresql://{user}:{password}@db/payments"\n',
        'def test_login(client):\n    reply = client.post("/login", json={"username": "a", "password": "correct horse"})\n    assert reply.status_code == 200\n',
        'errors = {"password": "Password is too short"}\nscheme = OAuth2PasswordBearer(tokenUrl="token")\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for node in module.nodes:
            if isinstance(node, ast.Constant) and not module.in_test(node) and _is_known(module, node):
                yield (node, MESSAGE)
        for name, value, place in _named(module):
            if module.in_test(place) or not names_secret(name):
                continue
            verdict = _judged(module, name, value)
            if verdict is not None:
                yield (place, "" if verdict else MESSAGE)
        for call in module.calls:
            if SIGNING.search(call.path) and not module.in_test(call.node):
                key = call.argument(0 if call.path.startswith("hmac") or "Signer" in call.path or "Serializer" in call.path or "Fernet" in call.path else 1, "key")
                if key is not None and string(module.resolved(key)):
                    yield (call.node, MESSAGE)


def _is_known(module: Module, node: ast.Constant) -> bool:
    """A literal that is a secret by its form: a URL with a password, a provider's key, a private key."""
    text = string(node) or ""
    parent = module.parents.get(node)
    if isinstance(parent, ast.Expr) or (isinstance(parent, ast.JoinedStr) and "@" not in text):
        return False
    if isinstance(parent, ast.Call) and re.search(r"(?:^|\.)(?:startswith|sub|match|compile|replace|print|split)$", module.path(parent.func)):
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
                for target in node.targets:
                    yield (identifier(target), node.value, node)
            case ast.AnnAssign(value=ast.expr()):
                assert node.value is not None  # noqa: S101 - the pattern says so
                yield (identifier(node.target), node.value, node)
            case ast.AnnAssign(value=None) if isinstance(module.parents.get(node), ast.ClassDef):
                yield (identifier(node.target), node.target, node)
            case ast.Call():
                for keyword in node.keywords:
                    if keyword.arg:
                        yield (keyword.arg, keyword.value, keyword.value)
                if ENVIRONMENT.search(module.path(node.func)) and node.args:
                    yield (string(node.args[0]) or "", node, node)
            case ast.BoolOp(op=ast.Or(), values=[ast.Call() as first, *_]) if ENVIRONMENT.search(module.path(first.func)) and first.args:
                yield (string(first.args[0]) or "", node, node)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    yield (string(key) or "", value, value)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _defaults(node)
            case ast.Compare(ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant() as value]):
                if re.search(r"pass|secret|api_?key", snake(identifier(node.left))) and len(string(value) or "") > 3:
                    yield (identifier(node.left), value, node)


def _defaults(function: Function) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    plain = [*function.args.posonlyargs, *function.args.args]
    pairs = [*zip(plain[len(plain) - len(function.args.defaults) :], function.args.defaults, strict=True),
             *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]
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
    if ENVIRONMENT.search(call.path):
        fallback = call.argument(1, "default", "cast_default")
        text = string(module.resolved(fallback)) if fallback is not None else None
        if text is None or not text or TYPOGRAPHIC.search(text):
            return True
        return not names_secret(string(value.args[0]) or "" if value.args else "") and not names_secret(name)
    inner = call.keyword("default") or (value.args[0] if value.args else None)
    if isinstance(value.func, ast.Attribute) and value.func.attr in ("encode", "strip"):
        inner = value.func.value
    if inner is not None and (call.name in WRAPPED or (isinstance(value.func, ast.Attribute) and value.func.attr in WRAPPED)):
        return _judged(module, name, inner)
    return True if STORED.search(call.path) else None


def _is_secret(module: Module, name: str, text: str, node: ast.expr) -> bool:
    """Whether a literal is the secret itself, not a label, a message, another name, or an obvious gap."""
    found = snake(name)
    if not text or TYPOGRAPHIC.search(text) or text.lower() in KIND or len(text) < 3:
        return False
    if snake(text) == found and (name.isupper() or isinstance(module.parents.get(node), ast.Dict)):
        return False
    if re.match(r"^(?:https?://|/|\./|X-|Bearer$|Basic$)", text) or re.search(r"\s\S+\s", text) or re.fullmatch(r"%\(?\w*\)?s", text):
        return False
    if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", text) and (names_secret(text) or "_KEY" in text):
        return False
    if _in_example(module, node) or _in_enum(module, node):
        return False
    if re.search(r"\[[^\]]*-[^\]]*\]|\\[wdsb]|\(\?", text):
        return False  # a pattern
    core = re.search(r"(?:token|api_?key|access_key|publishable_key|credentials?)", found)
    if core and not re.search(r"secret|password|jwt|sign", found):
        # a made-up key of somebody else's service opens nothing; a made-up password or signing key is a password or signing key
        return not PLACEHOLDER.search(text) and (re.search(r"\d", text) is not None or len(text) >= 16)
    if re.search(r"(?:^|_)pass$", found):
        return re.search(r"db|smtp|user|admin|mail|root|login", found) is not None
    return True


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


LOGGERS = re.compile(r"(?i)(?:^|\.|_|\?)(?:log|logger|logging|_?log|getLogger\(\)|get_logger\(\)|\w*logger|structlog\.\w+\(\)|app\.logger|audit_?log)"
                     r"(?:\(\))?\.(?:debug|info|warning|warn|error|exception|critical|fatal|log|success|trace|bind)$")
MASKS = re.compile(r"(?i)mask|redact|hash|digest|last_?4|last_?four|fingerprint|obfuscat|sanitiz|scrub|censor|^len$|^bool$|^type$|^id$|^hide|truncate|isinstance|"
                   r"hmac|sha256|decode|verify|validate|check|^jti|^exists|^count|^tokeniz")
AUTH = re.compile(r"(?i)^(?:jwt|jose|oauth\w*|bearer|authorization|password|login|authenticate|auth|access_token|refresh_token|secrets|session|api_key|credentials)$")


class SecretInLog(PythonRule):
    """A password, token, card number or security code is written to a log or printed. Logs are copied, kept and read by many;
    what stands in them is as good as published, and card data there breaks PCI DSS. Log an id or a masked form.
    """

    id = "py-secret-in-log"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 532
    BAD = (
        'logger.info(f"login of {username} with {password}")\n',
        'import logging\n\nlogging.debug("charging card %s cvv %s", card.card_number, card.cvv)\n',
        'log = structlog.get_logger()\nlog.info("issued", access_token=access_token)\n',
        'logger.debug("headers: %s", request.headers)\n',
        'print("API key: " + settings.api_key)\n',
        'logger.info("auth", extra={"authorization": request.headers["Authorization"]})\n',
    )
    GOOD = (
        'def login(password):\n    logger.info("password checked for %s", user.id)\n',
        'logger.info("card ending %s", card.card_number[-4:])\n',
        'logger.info("token expires", extra={"token_type": token_type, "jti": claims["jti"]})\n',
        'logger.info("key %s", mask(api_key))\n',
        'for token in lexer:\n    print(token)\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        auth = any(AUTH.match(name) for name in module.identifiers)
        for call in module.calls:
            if not _logs(call) or module.in_test(call.node):
                continue
            found = next((name for name in _said(module, call) if _sensitive(name, auth=auth)), None)
            if found is not None:
                yield (call.node, f"`{found}` is written to the log.")
            elif _handles_secrets(module, call):
                yield (call.node, "")


def _logs(call: Call) -> bool:
    return call.path in ("print", "pprint", "pprint.pprint") or LOGGERS.search(call.path) is not None


def _said(module: Module, call: Call) -> Iterator[str]:
    """Names of the values that a logging call writes, those left out that are masked or only looked at."""
    for keyword in call.node.keywords:
        if keyword.arg in ("file", "exc_info", "stack_info", "sep", "end", "flush"):
            continue
        yield from _values(keyword.value)
        if keyword.arg and isinstance(keyword.value, ast.Name | ast.Attribute) and names_card(keyword.arg):
            yield keyword.arg
    for argument in call.node.args:
        value = module.resolved(argument) if isinstance(argument, ast.Name) else argument
        yield from _values(value if isinstance(value, ast.JoinedStr | ast.BinOp | ast.Dict) else argument)


def _values(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr="headers", value=owner):
            if re.search(r"(?i)^req(?:uest)?$", identifier(owner)):
                yield "authorization"
        case ast.Name() | ast.Attribute():
            yield identifier(node)
        case ast.Subscript():
            if isinstance(node.slice, ast.Slice):
                return
            yield identifier(node)
        case ast.Call():
            yield from _called_values(node)
        case ast.Compare() | ast.Constant() | ast.Lambda():
            return
        case ast.IfExp():
            yield from _values(node.body)
            yield from _values(node.orelse)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _values(child)


def _called_values(node: ast.Call) -> Iterator[str]:
    called = identifier(node.func)
    if called in ("get", "pop") and isinstance(node.func, ast.Attribute) and node.args:
        yield string(node.args[0]) or ""
        return
    if MASKS.search(called):
        return
    if called in ("str", "repr", "format", "dumps", "dict", "strip", "upper", "lower", "decode", "get_secret_value", "join"):
        if isinstance(node.func, ast.Attribute):
            yield from _values(node.func.value)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _values(argument)


def _sensitive(name: str, *, auth: bool) -> bool:
    found = snake(name)
    if found in ("headers", "authorization", "auth_header", "authorization_header"):
        return found != "headers" or auth
    if found in ("token", "tokens"):
        return auth and found == "token"
    if found in ("secret", "secrets", "pass", "credential") or (found == "pan" and not auth):
        return found == "secret"
    if found in ("database_url", "db_url", "database_uri", "connection_string", "sqlalchemy_database_uri"):
        return True
    return (names_secret(found) and not found.endswith(("_pass", "tokens"))) or names_card(found)


def _handles_secrets(module: Module, call: Call) -> bool:
    """Whether a secret is at hand where the log is written, so that leaving it out is a merit."""
    around = module.function(call.node)
    if around is None:
        return any(_sensitive(identifier(node), auth=True) for node in ast.walk(call.node) if isinstance(node, ast.Name | ast.Attribute))
    names = [node for node in module.within(around) if isinstance(node, ast.Name | ast.Attribute | ast.arg)]
    return any(_sensitive(identifier(node), auth=True) and identifier(node) != "headers" for node in names)


RULES_PY_SECRETS: tuple[Rule, ...] = (HardcodedSecret(), SecretInLog())
