"""Replies to a client, and where errors are handled: what the rules on errors and on output share.

Here: recognising a reply, its status and its content; the error in hand. Not here: verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graders.rules.javascript_node import FUNCTIONS, Binding, Call, Node, bare, dotted, parameters
from graders.rules.javascript_options import branches, resolved
from graders.rules.javascript_tree import Script
from graders.rules.javascript_values import constant

REPLY = re.compile(
    r"^(?:res|response|reply|rep|resp|ctx|c|_res)(?:\.(?:status|code|type|set|header|writeHead"
    r"|sendStatus|setHeader)\(\))*"
    r"\.(?:json|jsonp|send|end|write|render|body|status|text|html)$|^(?:NextResponse|Response)\.json$"
)
ERROR_NAME = re.compile(r"^(?:e|ex|err|error|exc|exception|\w*(?:Err|Error))$")


@dataclass(frozen=True, eq=False, kw_only=True)
class Reply:
    """A call that sends something to the client."""

    node: Node
    content: tuple[Node, ...]
    status: int | None
    """The status, if it is written; 200 when none is set."""
    dynamic: bool
    """Whether the status is computed."""


def replies(script: Script) -> Iterator[Reply]:
    """Every reply with a content."""
    for call in script.calls:
        if (
            REPLY.match(call.path)
            and call.args
            and call.name not in ("status", "write" if "." not in call.path else "status")
        ):
            status = _status(call)
            content = call.args[1:] if call.name == "render" else call.args
            yield Reply(node=call.node, content=content, status=status, dynamic=status is None)
    for node in script.kinds("assignment_expression"):
        left, right = node.field("left"), node.field("right")
        if left is not None and right is not None and dotted(left) in ("ctx.body", "ctx.response.body"):
            yield Reply(node=node, content=(right,), status=None, dynamic=True)


def _status(call: Call) -> int | None:
    """The status set in the chain, beside it as an option, or by an earlier statement of the same block."""
    node = call.receiver
    while node is not None:
        node = bare(node)
        inner = node.script.call(node) if node.kind == "call_expression" else None
        if inner is None:
            break
        if inner.name in ("status", "code", "writeHead") and inner.args:
            return _number(inner.args[0])
        node = inner.receiver
    if call.path.endswith(("Response.json", "c.json")):
        return next(
            (
                n
                for arg in call.args[1:]
                for part in [arg, *arg.find("pair")]
                if (n := _number(_value(part))) is not None
            ),
            200,
        )
    return _earlier_status(call)


def _value(node: Node) -> Node:
    return node.field("value") or node if node.kind == "pair" else node


def _earlier_status(call: Call) -> int | None:
    block = next((n for n in call.node.ancestors() if n.kind == "statement_block"), None)
    for statement in reversed(block.children if block is not None else []):
        if statement.index >= call.node.index or statement.kind != "expression_statement" or not statement.children:
            continue
        first = statement.children[0]
        inner = first.script.call(first) if first.kind == "call_expression" else None
        if inner is not None and inner.name in ("status", "code", "writeHead") and inner.args:
            return _number(inner.args[0])
        if (
            first.kind == "assignment_expression"
            and first.text.startswith(("res.statusCode", "ctx.status"))
            and len(first.children) > 1
        ):
            return _number(first.children[1])
    return 200


def _number(node: Node) -> int | None:
    value = resolved(node)
    if value.text.isdigit():
        return int(value.text)
    named = re.search(
        r"(?:^|\.)(?:\w*_)?(INTERNAL_SERVER_ERROR|BAD_REQUEST|UNAUTHORIZED|FORBIDDEN|NOT_FOUND|CONFLICT|OK|CREATED)$",
        value.text,
    )
    known = {
        "INTERNAL_SERVER_ERROR": 500,
        "BAD_REQUEST": 400,
        "UNAUTHORIZED": 401,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "CONFLICT": 409,
        "OK": 200,
        "CREATED": 201,
    }
    if named is not None:
        return known[named[1]]
    ends = [end.text for end in branches(value)]
    return int(ends[0]) if ends and all(re.fullmatch(r"4\d\d", end) for end in ends) else None


def error_in_hand(node: Node) -> Binding | None:
    """The error that the code around a node handles: of a `catch`, a callback or an error middleware."""
    for around in node.ancestors():
        name: Node | None = None
        if around.kind == "catch_clause":
            name = around.field("parameter")
        elif around.kind in FUNCTIONS:
            listed = parameters(around)
            if listed and listed[0].kind == "identifier" and (ERROR_NAME.match(listed[0].text) or _is_catch(around)):
                name = listed[0]
        if name is not None and name.kind == "identifier":
            return next((b for b in node.script.bindings.get(name.text, ()) if b.scope is around), None)
    return None


def _is_catch(function: Node) -> bool:
    arguments = function.parent
    if arguments is None or arguments.kind != "arguments" or arguments.parent is None:
        return False
    callee = arguments.parent.field("function")
    return callee is not None and dotted(callee).endswith((".catch", ".onError", ".setErrorHandler"))


def header_set(call: Call) -> str:
    """Name, in lower case, of the header that a call sets; empty for any other call."""
    if call.name not in ("setHeader", "header", "set", "append") or not call.args:
        return ""
    return (constant(call.args[0]) or "").lower()
