"""The nodes of a JavaScript or TypeScript tree, and what can be told of one by looking at it alone.

Here: kinds, names, parents. Not here: what a name is bound to (`javascript_tree`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from graders.rules.javascript_tree import Script

LANGUAGES = ("javascript", "typescript")
FUNCTIONS = frozenset(
    {
        "function_declaration",
        "function_expression",
        "arrow_function",
        "method_definition",
        "generator_function",
        "generator_function_declaration",
    }
)
CLASSES = frozenset({"class_declaration", "class", "abstract_class_declaration"})
BLOCKS = frozenset({"statement_block", "program", "for_statement", "for_in_statement", "switch_body", "catch_clause"})
WRAPPERS = frozenset(
    {
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "type_assertion",
        "await_expression",
    }
)
REQUEST_PARTS = frozenset({"body", "query", "params", "headers", "cookies"})
LINKS = 40
"""How many links of a chain are spelled out; a longer one is cut at its beginning."""
DEPTH = 6
"""How many steps a name is followed; also what keeps odd input from recursing for ever."""


class Node:
    """A named node of the tree. Descendants are a slice of the script's preorder list."""

    __slots__ = ("_text", "children", "end", "index", "kind", "line", "parent", "script", "sg", "start", "stop")

    def __init__(self, sg: SgNode, parent: Node | None, script: Script) -> None:
        reach = sg.range()
        self.sg = sg
        self.kind = sg.kind()
        self.start = reach.start.index
        self.end = reach.end.index
        self.line = reach.start.line + 1
        self.parent = parent
        self.script = script
        self.children: list[Node] = []
        self.index = len(script.nodes)
        self.stop = self.index + 1
        self._text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self.sg.text()
        return self._text

    def field(self, name: str) -> Node | None:
        """The child in a field of the grammar; None where it is absent or an unnamed token."""
        found = self.sg.field(name)
        if found is None:
            return None
        reach = found.range()
        return next((c for c in self.children if c.start == reach.start.index and c.end == reach.end.index), None)

    def token(self, name: str) -> str:
        """Text of a field that may be an unnamed token, such as an operator."""
        found = self.sg.field(name)
        return "" if found is None else found.text()

    def has_token(self, word: str) -> bool:
        """Whether a keyword (`async`, `static`, `const`) stands directly in this node."""
        return any(child.kind() == word for child in self.sg.children())

    def subtree(self) -> list[Node]:
        """This node and all below it, in the order of the text."""
        return self.script.nodes[self.index : self.stop]

    def find(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds in the subtree, this one included."""
        return [node for node in self.subtree() if node.kind in kinds]

    def ancestors(self) -> Iterator[Node]:
        """From the parent up to the program."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def within(self, other: Node) -> bool:
        """Whether this node is the other one or stands in it."""
        return other.index <= self.index < other.stop


@dataclass(eq=False, kw_only=True)
class Binding:
    """A name in a scope, and what is known of its value."""

    name: str
    scope: Node
    how: str
    """const, let, var, parameter, import, function, class, catch."""
    site: Node
    value: Node | None = None
    """Initial value, or the value that is taken apart when `key` is set."""
    key: str | None = None
    """Property taken by destructuring; `...` for what is left over."""
    module: str = ""
    """For an import: dotted path of what is imported."""
    later: list[Node] = field(default_factory=list)
    """Values assigned after the declaration."""

    @property
    def values(self) -> list[Node]:
        """All values the name can have, when none is hidden by destructuring."""
        return ([self.value] if self.value is not None and self.key is None else []) + self.later

    @property
    def single(self) -> Node | None:
        """The only value the name ever has, if there is just one and it is not a parameter's default."""
        values = ([self.value] if self.value is not None else []) + self.later
        return values[0] if len(values) == 1 and self.how != "parameter" else None


@dataclass(frozen=True, eq=False)
class Call:
    """A call, or a construction with `new`."""

    node: Node
    callee: Node
    args: tuple[Node, ...]
    origin: str
    """Where the callee comes from: `jsonwebtoken.verify`, `pool.query`, `new pg.Pool().query`."""
    path: str
    """The callee as written, without optional chaining: `this.pool.query`."""
    name: str
    """Last part of the path."""

    @property
    def receiver(self) -> Node | None:
        """What the method is called on."""
        return self.callee.field("object") if self.callee.kind == "member_expression" else None

    @property
    def awaited(self) -> bool:
        parent = self.node.parent
        while parent is not None and parent.kind == "parenthesized_expression":
            parent = parent.parent
        return parent is not None and parent.kind == "await_expression"


def bare(node: Node) -> Node:
    """The expression without parentheses, casts and `await`."""
    while node.kind in WRAPPERS and node.children:
        node = node.children[-1] if node.kind == "type_assertion" else node.children[0]
    return node


def quoted(node: Node) -> str:
    """The characters between a string's quotes."""
    return node.text[1:-1]


def plain_module(name: str) -> str:
    """A module's name without `node:` and without the path of a relative one's folders."""
    return name.removeprefix("node:")


def member_name(node: Node) -> str:
    """Last name of a member or of a subscript with a literal key; empty for a computed one."""
    if node.kind == "member_expression":
        found = node.field("property")
        return "" if found is None else found.text.lstrip("#")
    key = node.field("index")
    return quoted(key) if key is not None and key.kind == "string" else ""


def dotted(node: Node) -> str:
    """A chain of names as written: `this.pool.query`; calls within become `()`, anything else `?`."""
    parts: list[str] = []
    for _ in range(LINKS):
        node = bare(node)
        if node.kind in ("member_expression", "subscript_expression"):
            parts.append(member_name(node) or "?")
            owner = node.field("object")
        elif node.kind == "call_expression":
            parts.append("()")
            owner = node.field("function")
        else:
            known = node.kind in ("identifier", "this", "super", "import", "shorthand_property_identifier")
            parts.append(node.text if known else "?")
            owner = None
        if owner is None:
            break
        node = owner
    return ".".join(reversed(parts)).replace(".()", "()")


def function_of(node: Node) -> Node:
    """The nearest function around a node, or the program."""
    last = node
    for last in node.ancestors():
        if last.kind in FUNCTIONS:
            break
    return last


def is_async(function: Node) -> bool:
    return function.has_token("async")


def parameters(function: Node) -> list[Node]:
    """The parameters' patterns, unwrapped from TypeScript's `required_parameter` and from defaults."""
    alone = function.field("parameter")
    if alone is not None:
        return [alone]
    listed = function.field("parameters")
    return [] if listed is None else [unwrapped(p)[0] for p in listed.children]


def unwrapped(node: Node) -> tuple[Node, Node | None]:
    """A parameter's or pattern's target, and its default."""
    default: Node | None = None
    while True:
        if node.kind in ("required_parameter", "optional_parameter"):
            default = node.field("value") or default
            inner = node.field("pattern")
        elif node.kind in ("assignment_pattern", "object_assignment_pattern"):
            default = node.field("right") or default
            inner = node.field("left")
        else:
            return node, default
        if inner is None:
            return node, default
        node = inner
