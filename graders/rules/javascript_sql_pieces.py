"""Whether what is inserted into the text of an SQL statement can carry foreign text.

Here: following the pieces of a statement. Not here: which calls run one (`javascript_sql`), verdicts.
"""

from __future__ import annotations

import re

from graders.rules.javascript_node import FUNCTIONS, Binding, Call, Node, bare, dotted, function_of, member_name
from graders.rules.javascript_options import branches, resolved
from graders.rules.javascript_values import is_literal, joined, pieces

ESCAPES = re.compile(
    r"escape|quote|ident|^(?:parseInt|parseFloat|Number|BigInt|Boolean|toISOString|toFixed|getTime|now"
    r"|floor|ceil|round|min"
    r"|max|abs|trunc|sql|sqltag|randomUUID|clamp\w*|toInt\w*|placeholders?\w*|whitelist\w*|allowed\w*|safe\w*)$",
    re.IGNORECASE,
)
NUMERIC = frozenset({"-", "*", "/", "%", "**"})
TAGS = re.compile(r"(?:^|\.)(?:sql|SQL|Prisma\.sql|\$queryRaw|\$executeRaw|Prisma\.join)$")


def unsafe_piece(node: Node, depth: int = 8) -> Node | None:
    """The first inserted expression that can carry foreign text into a statement; None where there is none."""
    if depth <= 0:
        return None
    for end in branches(node):
        found = _unsafe_end(end, depth)
        if found is not None:
            return found
    return None


def _unsafe_end(node: Node, depth: int) -> Node | None:
    if node.kind in ("string", "number", "true", "false", "null", "undefined", "function_declaration"):
        return None
    if (
        node.kind == "template_string"
        or (node.kind == "binary_expression" and node.token("operator") == "+")
        or joined(node)
    ):
        return _unsafe_text(node, depth)
    return None if _harmless(node, depth) else node


def _unsafe_text(node: Node, depth: int) -> Node | None:
    before = ""
    for piece in pieces(node):
        if isinstance(piece, str):
            before = piece
            continue
        if not before.endswith(("$", "@p", ":p", "$p")):
            found = unsafe_piece(piece, depth - 1)
            if found is not None:
                return found
        before = ""
    return None


def _harmless(node: Node, depth: int) -> bool:
    if node.kind in ("identifier", "shorthand_property_identifier"):
        return _harmless_name(node, depth)
    if is_literal(node):
        return True
    if node.kind == "member_expression":
        return _harmless_member(node) or _is_checked(node)
    if node.kind == "subscript_expression":
        owner = node.field("object")
        return owner is not None and (is_literal(owner) or _is_capital(dotted(owner)))
    if node.kind == "call_expression":
        return _harmless_call(node, depth)
    if node.kind == "array":
        return all(unsafe_piece(item, depth - 1) is None for item in node.children)
    if node.kind == "binary_expression":
        return node.token("operator") in NUMERIC
    return node.kind in ("unary_expression", "update_expression")


def _harmless_name(node: Node, depth: int) -> bool:
    bound = node.script.binding(node)
    if _is_capital(node.text) and (bound is None or bound.how == "import" or not bound.values):
        return True
    if bound is None:
        return False
    if _is_checked(node):
        return True
    if bound.how == "parameter":
        return _is_number(bound) or _from_safe_list(bound, depth)
    if bound.how == "loop" and bound.value is not None:
        return is_literal(bound.value) or _is_capital(dotted(bound.value)) or _safe_entries(bound.value)
    values = [value for value in bound.values if value.kind not in FUNCTIONS]
    if bound.key is not None or not values:
        return False
    pushed = [arg for call in _pushes(node, bound) for arg in call.args]
    if not pushed and is_literal(node):
        return True
    return all(value.index != node.index and unsafe_piece(value, depth - 1) is None for value in [*values, *pushed])


def _harmless_member(node: Node) -> bool:
    name = member_name(node)
    if name in ("length", "size", "rowCount", "lastInsertRowid"):
        return True
    return (
        _is_capital(dotted(node).split(".")[0])
        or _is_capital(name)
        or is_literal(resolved(node))
        or bool(
            re.match(r"(?:\w+\.)*(?:[cC]onfig|settings|env|schema|tables?)\.", dotted(node))
            and "req." not in dotted(node)
        )
    )


def _harmless_call(node: Node, depth: int) -> bool:
    call = node.script.call(node)
    if call is None:
        return False
    arguments = node.field("arguments")
    if arguments is not None and arguments.kind == "template_string":
        return bool(TAGS.search(call.path))
    if ESCAPES.search(call.name) or TAGS.search(call.origin):
        return True
    owner = call.receiver
    if owner is None:
        return False
    if call.name in (
        "join",
        "trim",
        "toUpperCase",
        "toLowerCase",
        "concat",
        "filter",
        "slice",
        "sort",
        "flat",
        "replace",
        "repeat",
        "padStart",
    ):
        rest = call.args if call.name == "concat" else ()
        return all(unsafe_piece(part, depth - 1) is None for part in (owner, *rest))
    if call.name in ("map", "flatMap", "fill", "from") and call.args:
        function = bare(call.args[-1])
        return _safe_callback(function, depth)
    if call.name == "get":
        return is_literal(owner) or _is_capital(dotted(owner))
    return (
        call.name in ("keys", "values")
        and bool(call.args)
        and (is_literal(call.args[0]) or _is_capital(dotted(call.args[0])))
    )


def _safe_callback(function: Node, depth: int) -> bool:
    body = function.field("body") if function.kind in FUNCTIONS else None
    if body is None:
        return is_literal(function)
    ends = [body]
    if body.kind == "statement_block":
        ends = [n.children[0] for n in function.find("return_statement") if n.children and function_of(n) is function]
    return bool(ends) and all(unsafe_piece(end, depth - 1) is None for end in ends)


def _from_safe_list(bound: Binding, depth: int) -> bool:
    """Whether a callback's parameter runs over a list of harmless texts: `COLUMNS.map((c) => …)`; or is its index."""
    if bound.scope.kind not in FUNCTIONS or bound.scope.parent is None or bound.scope.parent.kind != "arguments":
        return False
    outer = bound.scope.parent.parent
    call = bound.site.script.call(outer) if outer is not None else None
    if call is None or call.receiver is None or call.name not in ("map", "flatMap", "forEach", "filter", "reduce"):
        return False
    listed = bound.scope.field("parameters")
    if (
        call.name != "reduce"
        and listed is not None
        and len(listed.children) > 1
        and bound.site.index == listed.children[1].index
    ):
        return True
    if bound.key not in (None, "0"):
        return False
    return _safe_entries(call.receiver) or unsafe_piece(call.receiver, depth - 1) is None


def _safe_entries(node: Node) -> bool:
    """`Object.entries(CONSTANT)` and the like; and lists that were filtered by a list of allowed names."""
    value = resolved(node)
    if value.kind != "call_expression":
        return is_literal(value)
    call = value.script.call(value)
    if call is None or not call.args:
        return False
    if call.path in ("Object.entries", "Object.keys", "Object.values"):
        return is_literal(call.args[0]) or _is_capital(dotted(call.args[0]))
    if call.name == "filter":
        return any(inner.name in ("includes", "has", "hasOwn") for inner in call.node.script.calls_in(call.args[0]))
    return False


def _is_checked(node: Node) -> bool:
    """Whether the function compares the name with a list of allowed values or a pattern."""
    for call in node.script.calls_in(function_of(node)):
        if call.name in (
            "includes",
            "has",
            "test",
            "hasOwn",
            "hasOwnProperty",
            "isInteger",
            "isSafeInteger",
            "match",
            "isFinite",
        ) and (
            any(bare(arg).text == node.text for arg in call.args)
            or (call.name == "match" and call.path.startswith(node.text))
        ):
            return True
    return any(
        binary.token("operator") == "in" and binary.children and binary.children[0].text == node.text
        for binary in function_of(node).find("binary_expression")
    )


def _is_number(bound: Binding) -> bool:
    kind = bound.site.field("type") if bound.site.kind in ("required_parameter", "optional_parameter") else None
    return kind is not None and bool(
        re.fullmatch(r":\s*(?:number|bigint|boolean|(?:\|?\s*['\"][^'\"]*['\"]\s*)+)", kind.text)
    )


def _pushes(node: Node, bound: Binding) -> list[Call]:
    return [
        call
        for call in node.script.calls
        if call.name in ("push", "unshift")
        and call.receiver is not None
        and call.receiver.text == node.text
        and node.script.binding(call.receiver) is bound
    ]


def _is_capital(name: str) -> bool:
    return (
        bool(re.fullmatch(r"[A-Z][A-Z0-9_]+", name.split(".", maxsplit=1)[0]))
        and name.split(".", maxsplit=1)[0] != "JSON"
    )
