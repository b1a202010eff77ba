"""What goes from a request into the store, and from the store to the client, unseen.

Here: whole bodies and whole records. Not here: single values in SQL (`js_injection`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_records import PASSWORD, PEOPLE, hides_passwords, is_full_user, keeps_passwords, named_for_people
from graders.rules.javascript_replies import replies
from graders.rules.javascript_tree import LANGUAGES, Binding, Call, Node, Script, bare, dotted, function_of, is_test, member_name, script, site
from graders.rules.javascript_values import flows, options, resolved, whole_body, words
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

STORES = re.compile(r"^(?:create|createMany|insert|insertOne|insertMany|update|updateOne|updateMany|findByIdAndUpdate|findOneAndUpdate|findByIdAndReplace"
                    r"|replaceOne|save|upsert|bulkCreate|build|merge|patch|add|push|set|put|assign|findOneAndReplace)$")
RECEIVERS = re.compile(r"^[A-Z]\w*$|[mM]odel|[rR]epo|[sS]tore|[sS]ervice|prisma|db\b|knex|collection|users?|orders?|products?|accounts?|items?|payments?"
                       r"|\(\)$", re.IGNORECASE)
VALIDATES = re.compile(r"valid|schema|celebrate|zod|\bjoi\b|ajv|sanit|whitelist|allowlist|pick|permit|parse|bodyParser\(", re.IGNORECASE)
NOT_STORES = frozenset({"URLSearchParams", "Error", "Date", "Set", "Map", "Promise", "Request", "Response", "FormData", "URL", "Buffer", "Uint8Array"})


class MassAssignment(Rule):
    """The whole body of a request goes into the store. The client then sets fields that were never meant for it, such as
    `role`, `balance` or `ownerId`. Take the fields one by one, or parse the body with a schema that drops all others.
    """

    id = "js-mass-assignment"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 915
    languages = LANGUAGES
    BAD = (
        "app.post('/users', async (req, res) => { res.json(await User.create(req.body)); });",
        "router.put('/u/:id', async (req, res) => {\n  const updates = req.body;\n  await User.findByIdAndUpdate(req.params.id, { $set: updates });\n});",
        "app.patch('/me', async (req, res) => {\n  const user = await find(req.user.id);\n  Object.assign(user, req.body);\n  await user.save();\n});",
        "app.post('/p', async (req, res) => { await prisma.payment.create({ data: { ...req.body, userId: req.user.id } }); });",
        "app.put('/u/:id', (req, res) => {\n  users.set(req.params.id, { ...users.get(req.params.id), ...req.body });\n});",
        "app.post('/u', async (req, res) => { const u = new User(req.body); await u.save(); });",
    )
    GOOD = (
        "app.post('/users', async (req, res) => {\n  const { name, email } = req.body;\n  res.json(await User.create({ name, email }));\n});",
        "app.post('/users', async (req, res) => {\n  const input = CreateUser.parse(req.body);\n  await User.create(input);\n});",
        "app.post('/users', validate(userSchema), async (req, res) => { await User.create(req.body); });",
        "app.post('/x', (req, res) => { logger.info({ ...req.body }); queue.add('job', { id: req.body.id }); });",
        "app.post('/u', async (req, res) => {\n  const { error } = schema.validate(req.body);\n  if (error) throw error;\n  await User.create(req.body);\n});",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for call in read.calls:
            if not _is_store(call):
                continue
            whole = any(_holds_body(arg, 3) for arg in call.args)
            if whole and _validated(call):
                yield site(source, call.node)
            elif whole:
                yield site(source, call.node, "The whole body of the request goes into the store.")
            elif any(_uses_body(arg) for arg in call.args):
                yield site(source, call.node)


def _is_store(call: Call) -> bool:
    if call.node.kind == "new_expression":
        return bool(re.match(r"[A-Z][a-z]", call.name)) and call.name not in NOT_STORES and not call.name.endswith(("Error", "Dto", "DTO", "Schema", "Command"))
    if call.path in ("Object.assign", "_.merge", "lodash.merge", "_.extend", "_.assign", "merge"):
        return len(call.args) > 1 and bare(call.args[0]).kind != "object"
    if not STORES.match(call.name) or call.receiver is None:
        return False
    owner = dotted(call.receiver)
    return bool(RECEIVERS.search(owner.rsplit(".", 1)[-1]) or RECEIVERS.search(owner)) and not re.search(r"[lL]ogger|cache|redis|queue|stripe|axios", owner)


def _holds_body(node: Node, depth: int) -> bool:
    """Whether an argument is the body, or an object that takes all of it in."""
    if depth <= 0:
        return False
    if whole_body(node):
        return True
    value = resolved(node)
    if value.kind != "object":
        return False
    for child in value.children:
        if child.kind == "spread_element" and child.children and (whole_body(child.children[0]) or _is_rest(child.children[0])):
            return True
        inner = child.field("value") if child.kind == "pair" else None
        key = child.field("key") if child.kind == "pair" else None
        if inner is not None and key is not None and re.fullmatch(r"data|\$set|create|update|values|defaults", key.text.strip("'\"")):
            if _holds_body(inner, depth - 1):
                return True
    return False


def _is_rest(node: Node) -> bool:
    """`rest` of `const { id, ...rest } = req.body` is all that the client cared to send."""
    bound = node.script.binding(node) if node.kind == "identifier" else None
    return bound is not None and bound.key == "..." and bound.value is not None and whole_body(bound.value)


def _uses_body(node: Node) -> bool:
    return any(whole_body(inner) for inner in flows(node) if inner.kind in ("identifier", "member_expression"))


def _validated(call: Call) -> bool:
    """Whether the body goes through a validation, in the function or in the route's middleware."""
    function = function_of(call.node)
    for other in call.node.script.calls_in(function):
        if VALIDATES.search(other.path) and any(_uses_body(arg) for arg in other.args):
            return True
    route = function.parent
    if route is None or route.kind != "arguments":
        return False
    return any(VALIDATES.search(part.text) for part in route.children if part is not function and part.kind != "string")


class UserDump(Rule):
    """Records of users go to the client as they stand in the store, the hash of the password among the rest. Whoever may
    read them can attack the passwords at leisure. Choose the columns, or map each record to what is meant to be seen.
    """

    id = "js-user-dump"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 200
    languages = LANGUAGES
    BAD = (
        "const hashOf = (u) => u.passwordHash;\napp.get('/users', async (req, res) => { res.json(await User.find()); });",
        "app.post('/login', async (req, res) => {\n  const user = await findUserByEmail(req.body.email);\n"
        "  if (!(await bcrypt.compare(req.body.password, user.password_hash))) return res.sendStatus(401);\n  res.json({ user, token: issue(user) });\n});",
        "app.get('/me', async (req, res) => {\n  const { rows } = await pool.query('SELECT * FROM users WHERE id = $1', [req.user.id]);\n"
        "  res.json(rows[0]);\n});\nconst check = (u) => u.password;",
        "const users = [{ id: 1, passwordHash: 'x' }];\napp.get('/users', (req, res) => res.json(users));",
    )
    GOOD = (
        "const h = (u) => u.passwordHash;\napp.get('/users', async (req, res) => {\n  const users = await User.find();\n  res.json(users.map(({ id, name }) => ({ id, name })));\n});",
        "const h = (u) => u.passwordHash;\napp.get('/me', async (req, res) => {\n  const user = await User.findById(req.user.id).select('-passwordHash');\n  res.json(user);\n});",
        "app.get('/me', async (req, res) => {\n  const { rows } = await pool.query('SELECT id, email FROM users WHERE id = $1', [1]);\n  res.json(rows[0]);\n});",
        "app.get('/me', async (req, res) => {\n  const user = await User.findOne({ id: 1 });\n  const { passwordHash, ...visible } = user;\n  res.json(visible);\n});",
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
        if bound is None or bound.value is None or bound.key is not None or bound.how not in ("const", "let"):
            return False
        call = value.script.call(bare(bound.value)) if bare(bound.value).kind == "call_expression" else None
        return call is not None and named_for_people(call) and _is_foreign(call) and _password_read(value.script, call.name, bound)
    call = value.script.call(value) if value.kind == "call_expression" else None
    return call is not None and named_for_people(call) and _is_foreign(call) and _password_read(value.script, None, None)


def _is_foreign(call: Call) -> bool:
    """A function that is not in this source; those that are have been read."""
    if call.callee.kind != "identifier":
        return True
    bound = call.node.script.binding(call.callee)
    return bound is None or bound.how == "import" or bound.key is not None or bare(bound.site).text.find("require(") >= 0


def _password_read(read: Script, name: str | None, sent: Binding | None) -> bool:
    """Whether the password of a record from such a function is read in this source."""
    for member in read.kinds("member_expression"):
        owner = member.field("object")
        if owner is None or not PASSWORD.search(words(member_name(member))) or owner.kind != "identifier":
            continue
        bound = read.binding(owner)
        value = bare(bound.value) if bound is not None and bound.value is not None and bound.key is None else None
        call = read.call(value) if value is not None and value.kind == "call_expression" else None
        if sent is not None and bound is sent or call is not None and named_for_people(call) and (name is None or call.name == name):
            return True
    return False


def _is_about_people(content: Node) -> bool:
    names = {words(n.text) for n in content.find("identifier", "shorthand_property_identifier", "property_identifier")}
    return any(re.fullmatch(rf"(?:\w+_)?{PEOPLE}", name) for name in names)


RULES_DATA: tuple[Rule, ...] = (MassAssignment(), UserDump())
