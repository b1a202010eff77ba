"""Errors that nobody sees: swallowed ones, and promises that nobody waits for.

Here: the loss of an error. Not here: what the client is told of it (`js_error_leak`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_replies import replies
from graders.rules.javascript_tree import (
    CLASSES,
    FUNCTIONS,
    LANGUAGES,
    Call,
    Node,
    Script,
    bare,
    dotted,
    function_of,
    is_async,
    is_test,
    parameters,
    script,
    site,
)
from graders.rules.javascript_values import options
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

CLEANUP = re.compile(r"rollback|release|close|unlink|rm\b|rmdir|disconnect|destroy|\bend\(|kill|unref|abort|cancel|cleanup|removeListener"
                     r"|unlock|quit|terminate|dispose|shutdown|del\(|stop\(", re.IGNORECASE)
SIDE_LINE = re.compile(r"mail|notif|cache|redis|metric|audit|analytics|publish|emit|track|slack|webhook|telemetry|sms|push|warm|prefetch|invalidate"
                       r"|refresh|log", re.IGNORECASE)
LOGS = re.compile(r"^(?:console|logger|log|req\.log|this\.logger|this\.log|fastify\.log|app\.log|winston|pino|request\.log|server\.log)\.\w+$|^(?:log|debug)$")
TRIES = re.compile(r"JSON\.parse|new URL\(|decodeURI|\.accessSync|existsSync|require\(|import\(")


class SwallowedError(Rule):
    """An error is caught and nothing comes of it: an empty handler, or one that logs and lets the request go on to
    success. The caller believes that the work was done, and nobody learns that it was not. Handle it, or let it pass on.
    """

    id = "js-swallowed-error"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.HIGH
    cwe = 390
    languages = LANGUAGES
    BAD = (
        "async function pay() {\n  try { await charge(); } catch (e) {\n    // ignore\n  }\n}",
        "app.post('/pay', async (req, res) => {\n  try { await store.save(req.body); } catch (err) { console.error(err); }\n  res.json({ ok: true });\n});",
        "await saveOrder(order).catch(() => {});",
        "app.post('/pay', async (req, res) => {\n  try { await charge(); } catch (err) { res.json({ success: true }); }\n});",
        "jwt.verify(token, key, (err, user) => { req.user = user; next(); });",
    )
    GOOD = (
        "try { await charge(); } catch (err) { logger.error(err); throw err; }",
        "try { await client.query('COMMIT'); } catch (e) {\n  await client.query('ROLLBACK').catch(() => {});\n  throw e;\n}",
        "app.post('/o', async (req, res) => {\n  await save(req.body);\n  try { await sendEmail(req.body); } catch (err) { logger.warn(err); }\n  res.json({ ok: true });\n});",
        "app.get('/o', async (req, res, next) => {\n  try { res.json(await load()); } catch (err) { next(err); }\n});",
        "function read(s) { try { return JSON.parse(s); } catch { return null; } }\nfs.readFile(p, (err, data) => { if (err) throw err; use(data); });",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for clause in read.kinds("catch_clause"):
            verdict = _caught(read, clause)
            if verdict is not None:
                yield site(source, clause, verdict)
        for call in read.calls:
            if call.name == "catch" and call.receiver is not None and call.args:
                verdict = _caught_by_call(call)
                if verdict is not None:
                    yield site(source, call.node, verdict)
            elif call.args and _ignores_error(read, bare(call.args[-1]), call):
                yield site(source, call.args[-1], "The callback never looks at its error.")


def _caught(read: Script, clause: Node) -> str | None:
    """What is wrong with a `catch`; empty when it is sound; None when it is nobody's business."""
    attempt, body = clause.parent, clause.field("body")
    tried = attempt.field("body") if attempt is not None else None
    if attempt is None or body is None or tried is None or "// ..." in body.text or "/* ..." in body.text:
        return None
    if not body.children:
        harmless = CLEANUP.search(tried.text) or TRIES.search(tried.text) or not tried.find("call_expression", "new_expression")
        return None if harmless else "The error is caught and dropped."
    if _claims_success(read, body):
        return "The error is answered as a success."
    if _only_logs(read, body):
        if SIDE_LINE.search(_names(tried)) or CLEANUP.search(tried.text):
            return None
        return "The error is logged, and the request goes on to success." if _goes_on_to_success(read, attempt) else None
    return ""


def _names(node: Node) -> str:
    return " ".join(call.path for call in node.script.calls_in(node))


def _only_logs(read: Script, body: Node) -> bool:
    for statement in body.children:
        expression = bare(statement.children[0]) if statement.kind == "expression_statement" and statement.children else None
        call = read.call(expression) if expression is not None and expression.kind == "call_expression" else None
        if call is None or not LOGS.match(call.path):
            return False
    return True


def _claims_success(read: Script, body: Node) -> bool:
    for reply in replies(read):
        if not reply.node.within(body) or reply.status is None or reply.status >= 300 or function_of(reply.node) is not function_of(body):
            continue
        known = options(reply.content[0]) if reply.content else None
        if known is not None and any(key in ("success", "ok") and bare(value).kind == "true" for key, value in known.keys.items()):
            return True
    return False


def _goes_on_to_success(read: Script, attempt: Node) -> bool:
    block = attempt.parent
    if block is None or block.kind != "statement_block":
        return False
    after = [statement for statement in block.children if statement.index > attempt.index]
    return any(
        reply.status is not None and reply.status < 300 and any(reply.node.within(statement) for statement in after)
        and not any(around.kind == "if_statement" and around.within(block) for around in reply.node.ancestors())
        for reply in replies(read)
    )


def _caught_by_call(call: Call) -> str | None:
    handler = bare(call.args[0])
    receiver = call.receiver
    if receiver is None or (receiver.kind != "call_expression" and receiver.kind != "identifier"):
        return None
    if handler.text in ("noop", "_.noop", "() => undefined", "() => void 0"):
        empty = True
    elif handler.kind in FUNCTIONS:
        body = handler.field("body")
        empty = body is not None and body.kind == "statement_block" and not body.children
    else:
        return "" if handler.text in ("next", "reject", "done") else None
    if not empty:
        return ""
    harmless = CLEANUP.search(receiver.text) or SIDE_LINE.search(dotted(receiver)) or TRIES.search(receiver.text) or receiver.kind == "identifier"
    return None if harmless else "The rejection is caught and dropped."


def _ignores_error(read: Script, function: Node, call: Call) -> bool:
    """Whether a callback has an error as its first parameter and a result as its second, and uses only the result."""
    listed = parameters(function) if function.kind in ("arrow_function", "function_expression") else []
    if len(listed) != 2 or listed[0].kind != "identifier" or not re.fullmatch(r"err|error", listed[0].text):
        return False
    if call.name in ("use", "on", "once", "setErrorHandler", "catch") or CLEANUP.search(call.path + "("):
        return False
    body = function.field("body")
    used = body.find("identifier", "shorthand_property_identifier") if body is not None else []
    return any(node.text == listed[1].text for node in used) and not any(node.text == listed[0].text for node in used)


PROMISES = re.compile(r"^(?:globalThis\.)?fetch$|^axios(?:\.\w+)?$|^(?:fs/promises|fs\.promises|fsp|fsPromises)\.\w+$|^node-fetch$"
                      r"|(?:^|\.)prisma\.(?:\w+\.(?:create|update|delete|upsert|createMany|updateMany|deleteMany)|\$transaction|\$executeRaw\w*)$"
                      r"|^(?:bcrypt|bcryptjs|argon2)\.(?:hash|compare|verify)$|^stripe\.\w+(?:\.\w+)*\.(?:create|update|capture|cancel|confirm)$")
QUERIES = re.compile(r"(?:^|\.)(?:pool|client|db|conn|connection|pgPool|pgClient|dbPool|trx|tx|pgp|database)\.query$"
                     r"|(?:^|\.)(?:userStore|orderStore|store|repo|repository|\w+Store|\w+Repo|\w+Repository)\.(?:save|create|insert|update|delete|remove)$")
MODEL = re.compile(r"^[A-Z][a-z]\w*\.(?:create|updateOne|updateMany|deleteOne|deleteMany|findByIdAndUpdate|findOneAndUpdate|insertMany|bulkCreate|upsert|destroy)$")
SYNCHRONOUS = re.compile(r"better-sqlite3|sqlite3|bun:sqlite|node:sqlite|DatabaseSync|^mysql2?\.create(?:Connection|Pool)|new Map|new Set")


class FloatingPromise(Rule):
    """A promise is started and nobody waits for it. Its failure becomes an unhandled rejection, which ends the process or
    is lost, and the code after it runs as if the work were done. Await it, return it, or give it a `catch`.
    """

    id = "js-floating-promise"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.HIGH
    cwe = 252
    languages = LANGUAGES
    BAD = (
        "async function save(order) { await db.query('X', [order]); }\nasync function handle(req, res) {\n  save(req.body);\n  res.sendStatus(201);\n}",
        "app.post('/pay', async (req, res) => {\n  pool.query('UPDATE a SET b = 1');\n  res.json({ ok: true });\n});",
        "async function all(items) {\n  items.forEach(async (item) => { await push(item); });\n}",
        "class S {\n  async audit() { await write(); }\n  async run() { this.audit(); }\n}",
        "async function ping() { fetch(url, { method: 'POST' }).then(() => done()); }",
    )
    GOOD = (
        "async function save() { await f(); }\nasync function handle() { await save(); return save(); }",
        "async function run() { save().catch(log); void save(); await Promise.all(items.map(async (i) => save(i))); }\nasync function save() { await f(); }",
        "async function tick() {\n  try { await poll(); } catch (err) { log(err); }\n}\nasync function start() { tick(); }",
        "async function f() {\n  connection.query('SELECT 1', (err, rows) => { if (err) throw err; });\n  const p = fetch(url);\n  await p;\n}",
        "async function main() { await boot(); }\nmain();",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for call in read.calls:
            if call.node.kind != "call_expression":
                continue
            if call.name == "forEach" and call.args and bare(call.args[0]).kind in FUNCTIONS:
                if is_async(bare(call.args[0])) and not _never_rejects(bare(call.args[0])):
                    yield site(source, call.node, "forEach does not wait for its async callback.")
                continue
            if not _is_promise(call):
                continue
            if call.awaited or call.node.parent is not None and call.node.parent.kind == "return_statement":
                yield site(source, call.node)
            elif _floats(call) and _in_request(call.node):
                yield site(source, call.node, f"Nobody waits for {call.path}.")


def _is_promise(call: Call) -> bool:
    """Whether a call gives a promise: of an async function of this source, or of a well-known library."""
    if call.args and bare(call.args[-1]).kind in FUNCTIONS and not call.path.endswith("transaction"):
        return False
    function = _local(call)
    if function is not None:
        return is_async(function) and not _never_rejects(function)
    if PROMISES.search(call.origin):
        return call.callee.kind != "identifier" or not _is_shadowed(call)
    if call.receiver is None:
        return False
    if QUERIES.search(call.path):
        return not SYNCHRONOUS.search(call.node.script.origin(call.receiver)) and not _is_sync_store(call)
    return bool(MODEL.match(call.path)) and call.path.split(".")[0] not in ("Object", "Promise", "Array", "Reflect", "Buffer")


def _is_sync_store(call: Call) -> bool:
    """A store counts only where this source waits for one of its calls elsewhere."""
    owner = call.path.rsplit(".", 1)[0]
    if call.name == "query":
        return False
    return not any(other.awaited and other.path.startswith(owner + ".") for other in call.node.script.calls)


def _is_shadowed(call: Call) -> bool:
    bound = call.node.script.binding(call.callee)
    return bound is not None and bound.how in ("parameter", "function")


def _local(call: Call) -> Node | None:
    """The function of this source that a call leads to: by name, or a method of the same class."""
    read = call.node.script
    if call.callee.kind == "identifier":
        bound = read.binding(call.callee)
        value = bare(bound.value) if bound is not None and bound.value is not None and bound.key is None else None
        return value if value is not None and value.kind in FUNCTIONS else None
    if call.path == f"this.{call.name}":
        around = next((n for n in call.node.ancestors() if n.kind in CLASSES), None)
        methods = around.find("method_definition") if around is not None else []
        return next((m for m in methods if (name := m.field("name")) is not None and name.text.lstrip("#") == call.name), None)
    return None


def _never_rejects(function: Node) -> bool:
    """An async function that catches all it does: only plain statements stand outside its `try … catch`."""
    body = function.field("body")
    if body is None or body.kind != "statement_block" or not body.children:
        return False
    tries = [s for s in body.children if s.kind == "try_statement" and any(c.kind == "catch_clause" for c in s.children)]
    outside = [s for s in body.children if s not in tries]
    rethrown = any(c.find("throw_statement") for s in tries for c in s.children if c.kind == "catch_clause")
    return bool(tries) and not rethrown and not any(s.find("await_expression", "throw_statement") for s in outside)


def _floats(call: Call) -> bool:
    """Whether a call, with the `then`s after it, is a statement of its own that nobody handles."""
    node = call.node
    while node.parent is not None:
        parent = node.parent
        if parent.kind == "expression_statement":
            return True
        if parent.kind == "member_expression" and parent.parent is not None and parent.parent.kind == "call_expression":
            chained = call.node.script.call(parent.parent)
            if chained is None or chained.name not in ("then", "finally") or len(chained.args) > 1:
                return False
            node = parent.parent
        elif parent.kind == "parenthesized_expression":
            node = parent
        else:
            return False
    return False


def _in_request(node: Node) -> bool:
    """In an async function, or in the handler of a request."""
    function = function_of(node)
    if function.kind == "program":
        return False
    named = [p.text for p in parameters(function)]
    return is_async(function) or len(named) > 1 and named[0] in ("req", "request", "_req") and named[1] in ("res", "response", "reply")


RULES_ERRORS: tuple[Rule, ...] = (SwallowedError(), FloatingPromise())
