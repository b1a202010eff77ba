"""A JavaScript or TypeScript source as nodes with parents, scopes and bindings, built once and shared by all rules.

Here: what a name is bound to, where a call leads, which function a node stands in. Not here: values of expressions
(`javascript_values`) and defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from graders.rules.rule import Site
from graders.rules.source import Source

if TYPE_CHECKING:
    from ast_grep_py import SgNode

LANGUAGES = ("javascript", "typescript")
FUNCTIONS = frozenset({"function_declaration", "function_expression", "arrow_function", "method_definition",
                       "generator_function", "generator_function_declaration"})
CLASSES = frozenset({"class_declaration", "class", "abstract_class_declaration"})
BLOCKS = frozenset({"statement_block", "program", "for_statement", "for_in_statement", "switch_body", "catch_clause"})
WRAPPERS = frozenset({"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression",
                      "type_assertion", "await_expression"})
REQUEST_PARTS = frozenset({"body", "query", "params", "headers", "cookies"})
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
        return tuple(call for call in map(self.call, self.kinds("call_expression", "new_expression")) if call is not None)

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
            named = [child for child in sg.children() if child.is_named() and child.kind() not in ("comment", "html_comment")]
            stack.extend((child, node) for child in reversed(named))
        for node in reversed(self.nodes):
            if node.parent is not None:
                node.parent.stop = max(node.parent.stop, node.stop)

    def _bind(self) -> None:
        for node in self.nodes:
            reader = _READERS.get(node.kind)
            if reader is not None:
                for bound in reader(node):
                    self.bindings.setdefault(bound.name, []).append(bound)
        for node in self.kinds("assignment_expression", "augmented_assignment_expression"):
            self._assign(node)
        for node in self.kinds("public_field_definition", "field_definition"):
            name, value = node.field("name") or node.field("property"), node.field("value")
            around = next((n for n in node.ancestors() if n.kind in CLASSES), None)
            if name is not None and value is not None and around is not None:
                self.fields.setdefault(name.text, []).append((around, value))

    def _assign(self, node: Node) -> None:
        left, right = node.field("left"), node.field("right")
        if left is None or right is None:
            return
        if left.kind == "identifier":
            bound = self.binding(left)
            if bound is not None:
                bound.later.append(right)
        elif left.kind == "member_expression" and left.text.startswith("this."):
            around = next((n for n in node.ancestors() if n.kind in CLASSES), None)
            if around is not None:
                self.fields.setdefault(member_name(left), []).append((around, right))
        elif left.kind in ("object_pattern", "array_pattern"):
            for name, key, _ in _pattern(left):
                bound = self.binding(name)
                if bound is not None and bound.value is None:
                    bound.value, bound.key = right, key
        if left.kind in ("member_expression", "subscript_expression"):
            self.assigned.setdefault(dotted(left), []).append((node, right))


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
    while True:
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
            return ".".join(reversed(parts)).replace(".()", "()")
        node = owner


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
    return [] if listed is None else [_unwrapped(p)[0] for p in listed.children]


def is_test(source: Source) -> bool:
    """Whether the source is test code, where secrets and shortcuts are props."""
    if source.file is not None and re.search(r"(\.|_|-)(test|spec)\.\w+$|(^|/)(__tests__|tests?|__mocks__|fixtures)/", source.file):
        return True
    read = script(source)
    names = {call.path for call in read.calls if call.args and call.args[-1].kind in FUNCTIONS}
    return bool(names & {"describe", "suite"}) or bool(names & {"it", "test", "t.test"}) and "beforeEach" not in read.bindings


def _unwrapped(node: Node) -> tuple[Node, Node | None]:
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


def _pattern(node: Node) -> Iterator[tuple[Node, str | None, Node | None]]:
    """(identifier, key, default) of each name in a pattern; nested patterns give dotted keys."""
    stack: list[tuple[Node, str | None]] = [(node, None)]
    while stack:
        node, key = stack.pop()
        node, default = _unwrapped(node)
        if node.kind in ("identifier", "shorthand_property_identifier_pattern"):
            own = node.text if node.kind != "identifier" else None
            yield node, (f"{key}.{own}" if key and own else own or key), default
        elif node.kind == "object_pattern":
            stack.extend((child, key) for child in reversed(node.children))
        elif node.kind == "array_pattern":
            stack.extend((child, f"{key}.{i}" if key else str(i)) for i, child in _places(node))
        elif node.kind == "pair_pattern":
            name, inner = node.field("key"), node.field("value")
            if name is not None and inner is not None:
                stack.append((inner, f"{key}.{name.text}" if key else name.text))
        elif node.kind == "rest_pattern" and node.children:
            stack.append((node.children[0], "..."))


def _places(array: Node) -> Iterator[tuple[int, Node]]:
    """Each element of an array pattern with its index; holes count."""
    starts = [child.range().start.index for child in array.sg.children() if child.kind() == ","]
    for child in array.children:
        yield sum(start < child.start for start in starts), child


def _scope(node: Node, *, function: bool = False) -> Node:
    """The block (or, for `var` and parameters, the function) in which a declaration is seen."""
    last = node
    for last in node.ancestors():
        if last.kind in FUNCTIONS or last.kind == "program" or (not function and last.kind in BLOCKS):
            break
    return last


def _declarators(node: Node) -> Iterator[Binding]:
    name, value, parent = node.field("name"), node.field("value"), node.parent
    if name is None or parent is None:
        return
    how = "var" if parent.kind == "variable_declaration" else "const" if parent.has_token("const") else "let"
    for target, key, _ in _pattern(name):
        yield Binding(name=target.text, scope=_scope(node, function=how == "var"), how=how, site=node, value=value, key=key)


def _functions(node: Node) -> Iterator[Binding]:
    name = node.field("name")
    if name is not None and node.kind.endswith("declaration"):
        yield Binding(name=name.text, scope=_scope(node), how="function", site=node, value=node)
    listed, alone = node.field("parameters"), node.field("parameter")
    for each in [alone] if alone is not None else listed.children if listed is not None else []:
        pattern, default = _unwrapped(each)
        for target, key, inner in _pattern(pattern):
            whole = default if key is None else inner
            yield Binding(name=target.text, scope=node, how="parameter", site=each, value=whole, key=key)


def _classes(node: Node) -> Iterator[Binding]:
    name = node.field("name")
    if name is not None:
        yield Binding(name=name.text, scope=_scope(node), how="class", site=node, value=node)


def _catches(node: Node) -> Iterator[Binding]:
    target = node.field("parameter")
    if target is not None:
        for name, key, _ in _pattern(target):
            yield Binding(name=name.text, scope=node, how="catch", site=node, key=key)


def _loops(node: Node) -> Iterator[Binding]:
    target, over = node.field("left"), node.field("right")
    if target is not None:
        for name, key, _ in _pattern(target):
            yield Binding(name=name.text, scope=node, how="loop", site=node, value=over, key=f"?.{key}" if key else "?")


def _imports(node: Node) -> Iterator[Binding]:
    where = node.field("source")
    clause = next((c for c in node.children if c.kind in ("import_clause", "import_require_clause")), None)
    if clause is None:
        return
    if clause.kind == "import_require_clause":
        where = next((c for c in clause.children if c.kind == "string"), None)
    if where is None:
        return
    module = plain_module(quoted(where))
    scope = _scope(node)
    for part in clause.children:
        if part.kind == "identifier":
            yield Binding(name=part.text, scope=scope, how="import", site=node, module=module)
        elif part.kind == "namespace_import" and part.children:
            yield Binding(name=part.children[0].text, scope=scope, how="import", site=node, module=module)
        elif part.kind == "named_imports":
            for each in part.children:
                name, alias = each.field("name"), each.field("alias")
                if name is not None:
                    path = module if name.text == "default" else f"{module}.{name.text}"
                    yield Binding(name=(alias or name).text, scope=scope, how="import", site=node, module=path)


_READERS = {"variable_declarator": _declarators, "import_statement": _imports, "catch_clause": _catches,
            "for_in_statement": _loops, **dict.fromkeys(FUNCTIONS, _functions), **dict.fromkeys(CLASSES, _classes)}
