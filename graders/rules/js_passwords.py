"""How passwords are stored and compared.

Here: hashes and their cost, comparisons in the clear. Not here: passwords in the source (`js_secrets`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import LANGUAGES, Call, Node, dotted
from graders.rules.javascript_options import options, resolved
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.javascript_values import constant, flows, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

PASSWORD = re.compile(r"(?:^|_)(?:password|passwd|pwd|passphrase|passcode)$|^(?:plain_?text|plain|pass)$")
STORED = re.compile(
    r"(?:^|\.)(?:\w*(?:[uU]ser|[aA]ccount|[aA]dmin|[mM]ember|[cC]ustomer|row|record|found|existing"
    r"|stored|u|env)\w*|rows\.\?|\?)\.\w+$"
)
FAST = re.compile(r"^(?:md4|md5|sha-?1|sha-?2?(?:224|256|384|512)?|sha-?3-?\d*|ripemd160|sha512-256)$", re.IGNORECASE)
FAST_CALL = re.compile(r"(?:^|[./-])(?:md5|sha1|sha256|sha512|MD5|SHA1|SHA256|SHA512|hashSync256)$")
SLOW = re.compile(
    r"^(?:bcrypt|bcryptjs|bcrypt-ts|argon2|@node-rs/(?:argon2|bcrypt)|hash-wasm|scrypt-kdf)\.(?:hash"
    r"|hashSync|compare|compareSync|verify"
    r"|argon2id|bcrypt)$|^(?:crypto\.)?(?:scrypt|scryptSync|scryptAsync)$|^Bun\.password\.(?:hash|verify)$"
)
BCRYPT = re.compile(r"^(?:bcrypt|bcryptjs|bcrypt-ts|@node-rs/bcrypt)\.(hash|hashSync|genSalt|genSaltSync)$")


class WeakPasswordHash(Rule):
    """A password is stored or compared in the clear, or hashed with a fast hash or too few rounds. A copy of the table
    then gives the passwords in hours. Use argon2id, scrypt, or bcrypt with a cost of at least 10.
    """

    id = "js-weak-password-hash"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 916
    languages = LANGUAGES
    BAD = (
        (
            "const crypto = require('crypto');\n"
            "const hash = crypto.createHash('sha256').update(password + salt).digest('hex');"
        ),
        "if (user.password === req.body.password) return issue(user);",
        "const ROUNDS = 4;\nconst hash = await bcrypt.hash(password, ROUNDS);",
        "const user = await User.findOne({ where: { email, password } });",
        "await pool.query('SELECT id FROM users WHERE email = $1 AND password = $2', [email, password]);",
        "import md5 from 'md5';\nuser.pwd = md5(req.body.pwd);",
    )
    GOOD = (
        (
            "import bcrypt from 'bcrypt';\nconst hash = await bcrypt.hash(password, 12);\n"
            "const ok = await bcrypt.compare(password, user.password);"
        ),
        (
            "const etag = crypto.createHash('sha1').update(body).digest('hex');\n"
            "const argon2 = require('argon2');\nawait argon2.hash(pw);"
        ),
        (
            "if (password !== confirmPassword) throw new Error('differ');\n"
            "if (user.password === null || user.password === undefined) return;"
        ),
        (
            "const tokenHash = crypto.createHash('sha256').update(token).digest('hex');\n"
            "const o = { where: { password: undefined } };"
        ),
        (
            "if (newPassword === currentPassword) throw new Error('same');\n"
            "if (req.body.password === '') throw new Error('empty');"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for call in read.calls:
            message = _weak_hash(call) or _weak_cost(call) or _looked_up(call)
            if message:
                yield site(source, call.node, message)
            elif SLOW.match(call.origin):
                yield site(source, call.node)
        for node in read.kinds("binary_expression"):
            if node.token("operator") in ("===", "==", "!==", "!=") and _compares_passwords(node):
                yield site(source, node, "Passwords are compared in the clear.")


def _weak_hash(call: Call) -> str:
    value: Node | None = None
    if call.name in ("update", "digest") and call.args and _fast_hash(call):
        value = call.args[-1]
    elif FAST_CALL.search(call.origin) and call.args:
        value = call.args[0]
    if value is not None and _is_password(value):
        return "A fast hash of a password is broken in hours."
    return ""


def _fast_hash(call: Call) -> bool:
    if call.origin.endswith("subtle.digest"):
        return True
    node = call.receiver
    while node is not None:
        node = resolved(node)
        inner = node.script.call(node) if node.kind == "call_expression" else None
        if inner is not None and inner.name == "createHash":
            return bool(inner.args) and bool(FAST.match(constant(inner.args[0]) or ""))
        node = inner.receiver if inner is not None else None
    return False


def _is_password(node: Node) -> bool:
    named = (
        n for n in flows(node, 1) if n.kind in ("identifier", "member_expression", "shorthand_property_identifier")
    )
    return any(PASSWORD.search(words(dotted(n).rsplit(".", 1)[-1])) for n in named)


def _weak_cost(call: Call) -> str:
    match = BCRYPT.match(call.origin)
    if match is not None and call.args:
        cost = call.args[-1 if match[1].startswith("genSalt") else min(1, len(call.args) - 1)]
        number = resolved(cost).text
        return "The cost of bcrypt is below 10." if number.isdigit() and int(number) < 10 else ""
    if re.search(r"(?:^|\.)pbkdf2(?:Sync|Async)?$", call.origin) and len(call.args) > 2:
        number = resolved(call.args[2]).text.replace("_", "")
        return "PBKDF2 has too few iterations." if number.isdigit() and int(number) < 100_000 else ""
    return ""


def _looked_up(call: Call) -> str:
    """A password that the database is asked for: it is stored in the clear, or hashed without a salt."""
    message = "The password is looked up in the table, so it is stored in the clear or without a salt."
    if not call.args:
        return ""
    if re.match(r"(?:find|get)(?:One|First|Unique|Many|All)?(?:By|OrFail|OrThrow)?$", call.name):
        known = options(call.args[0])
        inner = options(known.keys["where"]) if known is not None and "where" in known.keys else known
        value = inner.keys.get("password") if inner is not None else None
        return message if value is not None and _is_password(value) else ""
    text = constant(call.args[0]) if call.name in ("query", "execute", "get", "prepare", "oneOrNone", "one") else None
    asked = text is not None and re.search(
        r"^\s*select\b.*\bwhere\b.*\b(?:password|passwd|pwd)(?:_hash)?\s*=\s*(?:[$?:@])",
        text,
        re.IGNORECASE | re.DOTALL,
    )
    return message if asked and "crypt(" not in (text or "") else ""


def _compares_passwords(node: Node) -> bool:
    left, right = node.field("left"), node.field("right")
    if left is None or right is None:
        return False
    sides = [dotted(left), dotted(right)]
    if not all(PASSWORD.search(words(side.rsplit(".", 1)[-1])) for side in sides):
        return False
    if any(re.search(r"confirm|repeat|again|new|old|current|verify|retype", words(side)) for side in sides):
        return False
    stored = [
        side
        for side in sides
        if STORED.search(side) and not re.search(r"\b(?:body|query|params|input|form|values)\.\w+$", side)
    ]
    return len(stored) > 0 and sides[0] != sides[1]


RULES_PASSWORDS: tuple[Rule, ...] = (WeakPasswordHash(),)
