"""What a client gets to read when something breaks.

Here: errors in replies. Not here: errors that nobody sees (`js_errors`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import FUNCTIONS, LANGUAGES, Binding, Node, bare, dotted, member_name
from graders.rules.javascript_replies import error_in_hand, replies
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

INNER = frozenset(
    {"message", "toString", "sqlMessage", "detail", "sql", "hint", "original", "parent", "cause", "errmsg", "reason"}
)
DUMPS = re.compile(r"^(?:String|JSON\.stringify|util\.inspect|inspect|serializeError|Object\.assign|util\.format)$")
DEVELOPMENT = re.compile(
    r"NODE_ENV|is_?prod|is_?dev|production|development|debug|expose_?(?:errors|stack)|show_?stack", re.IGNORECASE
)
OWN_ERROR = re.compile(
    r"instanceof\s+(?!(?:Error|Object)\b)\w|isOperational|expose|isPublic|is\w+Error\(|isBoom|isJoi"
    r"|<\s*500|>=?\s*500|===?\s*500"
    r"|status|Status|Known|\b(?:e|ex|err|error)\??\.(?!message|stack|response)\w+|[Oo]perational"
    r"|[Cc]lientError|knownErrors"
)


class ErrorLeak(Rule):
    """The text, the stack or the whole of an unexpected error goes to the client. It names tables, queries, files and
    libraries, and so helps an attacker on. Log the error, and answer with a fixed message and an id to ask about.
    """

    id = "js-error-leak"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.MEDIUM
    cwe = 209
    languages = LANGUAGES
    BAD = (
        (
            "app.get('/x', async (req, res) => {\n  try { res.json(await load()); } catch (err) {\n"
            "    res.status(500).json({ error: err.message });\n  }\n});"
        ),
        (
            "app.use((err, req, res, next) => {\n"
            "  res.status(err.status || 500).send({ message: err.message, stack: err.stack });\n});"
        ),
        (
            "db.query(sql, [], (error, rows) => {\n  if (error) return res.status(500).send(error);\n"
            "  res.json(rows);\n});"
        ),
        "run().catch((e) => res.status(500).send(`failed: ${e}`));",
        (
            "try { await pay(); } catch (e) {\n  const message = e instanceof Error ? e.message : 'Unknown';\n"
            "  return res.status(500).json({ message });\n}"
        ),
    )
    GOOD = (
        (
            "try { await pay(); } catch (err) {\n  logger.error(err);\n"
            "  res.status(500).json({ error: 'Internal server error' });\n}"
        ),
        (
            "app.use((err, req, res, next) => {\n  const status = err.status ?? 500;\n"
            "  const message = status < 500 ? err.message : 'Internal server error';\n"
            "  res.status(status).json({ message });\n});"
        ),
        (
            "try { parse(); } catch (err) {\n"
            "  if (err instanceof ValidationError) return res.status(400).json({ error: err.message });\n"
            "  next(err);\n}"
        ),
        (
            "app.use((err, req, res, next) => {\n"
            "  res.status(500).json({ error: 'Internal', ...(process.env.NODE_ENV === 'development' && { "
            "stack: err.stack }) });\n});"
        ),
        "try { check(); } catch (e) { res.status(400).json({ error: e.message, details: e.issues }); }",
    )

    def check(self, source: Source) -> Iterator[Site]:
        if is_test(source):
            return
        for reply in replies(script(source)):
            bound = error_in_hand(reply.node)
            if bound is None:
                continue
            told = {kind for part in reply.content for kind in _told(part, bound, reply.node, 3)}
            refused = reply.status is not None and 400 <= reply.status < 500
            if "stack" in told or "whole" in told or ("message" in told and not refused):
                yield site(source, reply.node, _message(told))
            elif not told and (reply.dynamic or (reply.status is not None and reply.status >= 500)):
                yield site(source, reply.node)


def _message(told: set[str]) -> str:
    what = "stack" if "stack" in told else "error itself" if "whole" in told else "text"
    return f"The client gets the {what}{' of the error' if what != 'error itself' else ''}."


def _told(expression: Node, bound: Binding, reply: Node, depth: int) -> Iterator[str]:
    """What of the error an expression gives away: `stack`, `message`, `whole`."""
    for node in expression.find("identifier", "shorthand_property_identifier"):
        holder = expression.script.binding(node)
        if holder is None or _in_function(node, expression):
            continue
        if holder is bound or _is_alias(holder, bound):
            kind = _part(node, reply)
        elif holder.key is not None and holder.value is not None:
            kind = holder.key if bare(holder.value).text == bound.name and holder.key in ("message", "stack") else ""
        else:
            yield from _told_by_value(holder, bound, depth)
            continue
        if kind and not _guarded(node, bound, development_only=kind == "stack"):
            yield kind


def _told_by_value(holder: Binding, bound: Binding, depth: int) -> Iterator[str]:
    """What the values of a local name give away."""
    if depth <= 0 or holder.how not in ("const", "let", "var") or _fixed_later(holder):
        return
    for value in holder.values:
        if value.kind not in FUNCTIONS and not _is_other_call(value):
            yield from _told(value, bound, value, depth - 1)


def _in_function(node: Node, root: Node) -> bool:
    return any(around.kind in FUNCTIONS and around.within(root) for around in node.ancestors())


def _is_alias(holder: Binding, bound: Binding) -> bool:
    value = bare(holder.value) if holder.value is not None and holder.key is None else None
    return value is not None and value.kind == "identifier" and value.script.binding(value) is bound


def _is_other_call(value: Node) -> bool:
    """A value made by some other function, of which nothing is known: `formatError(err)`."""
    value = bare(value)
    callee = value.field("function") if value.kind == "call_expression" else None
    return callee is not None and not DUMPS.match(dotted(callee)) and not dotted(callee).endswith("toString")


def _fixed_later(holder: Binding) -> bool:
    """A text that is replaced under a condition: `if (status >= 500) message = 'Internal error'`."""
    return (
        any(bare(value).kind == "string" for value in holder.later)
        and holder.value is not None
        and bare(holder.value).kind != "string"
    )


def _part(node: Node, reply: Node) -> str:
    """What the place where the error's name stands gives away of it."""
    at, parent = node, node.parent
    while parent is not None and parent.kind in (
        "parenthesized_expression",
        "as_expression",
        "non_null_expression",
        "await_expression",
    ):
        at, parent = parent, parent.parent
    if parent is None:
        return ""
    if parent.kind == "member_expression":
        name = member_name(parent)
        return "stack" if name == "stack" else "message" if name in INNER else ""
    if parent.kind == "template_substitution":
        return "message"
    if parent.kind == "arguments":
        return _passed(parent, reply)
    if parent.kind == "binary_expression":
        operator = parent.token("operator")
        first = parent.field("left") is at
        return "whole" if operator == "+" or (operator in ("||", "??") or (operator == "&&" and not first)) else ""
    if parent.kind == "ternary_expression":
        return "" if parent.field("condition") is at else "whole"
    return (
        "whole"
        if parent.kind in ("pair", "spread_element", "object", "array", "assignment_expression", "variable_declarator")
        else ""
    )


def _passed(arguments: Node, reply: Node) -> str:
    call = arguments.parent
    if call is reply:
        return "whole"
    callee = call.field("function") if call is not None else None
    return "whole" if callee is not None and DUMPS.match(dotted(callee)) else ""


def _guarded(node: Node, bound: Binding, *, development_only: bool) -> bool:
    """Whether the place is reached only in development, or only for errors that the service made itself."""
    for condition in _conditions(node, bound.scope):
        if DEVELOPMENT.search(condition) or (not development_only and OWN_ERROR.search(condition)):
            return True
    return False


def _conditions(node: Node, scope: Node) -> Iterator[str]:
    """The conditions under which a node is reached, up to the error's handler; and those of earlier ways out."""
    at = node
    for around in node.ancestors():
        if around.kind in ("ternary_expression", "if_statement"):
            condition = around.field("condition")
            if condition is not None and condition is not at:
                yield _spelled_out(condition)
        elif around.kind == "binary_expression" and around.token("operator") == "&&" and around.field("right") is at:
            yield _spelled_out(around.children[0])
        elif around.kind == "switch_case":
            yield "err.kind"
        elif around.kind == "statement_block":
            yield from _earlier_exits(around, at)
        if around is scope:
            return
        at = around


def _spelled_out(condition: Node) -> str:
    """The condition with what its names stand for: `known` of `const known = err instanceof AppError`."""
    names = [condition.script.binding(name) for name in condition.find("identifier")]
    return " ".join(
        [condition.text, *(b.value.text for b in names if b is not None and b.how == "const" and b.value is not None)]
    )


def _earlier_exits(block: Node, at: Node) -> Iterator[str]:
    """`if (!(err instanceof AppError)) return …` stands for its contrary below it."""
    for statement in block.children:
        if statement.index >= at.index:
            return
        condition = statement.field("condition") if statement.kind == "if_statement" else None
        if (
            condition is not None
            and re.search(r"!|>=?\s*500", condition.text)
            and statement.find("return_statement", "throw_statement")
        ):
            yield _spelled_out(condition)


RULES_ERROR_LEAK: tuple[Rule, ...] = (ErrorLeak(),)
