"""What a JavaScript name stands for, and the keys of an options argument.

Here: one-step resolution, object literals with spreads and later assignments. Not here: texts and requests
(`javascript_values`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graders.rules.javascript_node import DEPTH, Node, bare, dotted, member_name


@dataclass(kw_only=True)
class Options:
    """An object literal, spreads and later assignments followed."""

    keys: dict[str, Node] = field(default_factory=dict)
    complete: bool = True
    """False when some of it cannot be seen; then a missing key says nothing."""


def resolved(node: Node, depth: int = DEPTH) -> Node:
    """The expression that a name stands for, when it has only one value in this source; else the node itself."""
    for _ in range(depth):
        node = bare(node)
        step: Node | None = None
        if node.kind in ("identifier", "shorthand_property_identifier"):
            bound = node.script.binding(node)
            if bound is not None and bound.key is None and bound.how not in ("import", "function", "class", "catch"):
                step = bound.single
        elif node.kind == "member_expression":
            step = _member(node, depth - 1)
        if step is None:
            return node
        node = step
    return node


def _member(node: Node, depth: int) -> Node | None:
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
    known = options(bound.single, depth)
    return known.keys.get(name) if known is not None and dotted(node) not in node.script.assigned else None


def options(node: Node | None, depth: int = DEPTH) -> Options | None:
    """An options argument as keys; None for something that is no object literal, however it is reached."""
    if node is None or depth <= 0:
        return None
    name = bare(node)
    value = resolved(name, depth)
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
    if child.kind == "spread_element" and child.children:
        _spread(child.children[0], found, depth)
        return
    key = child if child.kind == "shorthand_property_identifier" else child.field("key") or child.field("name")
    value = child.field("value") if child.kind == "pair" else child
    if key is None or value is None or key.kind == "computed_property_name":
        found.complete = False
    else:
        found.keys[key.text.strip("'\"")] = value


def _spread(node: Node, found: Options, depth: int) -> None:
    for branch in branches(node):
        inner = options(branch, depth - 1)
        if inner is not None:
            found.keys.update(inner.keys)
        found.complete &= inner is not None and inner.complete


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
