"""A JavaScript or TypeScript source as nodes with scopes and bindings, built once and shared by all rules.

Here: what a name is bound to, where a call leads. Not here: values of expressions (`javascript_values`) and defects.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from graders.rules.javascript_bindings import READERS, pattern_names
from graders.rules.javascript_node import (
    CLASSES,
    DEPTH,
    FUNCTIONS,
    REQUEST_PARTS,
    Binding,
    Call,
    Node,
    bare,
    dotted,
    member_name,
    plain_module,
    quoted,
)
from graders.rules.rule import Site
from graders.rules.source import Source

if TYPE_CHECKING:
    from ast_grep_py import SgNode


class Script:
    """One source, read."""

    def __init__(self, root: SgNode) -> None:
        self.nodes: list[Node] = []
        self.by_kind: dict[str, list[Node]] = {}
        self.bindings: dict[str, list[Binding]] = {}
        self.fields: dict[str, list[tuple[Node, Node]]] = {}
        """Class member name → (class, value)."""
        self.assigned: dict[str, list[tuple[Node, Node]]] = {}
        """`opts.key` as written → (assignment, value)."""
        self._origins: dict[int, str] = {}
        self._build(root)
        self._bind()

    def kinds(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds, in the order of the text."""
        found = [node for kind in kinds for node in self.by_kind.get(kind, ())]
        return found if len(kinds) == 1 else sorted(found, key=lambda node: node.index)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        return tuple(
            call for call in map(self.call, self.kinds("call_expression", "new_expression")) if call is not None
        )

    @cached_property
    def _call_at(self) -> dict[int, Call]:
        return {call.node.index: call for call in self.calls}

    def calls_in(self, node: Node) -> list[Call]:
        """The calls in a subtree."""
        found = (self._call_at.get(inner.index) for inner in node.find("call_expression", "new_expression"))
        return [call for call in found if call is not None]

    def call(self, node: Node) -> Call | None:
        """A call node, read; None where it is broken."""
        new = node.kind == "new_expression"
        callee = node.field("constructor" if new else "function")
        if callee is None:
            return None
        callee = bare(callee)
        arguments = node.field("arguments")
        args = () if arguments is None or arguments.kind != "arguments" else tuple(arguments.children)
        path = dotted(callee)
        name = path.rsplit(".", 1)[-1]
        origin = self.origin(callee)
        return Call(node=node, callee=callee, args=args, origin=("new " if new else "") + origin, path=path, name=name)

    def binding(self, node: Node) -> Binding | None:
        """What an identifier is bound to where it stands: the innermost scope wins."""
        around = [b for b in self.bindings.get(node.text, ()) if node.within(b.scope)]
        return max(around, key=lambda b: b.scope.index, default=None)

    def origin(self, node: Node, depth: int = DEPTH) -> str:
        """Where a value comes from, as a dotted path through imports, aliases and destructuring."""
        if depth == DEPTH:
            known = self._origins.get(node.index)
            if known is None:
                known = self._origins[node.index] = self._origin(node, depth)
            return known
        return self._origin(node, depth)

    def _origin(self, node: Node, depth: int) -> str:
        node = bare(node)
        if depth <= 0:
            return ""
        if node.kind in ("identifier", "shorthand_property_identifier"):
            return self._origin_of_name(node, depth)
        if node.kind in ("this", "super", "import"):
            return node.kind
        if node.kind in ("member_expression", "subscript_expression"):
            return self._origin_of_member(node, depth)
        if node.kind == "call_expression":
            return self._origin_of_call(node, depth)
        if node.kind == "new_expression":
            made = node.field("constructor")
            return f"new {self.origin(made, depth - 1)}()" if made is not None else ""
        return ""

    def _origin_of_name(self, node: Node, depth: int) -> str:
        bound = self.binding(node)
        if bound is None:
            return node.text
        if bound.how == "import":
            return bound.module
        value = bound.single
        if bound.how == "parameter" and (bound.key or "").split(".")[0] in REQUEST_PARTS and bound.value is None:
            return f"req.{bound.key}"
        if value is None or bound.how in ("function", "class", "catch"):
            return node.text
        if bound.key == "...":
            return node.text
        path = self.origin(value, depth - 1)
        if not path:
            return node.text
        return f"{path}.{bound.key}" if bound.key is not None else path

    def _origin_of_member(self, node: Node, depth: int) -> str:
        owner, name = node.field("object"), member_name(node)
        if owner is None or not name:
            return ""
        if owner.kind == "this":
            values = self.member_values(node, name)
            path = self.origin(values[0], depth - 1) if len(values) == 1 else ""
            return path if path and path != name else f"this.{name}"
        path = self.origin(owner, depth - 1)
        return f"{path or '?'}.{name}"

    def _origin_of_call(self, node: Node, depth: int) -> str:
        callee, arguments = node.field("function"), node.field("arguments")
        if callee is None:
            return ""
        first = arguments.children[0] if arguments is not None and arguments.children else None
        if callee.text == "require" or callee.kind == "import":
            return plain_module(quoted(first)) if first is not None and first.kind == "string" else ""
        if callee.text in ("promisify", "util.promisify") and first is not None:
            return self.origin(first, depth - 1)
        path = self.origin(callee, depth - 1)
        return f"{path}()" if path else ""

    def member_values(self, node: Node, name: str) -> list[Node]:
        """What `this.name` is given in the class around a node."""
        around = next((n for n in node.ancestors() if n.kind in CLASSES), None)
        return [value for owner, value in self.fields.get(name, ()) if owner is around]

    def _build(self, root: SgNode) -> None:
        stack: list[tuple[SgNode, Node | None]] = [(root, None)]
        while stack:
            sg, parent = stack.pop()
            node = Node(sg, parent, self)
            self.nodes.append(node)
            if parent is not None:
                parent.children.append(node)
            self.by_kind.setdefault(node.kind, []).append(node)
            named = [
                child for child in sg.children() if child.is_named() and child.kind() not in ("comment", "html_comment")
            ]
            stack.extend((child, node) for child in reversed(named))
        for node in reversed(self.nodes):
            if node.parent is not None:
                node.parent.stop = max(node.parent.stop, node.stop)

    def _bind(self) -> None:
        for node in self.nodes:
            reader = READERS.get(node.kind)
            if reader is not None:
                for bound in reader(node):
                    self.bindings.setdefault(bound.name, []).append(bound)
        for node in self.kinds("assignment_expression", "augmented_assignment_expression"):
            self._assign(node)
        for node in self.kinds("public_field_definition", "field_definition"):
            name, value = node.field("name") or node.field("property"), node.field("value")
            if name is not None and value is not None:
                self._keep(node, name.text, value)

    def _assign(self, node: Node) -> None:
        left, right = node.field("left"), node.field("right")
        if left is None or right is None:
            return
        if left.kind == "identifier":
            bound = self.binding(left)
            if bound is not None:
                bound.later.append(right)
        elif left.kind in ("object_pattern", "array_pattern"):
            self._take_apart(left, right)
        elif left.kind in ("member_expression", "subscript_expression"):
            self.assigned.setdefault(dotted(left), []).append((node, right))
            if left.text.startswith("this."):
                self._keep(left, member_name(left), right)

    def _take_apart(self, pattern: Node, value: Node) -> None:
        for name, key, _ in pattern_names(pattern):
            bound = self.binding(name)
            if bound is not None and bound.value is None:
                bound.value, bound.key = value, key

    def _keep(self, node: Node, name: str, value: Node) -> None:
        around = next((n for n in node.ancestors() if n.kind in CLASSES), None)
        if around is not None:
            self.fields.setdefault(name, []).append((around, value))


def script(source: Source) -> Script:
    """The script of a source, built once."""
    known = _SCRIPTS.get(source)
    if known is None:
        known = _SCRIPTS[source] = Script(source.root)
    return known


_SCRIPTS: WeakKeyDictionary[Source, Script] = WeakKeyDictionary()


def site(source: Source, node: Node, message: str = "") -> Site:
    """A bad site when there is a message, else a good one."""
    quote = source.lines[min(node.line, len(source.lines)) - 1].strip()[:200]
    return Site(line=node.line, ok=not message, quote=quote, message=message)


def is_test(source: Source) -> bool:
    """Whether the source is test code, where secrets and shortcuts are props."""
    if source.file is not None and re.search(
        r"(\.|_|-)(test|spec)\.\w+$|(^|/)(__tests__|tests?|__mocks__|fixtures)/", source.file
    ):
        return True
    read = script(source)
    names = {call.path for call in read.calls if call.args and call.args[-1].kind in FUNCTIONS}
    return bool(names & {"describe", "suite"}) or (
        bool(names & {"it", "test", "t.test"}) and "beforeEach" not in read.bindings
    )
