"""Errors that nobody sees: swallowed ones, and promises that nobody waits for.

Here: the loss of an error. Not here: what the client is told of it (`js_error_leak`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import (
    FUNCTIONS,
    LANGUAGES,
    Call,
    Node,
    bare,
    dotted,
    function_of,
    parameters,
)
from graders.rules.javascript_options import options
from graders.rules.javascript_replies import Reply, replies
from graders.rules.javascript_tree import Script, is_test, script, site
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

CLEANUP = re.compile(
    r"rollback|release|close|unlink|rm\b|rmdir|disconnect|destroy|\bend\(|kill|unref|abort|cancel"
    r"|cleanup|removeListener"
    r"|unlock|quit|terminate|dispose|shutdown|del\(|stop\(",
    re.IGNORECASE,
)
SIDE_LINE = re.compile(
    r"mail|notif|cache|redis|metric|audit|analytics|publish|emit|track|slack|webhook|telemetry|sms"
    r"|push|warm|prefetch|invalidate"
    r"|refresh|log",
    re.IGNORECASE,
)
LOGS = re.compile(
    r"^(?:console|logger|log|req\.log|this\.logger|this\.log|fastify\.log|app\.log|winston|pino"
    r"|request\.log|server\.log)\.\w+$|^(?:log|debug)$"
)
TRIES = re.compile(r"JSON\.parse|new URL\(|decodeURI|\.accessSync|existsSync|require\(|import\(")


class SwallowedError(Rule):
    """An error is caught and nothing comes of it: an empty handler, or one that logs and lets the request go on to
    success. The caller believes that the work was done, and nobody learns that it was not. Handle it, or pass it on.
    """

    id = "js-swallowed-error"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.HIGH
    cwe = 390
    languages = LANGUAGES
    BAD = (
        "async function pay() {\n  try { await charge(); } catch (e) {\n    // ignore\n  }\n}",
        (
            "app.post('/pay', async (req, res) => {\n"
            "  try { await store.save(req.body); } catch (err) { console.error(err); }\n"
            "  res.json({ ok: true });\n});"
        ),
        "await saveOrder(order).catch(() => {});",
        (
            "app.post('/pay', async (req, res) => {\n"
            "  try { await charge(); } catch (err) { res.json({ success: true }); }\n});"
        ),
        "jwt.verify(token, key, (err, user) => { req.user = user; next(); });",
    )
    GOOD = (
        "try { await charge(); } catch (err) { logger.error(err); throw err; }",
        (
            "try { await client.query('COMMIT'); } catch (e) {\n"
            "  await client.query('ROLLBACK').catch(() => {});\n  throw e;\n}"
        ),
        (
            "app.post('/o', async (req, res) => {\n  await save(req.body);\n"
            "  try { await sendEmail(req.body); } catch (err) { logger.warn(err); }\n"
            "  res.json({ ok: true });\n});"
        ),
        "app.get('/o', async (req, res, next) => {\n  try { res.json(await load()); } catch (err) { next(err); }\n});",
        (
            "function read(s) { try { return JSON.parse(s); } catch { return null; } }\n"
            "fs.readFile(p, (err, data) => { if (err) throw err; use(data); });"
        ),
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        answers = tuple(replies(read))
        for clause in read.kinds("catch_clause"):
            verdict = _caught(read, clause, answers)
            if verdict is not None:
                yield site(source, clause, verdict)
        for call in read.calls:
            if call.name == "catch" and call.receiver is not None and call.args:
                verdict = _caught_by_call(call)
                if verdict is not None:
                    yield site(source, call.node, verdict)
            elif call.args and _ignores_error(read, bare(call.args[-1]), call):
                yield site(source, call.args[-1], "The callback never looks at its error.")


def _caught(read: Script, clause: Node, answers: tuple[Reply, ...]) -> str | None:
    """What is wrong with a `catch`; empty when it is sound; None when it is nobody's business."""
    attempt, body = clause.parent, clause.field("body")
    tried = attempt.field("body") if attempt is not None else None
    if attempt is None or body is None or tried is None or "// ..." in body.text or "/* ..." in body.text:
        return None
    if not body.children:
        harmless = (
            CLEANUP.search(tried.text)
            or TRIES.search(tried.text)
            or not tried.find("call_expression", "new_expression")
        )
        return None if harmless else "The error is caught and dropped."
    if _claims_success(body, answers):
        return "The error is answered as a success."
    if _only_logs(read, body):
        if SIDE_LINE.search(_names(tried)) or CLEANUP.search(tried.text):
            return None
        return (
            "The error is logged, and the request goes on to success."
            if _goes_on_to_success(attempt, answers)
            else None
        )
    return ""


def _names(node: Node) -> str:
    return " ".join(call.path for call in node.script.calls_in(node))


def _only_logs(read: Script, body: Node) -> bool:
    for statement in body.children:
        expression = (
            bare(statement.children[0]) if statement.kind == "expression_statement" and statement.children else None
        )
        call = read.call(expression) if expression is not None and expression.kind == "call_expression" else None
        if call is None or not LOGS.match(call.path):
            return False
    return True


def _claims_success(body: Node, answers: tuple[Reply, ...]) -> bool:
    for reply in answers:
        if (
            not reply.node.within(body)
            or reply.status is None
            or reply.status >= 300
            or function_of(reply.node) is not function_of(body)
        ):
            continue
        known = options(reply.content[0]) if reply.content else None
        if known is not None and any(
            key in ("success", "ok") and bare(value).kind == "true" for key, value in known.keys.items()
        ):
            return True
    return False


def _goes_on_to_success(attempt: Node, answers: tuple[Reply, ...]) -> bool:
    block = attempt.parent
    if block is None or block.kind != "statement_block":
        return False
    after = [statement for statement in block.children if statement.index > attempt.index]
    return any(
        reply.status is not None
        and reply.status < 300
        and any(reply.node.within(statement) for statement in after)
        and not any(around.kind == "if_statement" and around.within(block) for around in reply.node.ancestors())
        for reply in answers
    )


def _caught_by_call(call: Call) -> str | None:
    handler = bare(call.args[0])
    receiver = call.receiver
    if receiver is None or (receiver.kind not in {"call_expression", "identifier"}):
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
    harmless = (
        CLEANUP.search(receiver.text)
        or SIDE_LINE.search(dotted(receiver))
        or TRIES.search(receiver.text)
        or receiver.kind == "identifier"
    )
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


RULES_ERRORS: tuple[Rule, ...] = (SwallowedError(),)
