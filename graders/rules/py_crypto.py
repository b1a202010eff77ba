"""Hashes of passwords, and chance that nobody may guess.

Here: the choice of primitive. Not here: keys in the source (`py_secrets`), certificates (`py_http`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import Function, identifier, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.python_words import names_password, names_secret, snake, words
from graders.rules.rule import Rule, Severity

FAST = re.compile(
    r"^(?:hashlib\.(?:md5|sha1|sha224|sha256|sha384|sha512|sha3_\d+|blake2[bs])|(?:Crypto|Cryptodome)\.Hash\.\w+\.new|md5|sha1|sha256|sha512)$"
)
SLOW = re.compile(
    r"(?:^|\.)(?:pbkdf2_hmac|scrypt|hashpw|checkpw|generate_password_hash|check_password_hash|make_password|"
    r"PasswordHasher\(\)\.(?:hash|verify)|CryptContext\(\)\.(?:hash|verify)|PasswordHash\.recommended\(\)\.(?:hash|verify)|"
    r"bcrypt\.(?:hash|using|verify)|argon2\.(?:hash|verify|using)|Bcrypt\(\)\.\w+|PBKDF2HMAC|Scrypt|hash_password_raw)$"
)
WEAK_SCHEMES = re.compile(
    r"^(?:plaintext|md5\w*|sha1\w*|hex_\w+|des_crypt|ldap_\w+|pbkdf2:md5.*|pbkdf2:sha1:\d{1,3}|plain|sha256|unsalted_\w+)$"
)
HASHES_PASSWORD = re.compile(
    r"(?:^|_)(?:hash|verify|check|encrypt|encode|make|set|create|get|compute)_?(?:user_)?(?:password|passwd|pwd|pw)(?:_hash)?$|"
    r"^(?:password|pwd|passwd)_hash(?:er)?$|^(?:password|passwd)_(?:check|verify)$|^set_password$"
)
WEAK = "A fast hash lets whoever gets the table try billions of passwords a second."


class WeakHashPassword(PythonRule):
    """A password is kept as a plain digest such as MD5 or SHA-256. Such hashes are made to be fast, so a stolen table is read
    within hours, salted or not. Use a slow password hash: argon2, bcrypt, scrypt, or PBKDF2 with many rounds.
    """

    id = "py-weak-hash-password"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 916
    BAD = (
        "import hashlib\n\ndef store(user, password):\n    user.password = hashlib.md5(password.encode()).hexdigest()\n",
        "from hashlib import sha256\n\ndef hash_password(plain, salt):\n    return sha256((salt + plain).encode()).hexdigest()\n",
        'import hashlib\n\ndigest = hashlib.new("sha1", data["password"].encode()).hexdigest()\n',
        "import hashlib\n\ndef verify(password, stored):\n    h = hashlib.sha512()\n    h.update(password.encode())\n    return h.hexdigest() == stored\n",
        'from passlib.context import CryptContext\n\ncontext = CryptContext(schemes=["md5_crypt"])\n',
    )
    GOOD = (
        "import bcrypt\n\ndef hash_password(password):\n    return bcrypt.hashpw(password.encode(), bcrypt.gensalt())\n",
        "import hashlib\n\ndef etag(body):\n    return hashlib.md5(body).hexdigest()\n",
        "import hashlib\n\ndef remember(reset_token):\n    return hashlib.sha256(reset_token.encode()).hexdigest()\n",
        (
            "import hashlib, os\n\ndef hash_password(password):\n    salt = os.urandom(16)\n"
            '    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)\n'
        ),
        (
            "import bcrypt, hashlib\n\ndef hash_password(password):\n    short = hashlib.sha256(password.encode()).digest()\n"
            "    return bcrypt.hashpw(short, bcrypt.gensalt())\n"
        ),
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            if call.name in {"CryptContext", "generate_password_hash", "make_password"}:
                yield (call.node, WEAK if _weak_scheme(module, call) else "")
            elif call.name == "pbkdf2_hmac":
                yield (call.node, WEAK if _few_rounds(module, call) else "")
            elif SLOW.search(call.path):
                yield (call.node, "")
            elif _is_fast(call) and _takes_password(module, call) and not _leads_to_slow(module, call):
                yield (call.node, WEAK)


def _is_fast(call: Call) -> bool:
    if FAST.match(call.path):
        return True
    chosen = call.argument(0, "name") if call.path == "hashlib.new" else None
    return chosen is not None and re.match(r"(?i)md|sha|blake|ripemd", string(chosen) or "") is not None


def _takes_password(module: Module, call: Call) -> bool:
    """Whether what is hashed, at once or by `update`, is a password."""
    data = [*call.node.args, *(k.value for k in call.node.keywords if k.arg != "usedforsecurity")]
    if any(_has_password(module, item) for item in data):
        return True
    around = module.function(call.node)
    if around is None:
        return False
    if HASHES_PASSWORD.search(snake(around.name)) and _has_parameter(module, around, data):
        return True
    parent = module.parents.get(call.node)
    if not data and isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        name = parent.targets[0].id
        updates = [
            c
            for c in module.calls_in(module.own(around))
            if isinstance(c.node.func, ast.Attribute) and c.node.func.attr == "update"
        ]
        return any(
            identifier(c.node.func.value) == name and any(_has_password(module, a) for a in c.node.args)
            for c in updates
            if isinstance(c.node.func, ast.Attribute)
        )
    return False


def _has_password(module: Module, node: ast.expr, steps: int = 3) -> bool:
    """Whether a password is in the expression, names followed a few steps."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and names_password(identifier(inner)):
            return True
        if (
            isinstance(inner, ast.Name)
            and steps
            and any(
                _has_password(module, value, steps - 1) for value in module.values(inner) if not _hashes(module, value)
            )
        ):
            return True
    return False


def _hashes(module: Module, node: ast.expr) -> bool:
    """A value that is already a hash: what is hashed again is no password."""
    return any(
        isinstance(n, ast.Call) and (FAST.match(module.path(n.func)) or SLOW.search(module.path(n.func)))
        for n in ast.walk(node)
    )


def _has_parameter(module: Module, function: Function, data: list[ast.expr]) -> bool:
    names = {item.arg for item in function.args.args} - {"self", "cls", "salt"}
    return any(isinstance(inner, ast.Name) and inner.id in names for item in data for inner in ast.walk(item))


def _leads_to_slow(module: Module, call: Call) -> bool:
    """Whether the digest only shortens a password for a slow hash, or is looked up among leaked ones."""
    around = module.function(call.node) or module.tree
    if any(SLOW.search(other.path) for other in module.calls_in(module.within(around))):
        return True
    text = {n.id for n in module.within(around) if isinstance(n, ast.Name)} | {getattr(around, "name", "")}
    return any(re.search(r"(?i)pwned|breach|leak|hibp|legacy|strength", name) for name in text)


def _weak_scheme(module: Module, call: Call) -> bool:
    given = call.keyword("schemes", "method", "hasher")
    if given is None and call.name == "generate_password_hash":
        given = call.argument(1)
    value = None if given is None else module.resolved(given)
    listed = value.elts[:1] if isinstance(value, ast.List | ast.Tuple) else [] if value is None else [value]
    return any(WEAK_SCHEMES.match(string(item) or "") for item in listed)


def _few_rounds(module: Module, call: Call) -> bool:
    rounds = call.argument(3, "iterations")
    value = None if rounds is None else module.resolved(rounds)
    return isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value < 10_000


RANDOM = re.compile(
    r"^(?:random|numpy\.random|np\.random)(?:\.Random\(\))?\.(?:choice|choices|randint|random|getrandbits|randrange|sample|randbytes|uniform|shuffle)$"
)
STRONG = re.compile(r"^(?:secrets\.\w+|(?:random|secrets)\.SystemRandom\(\)\.\w+|os\.urandom|uuid\.uuid4)$")
GUESSABLE = re.compile(
    r"(?:^|_)(?:otp|totp|nonce|salt|csrf|session_?id|sid|session_?key|pin|passcode|(?:verification|reset|confirm\w*|auth|invite|"
    r"activation|access|login|recovery|backup|security|sms|email|two_factor|mfa|gift_?card|voucher|one_time|2fa)_codes?|api_?key|iv)$"
)


class InsecureRandom(PythonRule):
    """A token, password or code is drawn with `random`. That generator is predictable: a few of its values give away all the
    others. Draw from `secrets`, `os.urandom` or `random.SystemRandom`.
    """

    id = "py-insecure-random"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 338
    BAD = (
        'import random, string\n\ndef reset_token():\n    return "".join(random.choice(string.ascii_letters) for _ in range(32))\n',
        "import random\n\notp = random.randint(100000, 999999)\n",
        'from random import choices\nimport string\n\nuser.api_key = "".join(choices(string.ascii_letters + string.digits, k=40))\n',
        "import random\n\ndef login(user):\n    session_id = str(random.getrandbits(64))\n    return session_id\n",
    )
    GOOD = (
        "import secrets\n\ndef reset_token():\n    return secrets.token_urlsafe(32)\n",
        "import random\n\ndelay = 2 ** attempt + random.uniform(0, 1)\n",
        'import random, string\n\nrng = random.SystemRandom()\npassword = "".join(rng.choice(string.ascii_letters) for _ in range(20))\n',
        "import random\n\ntoken = random.choice(vocabulary)\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            if module.in_test(call.node):
                continue
            if STRONG.match(call.path):
                yield (call.node, "")
            elif RANDOM.match(call.path) and _is_for_secret(module, call):
                yield (call.node, "What `random` draws can be predicted.")


def _is_for_secret(module: Module, call: Call) -> bool:
    """Whether the drawn value becomes something that nobody may guess, judged by the names around it."""
    target = ""
    for above in module.ancestors(call.node):
        if isinstance(above, ast.stmt):
            target = target or _target(above)
            break
        if isinstance(above, ast.keyword):
            target = target or above.arg or ""
    around = module.function(call.node)
    if target and _secret_name(target):
        return _from_alphabet(module, call)
    if around is None or re.search(r"(?i)test|mock|fake|sample|seed|jitter|backoff|retry", around.name):
        return False
    returned = isinstance(next((a for a in module.ancestors(call.node) if isinstance(a, ast.stmt)), None), ast.Return)
    made = re.sub(r"^(?:generate|create|make|new|gen|get|random|_)+_*", "", snake(around.name))
    flows = returned or any(
        isinstance(n, ast.Return) and target and target in ast.unparse(n) for n in module.own(around)
    )
    return flows and _secret_name(made) and _from_alphabet(module, call)


def _secret_name(name: str) -> bool:
    found = snake(name)
    return names_secret(found) or GUESSABLE.search(found) is not None


def _target(statement: ast.stmt) -> str:
    match statement:
        case ast.Assign(targets=[first, *_]):
            return identifier(first)
        case ast.AnnAssign(target=first) | ast.AugAssign(target=first):
            return identifier(first)
    return ""


def _from_alphabet(module: Module, call: Call) -> bool:
    """Whether characters or numbers are drawn; a choice among other things (words of a vocabulary) is another matter."""
    if last(call.path) not in ("choice", "choices", "sample"):
        return True
    if not call.node.args:
        return True
    pool = call.node.args[0]
    text = ast.unparse(module.resolved(pool))
    if re.search(r"string\.|ascii_|digits|hexdigits|range\(|['\"]", text):
        return True
    return bool(
        set(words(identifier(pool)))
        & {"alphabet", "chars", "characters", "letters", "digits", "charset", "pool", "symbols"}
    )


RULES_PY_CRYPTO: tuple[Rule, ...] = (WeakHashPassword(), InsecureRandom())
