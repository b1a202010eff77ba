"""What JavaScript expressions can be: constants, option objects, pieces of a text, data of a request.

Here: one-step data flow within a source. Not here: names and scopes (`javascript_tree`), and defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from graders.rules.javascript_tree import (
    DEPTH,
    FUNCTIONS,
    Call,
    Node,
    bare,
    dotted,
    function_of,
    member_name,
    quoted,
)

CONSTANTS = frozenset({"number", "true", "false", "null", "undefined", "regex"})
REQUEST = re.compile(r"^(?:\w+\.)*?(?:req|request|ctx|context|c|event)(?:\.req(?:uest)?)?\.(?:\w+\(\)\.)?"
                     r"(?:body|query|params|param\(\)|headers|cookies|originalUrl|url|path|file|files|queryStringParameters)\b")
VALIDATES = re.compile(r"valid|parse|schema|sanit|celebrate|check|assert|allow|whitelist|pick|escape|clean|safe|guard", re.IGNORECASE)


@dataclass(kw_only=True)
class Options:
    """An object literal, spreads and later assignments followed."""

    keys: dict[str, Node] = field(default_factory=dict)
    complete: bool = True
    """False when some of it cannot be seen; then a missing key says nothing."""


def resolved(node: Node) -> Node:
    """The expression that a name stands for, when it has only one value in this source; else the node itself."""
    for _ in range(DEPTH):
        node = bare(node)
        step: Node | None = None
        if node.kind in ("identifier", "shorthand_property_identifier"):
            bound = node.script.binding(node)
            if bound is not None and bound.key is None and bound.how not in ("import", "function", "class", "catch"):
                step = bound.single
        elif node.kind == "member_expression":
            step = _member(node)
        if step is None:
            return node
        node = step
    return node


def _member(node: Node) -> Node | None:
    """The value of `this.name` or `CONFIG.name` where it is written in this source."""
    owner, name = node.field("object"), member_name(node)
    if owner is None:
        return None
    if owner.kind == "this":
        values = node.script.member_values(node, name)
        return values[0] if len(values) == 1 else None
    if owner.kind != "identifier":
        return None
    bound = node.script.binding(owner)
    if bound is None or bound.key is not None or bound.single is None or bound.how not in ("const", "let", "var"):
        return None
    known = options(bound.single, depth=2)
    return known.keys.get(name) if known is not None and dotted(node) not in node.script.assigned else None


def options(node: Node | None, depth: int = DEPTH) -> Options | None:
    """An options argument as keys; None for something that is no object literal, however it is reached."""
    if node is None or depth <= 0:
        return None
    name = bare(node)
    value = resolved(name)
    if value.kind == "call_expression" and dotted(value) in ("Object.freeze()", "Object.assign()"):
        arguments = value.field("arguments")
        return None if arguments is None else _merged(arguments.children, depth)
    if value.kind != "object":
        return _default(name, depth)
    found = Options()
    for child in value.children:
        _take(child, found, depth)
    if name.kind == "identifier":
        prefix = name.text + "."
        for path, pairs in name.script.assigned.items():
            if path.startswith(prefix) and "." not in path[len(prefix) :]:
                found.keys[path[len(prefix) :]] = pairs[0][1]
    return found


def _default(name: Node, depth: int) -> Options | None:
    """A parameter's default tells what is there, never what is not."""
    bound = name.script.binding(name) if name.kind == "identifier" else None
    if bound is None or bound.how != "parameter" or bound.value is None or bound.key is not None:
        return None
    found = options(bound.value, depth - 1)
    return None if found is None else Options(keys=found.keys, complete=False)


def _merged(parts: list[Node], depth: int) -> Options:
    found = Options()
    for part in parts:
        each = options(part, depth - 1)
        found.complete &= each is not None and each.complete
        found.keys.update(each.keys if each is not None else {})
    return found


def _take(child: Node, found: Options, depth: int) -> None:
    if child.kind == "pair":
        key, value = child.field("key"), child.field("value")
        if key is not None and value is not None and key.kind != "computed_property_name":
            found.keys[key.text.strip("'\"")] = value
        else:
            found.complete = False
    elif child.kind == "shorthand_property_identifier":
        found.keys[child.text] = child
    elif child.kind == "method_definition":
        name = child.field("name")
        if name is not None:
            found.keys[name.text] = child
    elif child.kind == "spread_element" and child.children:
        for branch in branches(child.children[0]):
            inner = options(branch, depth - 1)
            if inner is not None:
                found.keys.update(inner.keys)
            found.complete &= inner is not None and inner.complete
    else:
        found.complete = False


def branches(node: Node, depth: int = DEPTH) -> list[Node]:
    """The expressions a conditional, `||`, `??` or `&&` can yield; the node itself for any other."""
    node = bare(node)
    if depth <= 0:
        return [node]
    if node.kind == "ternary_expression":
        both = [node.field("consequence"), node.field("alternative")]
    elif node.kind == "binary_expression" and node.token("operator") in ("||", "??"):
        both = [node.field("left"), node.field("right")]
    elif node.kind == "binary_expression" and node.token("operator") == "&&":
        both = [node.field("right")]
    else:
        return [node]
    return [end for side in both if side is not None for end in branches(side, depth - 1)]


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
        for child in node.children:
            if child.kind == "template_substitution":
                yield from _inserted(child.children[0], depth) if child.children else ()
            else:
                yield child.text
    elif node.kind == "binary_expression" and node.token("operator") == "+":
        for side in _operands(node):
            yield from _inserted(side, depth)
    elif (parts := joined(node)) and depth > 0:
        for part in parts:
            yield from _inserted(part, depth - 1)
    else:
        yield from _inserted(node, depth)


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
    if call.name == "join" and owner.kind == "array" and not any(item.kind == "spread_element" for item in owner.children):
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
    if depth > 0 and value.kind in ("string", "template_string"):
        yield from pieces(value, depth - 1)
    elif depth > 0 and value.kind == "binary_expression" and value.token("operator") == "+" and _is_text(value):
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


def is_literal(node: Node) -> bool:
    """Whether a value is fixed in the source: a constant, or a list or conditional of constants."""
    value = resolved(node)
    if value.kind in CONSTANTS or constant(value) is not None:
        return True
    if value.kind in ("ternary_expression", "binary_expression"):
        ends = branches(value)
        return ends != [value] and all(is_literal(end) for end in ends)
    if value.kind in ("array", "object"):
        return all(_literal_item(child) for child in value.children)
    return value.kind == "call_expression" and dotted(value) == "Object.freeze()" or value.kind == "new_expression" and _is_set(value)


def _literal_item(child: Node) -> bool:
    if child.kind == "pair":
        inner = child.field("value")
        return inner is not None and is_literal(inner)
    return child.kind != "spread_element" and is_literal(child)


def _is_set(node: Node) -> bool:
    made, arguments = node.field("constructor"), node.field("arguments")
    if made is None or made.text not in ("Set", "Map") or arguments is None:
        return False
    return all(is_literal(item) for item in arguments.children)


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
