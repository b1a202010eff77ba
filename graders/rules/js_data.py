"""What goes from a request into the store, and from the store to the client, unseen.

Here: whole bodies and whole records. Not here: single values in SQL (`js_injection`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import LANGUAGES, Call, Node, bare, dotted, function_of
from graders.rules.javascript_options import resolved
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.javascript_values import flows, whole_body
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

STORES = re.compile(
    r"^(?:create|createMany|insert|insertOne|insertMany|update|updateOne|updateMany|findByIdAndUpdate"
    r"|findOneAndUpdate|findByIdAndReplace"
    r"|replaceOne|save|upsert|bulkCreate|build|merge|patch|add|push|set|put|assign|findOneAndReplace)$"
)
RECEIVERS = re.compile(
    r"^[A-Z]\w*$|[mM]odel|[rR]epo|[sS]tore|[sS]ervice|prisma|db\b|knex|collection|users?|orders?"
    r"|products?|accounts?|items?|payments?"
    r"|\(\)$",
    re.IGNORECASE,
)
VALIDATES = re.compile(
    r"valid|schema|celebrate|zod|\bjoi\b|ajv|sanit|whitelist|allowlist|pick|permit|parse|bodyParser\(", re.IGNORECASE
)
NOT_STORES = frozenset(
    {
        "URLSearchParams",
        "Error",
        "Date",
        "Set",
        "Map",
        "Promise",
        "Request",
        "Response",
        "FormData",
        "URL",
        "Buffer",
        "Uint8Array",
    }
)


class MassAssignment(Rule):
    """The whole body of a request goes into the store. The client then sets fields that were never meant for
    it, such as `role`, `balance` or `ownerId`. Take the fields one by one, or parse the body with a
    schema that drops all others.
    """

    id = "js-mass-assignment"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 915
    languages = LANGUAGES
    BAD = (
        "app.post('/users', async (req, res) => { res.json(await User.create(req.body)); });",
        (
            "router.put('/u/:id', async (req, res) => {\n  const updates = req.body;\n"
            "  await User.findByIdAndUpdate(req.params.id, { $set: updates });\n});"
        ),
        (
            "app.patch('/me', async (req, res) => {\n  const user = await find(req.user.id);\n"
            "  Object.assign(user, req.body);\n  await user.save();\n});"
        ),
        (
            "app.post('/p', async (req, res) => { await prisma.payment.create({ data: { ...req.body, userId: "
            "req.user.id } }); });"
        ),
        (
            "app.put('/u/:id', (req, res) => {\n"
            "  users.set(req.params.id, { ...users.get(req.params.id), ...req.body });\n});"
        ),
        "app.post('/u', async (req, res) => { const u = new User(req.body); await u.save(); });",
    )
    GOOD = (
        (
            "app.post('/users', async (req, res) => {\n  const { name, email } = req.body;\n"
            "  res.json(await User.create({ name, email }));\n});"
        ),
        (
            "app.post('/users', async (req, res) => {\n  const input = CreateUser.parse(req.body);\n"
            "  await User.create(input);\n});"
        ),
        "app.post('/users', validate(userSchema), async (req, res) => { await User.create(req.body); });",
        "app.post('/x', (req, res) => { logger.info({ ...req.body }); queue.add('job', { id: req.body.id }); });",
        (
            "app.post('/u', async (req, res) => {\n  const { error } = schema.validate(req.body);\n"
            "  if (error) throw error;\n  await User.create(req.body);\n});"
        ),
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
        return (
            bool(re.match(r"[A-Z][a-z]", call.name))
            and call.name not in NOT_STORES
            and not call.name.endswith(("Error", "Dto", "DTO", "Schema", "Command"))
        )
    if call.path in ("Object.assign", "_.merge", "lodash.merge", "_.extend", "_.assign", "merge"):
        return len(call.args) > 1 and bare(call.args[0]).kind != "object"
    if not STORES.match(call.name) or call.receiver is None:
        return False
    owner = dotted(call.receiver)
    return bool(RECEIVERS.search(owner.rsplit(".", 1)[-1]) or RECEIVERS.search(owner)) and not re.search(
        r"[lL]ogger|cache|redis|queue|stripe|axios", owner
    )


def _holds_body(node: Node, depth: int) -> bool:
    """Whether an argument is the body, or an object that takes all of it in."""
    if depth <= 0:
        return False
    if whole_body(node) or _is_rest(bare(node)):
        return True
    value = resolved(node)
    if value.kind != "object":
        return False
    for child in value.children:
        if (
            child.kind == "spread_element"
            and child.children
            and (whole_body(child.children[0]) or _is_rest(child.children[0]))
        ):
            return True
        inner = child.field("value") if child.kind == "pair" else None
        key = child.field("key") if child.kind == "pair" else None
        if (
            inner is not None
            and key is not None
            and re.fullmatch(r"data|\$set|create|update|values|defaults", key.text.strip("'\""))
        ) and _holds_body(inner, depth - 1):
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


RULES_DATA: tuple[Rule, ...] = (MassAssignment(),)
