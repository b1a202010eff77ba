"""Cryptography by name: randomness and TLS.

Here: the wrong primitive, or the right one switched off. Not here: passwords (`js_passwords`), tokens (`js_jwt`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import FUNCTIONS, LANGUAGES, Node, dotted, member_name
from graders.rules.javascript_options import resolved
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.javascript_values import function_name, is_false, is_true, target_name, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

SECURITY_NAME = re.compile(
    r"(?:^|_)(?:tokens?|secrets?|passwords?|passwd|pwd|otps?|nonce|salt|csrf|session_?id|sid|api_?keys?|keys?|pin"
    r"|verification_?codes?|reset_?codes?|recovery_?codes?|invite_?codes?|codes?|state|iv|uuid|guid|jti"
    r"|(?:user|session|order|payment|transaction|txn|charge|account|invoice|customer|reset|token)_?ids?)(?:_|$)"
)
HARMLESS_NAME = re.compile(
    r"(?:^|_)(?:status|error|color|colour|delay|jitter|backoff|index|idx|sample|request_?id|trace|correlation|span"
    r"|zip|postal|country|currency|mock|demo|fake|seed|key_?press|wait|timeout|retry|port)(?:_|$)"
)
STRONG_RANDOM = re.compile(
    r"^(?:(?:crypto|globalThis\.crypto|webcrypto|crypto\.webcrypto)\.)?(?:randomBytes|randomUUID"
    r"|randomInt|getRandomValues"
    r"|randomFillSync)$|^nanoid(?:\.nanoid)?$|^uuid(?:\.v[47])?$"
)


class WeakRandom(Rule):
    """A token, password, code or identifier is made with `Math.random()`. Its next values can be computed from a few
    that were seen, so sessions and reset links can be guessed. Use `crypto.randomBytes`, `randomInt` or `randomUUID`.
    """

    id = "js-weak-random"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 338
    languages = LANGUAGES
    BAD = (
        "const resetToken = Math.random().toString(36).slice(2);",
        "function generateOtp() {\n  return Math.floor(100000 + Math.random() * 900000);\n}",
        "const session = { sessionId: 's' + Math.random(), user };",
        (
            "const generateApiKey = () => {\n  let out = '';\n"
            "  for (let i = 0; i < 32; i++) out += CHARS[Math.floor(Math.random() * CHARS.length)];\n"
            "  return out;\n};"
        ),
    )
    GOOD = (
        "import { randomBytes } from 'crypto';\nconst token = randomBytes(32).toString('hex');",
        "const delay = base * 2 ** attempt + Math.random() * 100;",
        (
            "const color = COLORS[Math.floor(Math.random() * COLORS.length)];\n"
            "const requestId = Math.random().toString(36);"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        if is_test(source):
            return
        for call in script(source).calls:
            if call.path == "Math.random":
                names = _purposes(call.node)
                if any(SECURITY_NAME.search(name) for name in names) and not any(
                    HARMLESS_NAME.search(name) for name in names
                ):
                    yield site(source, call.node, "Math.random() can be predicted.")
            elif STRONG_RANDOM.match(call.origin):
                yield site(source, call.node)


def _purposes(node: Node) -> list[str]:
    """The names that say what a value is for: what it is given to, else the function that makes it."""
    found = words(target_name(node))
    if SECURITY_NAME.search(found) or HARMLESS_NAME.search(found):
        return [found]
    names = [found]
    for around in node.ancestors():
        if around.kind in FUNCTIONS:
            name = words(function_name(around))
            if name:
                names.append(
                    name if re.match(r"(?:generate|create|make|new|random|gen|build|issue|get)_", name) else ""
                )
                break
    if len(names) == 1:
        names.append(words(_argument_of(node)))
    return [name for name in names if name]


def _argument_of(node: Node) -> str:
    """`setToken` for a value that is passed to `setToken(…)`."""
    call = next((n for n in node.ancestors() if n.kind == "arguments"), None)
    callee = call.parent.field("function") if call is not None and call.parent is not None else None
    name = dotted(callee).rsplit(".", 1)[-1] if callee is not None else ""
    return name if name.startswith(("set", "issue")) else ""


class TlsOff(Rule):
    """The certificate of the other side is not checked. Anyone on the way can pose as the database or the partner and
    read or change everything. Leave verification on; for a private authority pass its certificate as `ca`.
    """

    id = "js-tls-off"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 295
    languages = LANGUAGES
    BAD = (
        "const pool = new Pool({ ssl: { rejectUnauthorized: false } });",
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';",
        "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0;",
        "const agent = new https.Agent({ 'rejectUnauthorized': false });",
    )
    GOOD = (
        "const pool = new Pool({ ssl: { rejectUnauthorized: true, ca } });",
        "// rejectUnauthorized: false would be wrong\nconst agent = new https.Agent({ ca, keepAlive: true });",
        "if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0') throw new Error('TLS is off');",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for pair in read.kinds("pair"):
            key, value = pair.field("key"), pair.field("value")
            if key is not None and value is not None:
                yield from _flag(source, pair, key.text.strip("'\""), value)
        for node in read.kinds("assignment_expression"):
            left, right = node.field("left"), node.field("right")
            if left is not None and right is not None:
                yield from _flag(source, node, member_name(left), right)


def _flag(source: Source, where: Node, name: str, value: Node) -> Iterator[Site]:
    if name in ("rejectUnauthorized", "strictSSL") and is_false(value):
        yield site(source, where, "The certificate of the other side is not checked.")
    elif name in ("rejectUnauthorized", "strictSSL") and is_true(value):
        yield site(source, where)
    elif name == "NODE_TLS_REJECT_UNAUTHORIZED" and resolved(value).text.strip("'\"") == "0":
        yield site(source, where, "Certificates are not checked in the whole process.")


RULES_CRYPTO: tuple[Rule, ...] = (WeakRandom(), TlsOff())
