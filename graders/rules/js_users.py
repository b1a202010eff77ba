"""Records of users on their way to the client.

Here: whole records, password and all. Not here: whole bodies on their way into the store (`js_data`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import LANGUAGES, Binding, Call, Node, bare, member_name
from graders.rules.javascript_options import options, resolved
from graders.rules.javascript_records import (
    PASSWORD,
    PEOPLE,
    hides_passwords,
    is_full_user,
    keeps_passwords,
    named_for_people,
    strips_password,
)
from graders.rules.javascript_replies import replies
from graders.rules.javascript_tree import Script, is_test, script, site
from graders.rules.javascript_values import words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source


class UserDump(Rule):
    """Records of users go to the client as they stand in the store, the hash of the password among the rest. Whoever
    may read them can attack the passwords at leisure. Choose the columns, or map each record to
    what is meant to be seen.
    """

    id = "js-user-dump"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 200
    languages = LANGUAGES
    BAD = (
        (
            "const hashOf = (u) => u.passwordHash;\n"
            "app.get('/users', async (req, res) => { res.json(await User.find()); });"
        ),
        (
            "app.post('/login', async (req, res) => {\n  const user = await findUserByEmail(req.body.email);\n"
            "  if (!(await bcrypt.compare(req.body.password, user.password_hash))) return "
            "res.sendStatus(401);\n  res.json({ user, token: issue(user) });\n});"
        ),
        (
            "app.get('/me', async (req, res) => {\n"
            "  const { rows } = await pool.query('SELECT * FROM users WHERE id = $1', [req.user.id]);\n"
            "  res.json(rows[0]);\n});\nconst check = (u) => u.password;"
        ),
        "const users = [{ id: 1, passwordHash: 'x' }];\napp.get('/users', (req, res) => res.json(users));",
    )
    GOOD = (
        (
            "const h = (u) => u.passwordHash;\napp.get('/users', async (req, res) => {\n"
            "  const users = await User.find();\n  res.json(users.map(({ id, name }) => ({ id, name })));\n"
            "});"
        ),
        (
            "const h = (u) => u.passwordHash;\napp.get('/me', async (req, res) => {\n"
            "  const user = await User.findById(req.user.id).select('-passwordHash');\n  res.json(user);\n});"
        ),
        (
            "app.get('/me', async (req, res) => {\n"
            "  const { rows } = await pool.query('SELECT id, email FROM users WHERE id = $1', [1]);\n"
            "  res.json(rows[0]);\n});"
        ),
        (
            "app.get('/me', async (req, res) => {\n  const user = await User.findOne({ id: 1 });\n"
            "  const { passwordHash, ...visible } = user;\n  res.json(visible);\n});"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source) or not keeps_passwords(read) or hides_passwords(read):
            return
        for reply in replies(read):
            for part in reply.content:
                for value in _values(part):
                    if is_full_user(value) or _is_unmapped(value):
                        yield site(source, reply.node, "The whole record goes out, with the hash of the password.")
                        break
                else:
                    if _is_about_people(part):
                        yield site(source, reply.node)


def _values(content: Node) -> list[Node]:
    """What is sent: the value itself, and the properties of an object, spreads included."""
    value = resolved(content)
    if value.kind != "object":
        return [content]
    known = options(value)
    spread = [child.children[0] for child in value.children if child.kind == "spread_element" and child.children]
    return [*(known.keys.values() if known is not None else ()), *spread]


def _is_unmapped(node: Node) -> bool:
    """A result of `findUser…` or `listUsers` whose password this source reads elsewhere, sent as it is."""
    value = bare(node)
    if value.kind in ("identifier", "shorthand_property_identifier"):
        bound = value.script.binding(value)
        if (
            bound is None
            or bound.value is None
            or bound.key is not None
            or bound.how not in ("const", "let")
            or strips_password(value)
        ):
            return False
        call = value.script.call(bare(bound.value)) if bare(bound.value).kind == "call_expression" else None
        return (
            call is not None
            and named_for_people(call)
            and _is_foreign(call)
            and _password_read(value.script, call.name, bound)
        )
    call = value.script.call(value) if value.kind == "call_expression" else None
    return (
        call is not None and named_for_people(call) and _is_foreign(call) and _password_read(value.script, None, None)
    )


def _is_foreign(call: Call) -> bool:
    """A function that is not in this source; those that are have been read."""
    if call.callee.kind != "identifier":
        return True
    bound = call.node.script.binding(call.callee)
    return (
        bound is None or bound.how == "import" or bound.key is not None or bare(bound.site).text.find("require(") >= 0
    )


def _password_read(read: Script, name: str | None, sent: Binding | None) -> bool:
    """Whether the password of a record from such a function is read in this source."""
    for member in read.kinds("member_expression"):
        owner = member.field("object")
        if owner is None or not PASSWORD.search(words(member_name(member))) or owner.kind != "identifier":
            continue
        bound = read.binding(owner)
        value = bare(bound.value) if bound is not None and bound.value is not None and bound.key is None else None
        call = read.call(value) if value is not None and value.kind == "call_expression" else None
        if (sent is not None and bound is sent) or (
            call is not None and named_for_people(call) and (name is None or call.name == name)
        ):
            return True
    return False


def _is_about_people(content: Node) -> bool:
    names = {words(n.text) for n in content.find("identifier", "shorthand_property_identifier", "property_identifier")}
    return any(re.fullmatch(rf"(?:\w+_)?{PEOPLE}", name) for name in names)


RULES_USERS: tuple[Rule, ...] = (UserDump(),)
