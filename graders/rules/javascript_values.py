"""What JavaScript expressions can be: constants, option objects, pieces of a text, data of a request.

Here: one-step data flow within a source. Not here: names and scopes (`javascript_tree`), and defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.rules.javascript_node import DEPTH, FUNCTIONS, Call, Node, bare, dotted, function_of, quoted
from graders.rules.javascript_options import branches, resolved

CONSTANTS = frozenset({"number", "true", "false", "null", "undefined", "regex"})
REQUEST = re.compile(
    r"^(?:\w+\.)*?(?:req|request|ctx|context|c|event)(?:\.req(?:uest)?)?\.(?:\w+\(\)\.)?"
    r"(?:body|query|params|param\(\)|headers|cookies|originalUrl|url|path|file|files|queryStringParameters)\b"
)
VALIDATES = re.compile(
    r"valid|parse|schema|sanit|celebrate|check|assert|allow|whitelist|pick|escape|clean|safe|guard", re.IGNORECASE
)


def constant(node: Node | None) -> str | None:
    """The text of a string that is known at the time of writing; None for any other value."""
    if node is None:
        return None
    value = resolved(node)
    if value.kind == "string":
        return quoted(value)
    if value.kind in ("template_string", "binary_expression"):
        found = list(pieces(value))
        if found and all(isinstance(piece, str) for piece in found):
            return "".join(piece for piece in found if isinstance(piece, str))
    return None


def strings(node: Node) -> list[str]:
    """The string constants that a list, or a single value, holds."""
    value = resolved(node)
    items = value.children if value.kind == "array" else [value]
    return [text for item in items for branch in branches(item) if (text := constant(branch)) is not None]


def pieces(node: Node, depth: int = DEPTH) -> Iterator[str | Node]:
    """A text expression as its constant parts and its inserted expressions, in order."""
    node = bare(node)
    if node.kind == "string":
        yield quoted(node)
    elif node.kind == "template_string":
        yield from _filled(node, depth)
    elif node.kind == "binary_expression" and node.token("operator") == "+":
        for side in _operands(node):
            yield from _inserted(side, depth)
    elif (parts := joined(node)) and depth > 0:
        for part in parts:
            yield from _inserted(part, depth - 1)
    else:
        yield from _inserted(node, depth)


def _filled(template: Node, depth: int) -> Iterator[str | Node]:
    for child in template.children:
        if child.kind != "template_substitution":
            yield child.text
        elif child.children:
            yield from _inserted(child.children[0], depth)


def joined(node: Node) -> list[Node]:
    """The parts of `[a, b].join(' ')`, `'a'.concat(b)` and `util.format('a %s', b)`; empty for any other expression."""
    call = node.script.call(node) if node.kind == "call_expression" else None
    if call is None:
        return []
    if call.origin == "util.format":
        return list(call.args)
    owner = bare(call.receiver) if call.receiver is not None else None
    if owner is None:
        return []
    if call.name == "concat" and resolved(owner).kind in ("string", "template_string"):
        return [owner, *call.args]
    if (
        call.name == "join"
        and owner.kind == "array"
        and not any(item.kind == "spread_element" for item in owner.children)
    ):
        return owner.children
    return []


def _operands(node: Node) -> list[Node]:
    """The operands of a chain of `+`, without recursing into its left arm."""
    found: list[Node] = []
    while node.kind == "binary_expression" and node.token("operator") == "+":
        right, left = node.field("right"), node.field("left")
        if right is not None:
            found.append(bare(right))
        if left is None:
            return found[::-1]
        node = bare(left)
    return [node, *reversed(found)]


def _inserted(node: Node, depth: int) -> Iterator[str | Node]:
    node = bare(node)
    value = resolved(node)
    if (depth > 0 and value.kind in ("string", "template_string")) or (
        depth > 0 and value.kind == "binary_expression" and value.token("operator") == "+" and _is_text(value)
    ):
        yield from pieces(value, depth - 1)
    elif value.kind == "number":
        yield value.text
    elif depth > 0 and value is not node and joined(value):
        yield from pieces(value, depth - 1)
    else:
        yield node


def _is_text(node: Node) -> bool:
    return any(side.kind in ("string", "template_string") for side in _operands(node))


def flows(node: Node, depth: int = 3) -> Iterator[Node]:
    """The nodes of an expression, and of the values of the names in it, and so on."""
    seen: set[int] = set()
    todo = [(node, depth)]
    while todo:
        at, left = todo.pop()
        if at.index in seen:
            continue
        seen.add(at.index)
        for inner in at.subtree():
            yield inner
            if left > 0 and inner.kind in ("identifier", "shorthand_property_identifier"):
                bound = inner.script.binding(inner)
                if bound is not None and bound.how in ("const", "let", "var"):
                    values = bound.later if bound.value is None else [bound.value, *bound.later]
                    todo.extend((value, left - 1) for value in values if value.kind not in FUNCTIONS)


def from_request(node: Node) -> bool:
    """Whether a name or member comes from what the client sent."""
    return node.kind in ("identifier", "member_expression", "subscript_expression", "call_expression") and bool(
        REQUEST.match(node.script.origin(node) or dotted(node))
    )


def whole_body(node: Node) -> bool:
    """Whether an expression is the request's body itself, under whatever name."""
    value = bare(node)
    if value.kind not in ("identifier", "member_expression", "shorthand_property_identifier"):
        return False
    path = value.script.origin(value)
    return bool(re.fullmatch(r"(?:\w+\.)?(?:req|request|ctx\.request|c\.req)\.(?:body|json\(\))", path))


def is_literal(node: Node, depth: int = DEPTH) -> bool:
    """Whether a value is fixed in the source: a constant, or a list or conditional of constants."""
    value = resolved(node)
    if depth <= 0:
        return False
    if value.kind in CONSTANTS or constant(value) is not None:
        return True
    if value.kind in ("ternary_expression", "binary_expression"):
        ends = branches(value)
        return ends != [value] and all(is_literal(end, depth - 1) for end in ends)
    if value.kind in ("array", "object"):
        return all(_literal_item(child, depth - 1) for child in value.children)
    if value.kind == "new_expression":
        return _is_literal_set(value, depth - 1)
    return value.kind == "call_expression" and dotted(value) == "Object.freeze()"


def _literal_item(child: Node, depth: int) -> bool:
    if child.kind == "pair":
        inner = child.field("value")
        return inner is not None and is_literal(inner, depth)
    return child.kind != "spread_element" and is_literal(child, depth)


def _is_literal_set(node: Node, depth: int) -> bool:
    made, arguments = node.field("constructor"), node.field("arguments")
    if made is None or made.text not in ("Set", "Map") or arguments is None:
        return False
    return all(is_literal(item, depth) for item in arguments.children)


def is_true(node: Node | None) -> bool:
    return node is not None and resolved(node).kind == "true"


def is_false(node: Node | None) -> bool:
    return node is not None and resolved(node).kind == "false"


def words(name: str) -> str:
    """A name in snake case: `jwtSecretKey` and `JWT_SECRET_KEY` give `jwt_secret_key`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", lambda m: f"{m[1] or m[3]}_{m[2] or m[4]}", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def target_name(node: Node) -> str:
    """The name that an expression's value is given: variable, property, assigned member; empty if none."""
    for around in node.ancestors():
        if around.kind in ("variable_declarator", "public_field_definition"):
            return _field_text(around, "name")
        if around.kind in ("pair", "field_definition"):
            return _field_text(around, "key") or _field_text(around, "property")
        if around.kind in ("assignment_expression", "augmented_assignment_expression"):
            left = around.field("left")
            return "" if left is None else dotted(left).rsplit(".", 1)[-1]
        if around.kind in FUNCTIONS or around.kind in ("statement_block", "expression_statement", "program"):
            break
    return ""


def _field_text(node: Node, name: str) -> str:
    found = node.field(name)
    return "" if found is None else found.text.strip("'\"")


def function_name(node: Node) -> str:
    """Name of a function, its own or that of the variable it is given to."""
    own = node.field("name")
    if own is not None:
        return own.text
    return target_name(node) if node.kind in FUNCTIONS else ""


def calls_near(node: Node) -> list[Call]:
    """The calls in the function around a node."""
    return node.script.calls_in(function_of(node))


def opening_text(node: Node) -> str:
    """The constant beginning of a text; empty where it begins with an inserted value."""
    first = next(iter(pieces(resolved(node))), "")
    return first if isinstance(first, str) else ""
