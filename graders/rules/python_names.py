"""What names in a Python module are bound to, and the dotted path of where an expression comes from.

Here: imports, assignments, instances, annotations. Not here: routes, tests, calls (`python_tree`).
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

from graders.rules.python_index import Index
from graders.rules.python_nodes import Function, Scope, last

DEPTH = 8
"""How many steps a name is followed."""

WRAPPERS = frozenset({"Optional", "Annotated", "Final", "ClassVar", "Mapped", "Required"})
"""Annotations that leave the type in them what it is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Binding:
    """One way in which a name gets a value."""

    how: str
    """assign, augment, unpack, with, for, parameter, import, definition, except."""
    node: ast.AST
    value: ast.expr | None = None
    """The value, what is taken apart or iterated over; for a parameter its default."""
    place: int = -1
    """Position in the tuple, for names that are unpacked."""
    path: str = ""
    """For an import: dotted path of what is imported."""
    annotation: ast.expr | None = None


class Names(Index):
    """A tree whose names are bound."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__(tree)
        self.modules: set[str] = set()
        """What is imported with dots and without a name of its own."""
        self._paths: dict[ast.AST, str] = {}
        self._reached: dict[ast.AST, list[Binding]] = {}
        self.bindings: dict[tuple[Scope, str], list[Binding]] = defaultdict(list)
        self.fields: dict[tuple[Scope | None, str], list[ast.expr]] = defaultdict(list)
        """Values given to `self.name`, by class."""
        for node in self.nodes:
            self._bind(node)

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        return {node.name: node for node in self.nodes if isinstance(node, ast.ClassDef)}

    def imports(self, *modules: str) -> bool:
        """Whether one of these packages is imported."""
        return bool(self._imported & set(modules))

    @cached_property
    def _imported(self) -> frozenset[str]:
        paths = [*self.modules, *(b.path for bound in self.bindings.values() for b in bound if b.how == "import")]
        return frozenset(".".join(path.split(".")[:size]) for path in paths for size in range(1, path.count(".") + 2))

    def lookup(self, node: ast.Name) -> list[Binding]:
        """The bindings that a name can mean where it stands; empty for builtins and names from elsewhere."""
        first: Scope | None = self.scope(node)
        scope: ast.AST | None = first
        while scope is not None:
            if isinstance(scope, Scope) and (scope is first or not isinstance(scope, ast.ClassDef)):
                found = self.bindings.get((scope, node.id))
                if found:
                    return found if len(found) == 1 or scope is not first else self._reaching(node, found)
            scope = self.scope(scope) if scope is not self.tree else None
        return []

    def _reaching(self, node: ast.Name, bound: list[Binding]) -> list[Binding]:
        """The bindings that can still hold where the name stands: a later one on the same way replaces an earlier one."""
        if node not in self._reached:
            own = self._comprehended(node, bound)
            if own:
                self._reached[node] = own
                return own
            at = bisect_left(bound, self.place[node], key=lambda binding: self.place[binding.node])
            kept: list[Binding] = []
            for binding in reversed(bound[:at]):
                if self._feeds(node, binding):
                    continue
                kept.append(binding)
                if binding.how not in ("augment", "parameter") and self._certain(binding, node):
                    break
            loops = [above for above in self.ancestors(node) if isinstance(above, ast.For | ast.AsyncFor | ast.While)]
            again = [b for b in bound[at:] if any(self.inside(b.node, loop) for loop in loops)] if loops else []
            self._reached[node] = [*reversed(kept), *again] or bound
        return self._reached[node]

    def _comprehended(self, node: ast.Name, bound: list[Binding]) -> list[Binding]:
        """The bindings of the comprehension around the name, when it is one of its variables."""
        for above in self.ancestors(node):
            if isinstance(above, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
                found = [b for b in bound if isinstance(b.node, ast.comprehension) and b.node in above.generators]
                if found:
                    return found
            elif isinstance(above, ast.stmt):
                break
        return []

    def _feeds(self, node: ast.AST, binding: Binding) -> bool:
        """Whether the name stands in the value that the binding gives: `x = f(x)` reads what `x` was before."""
        return (
            binding.how in ("assign", "augment")
            and isinstance(binding.node, ast.stmt)
            and self.inside(node, binding.node)
        )

    def _certain(self, binding: Binding, node: ast.AST) -> bool:
        """Whether every way to the node passes the binding: its block encloses the node's."""
        statement: ast.AST = binding.node
        while not isinstance(statement, ast.stmt) and statement in self.parents:
            statement = self.parents[statement]
        if isinstance(statement, ast.For | ast.AsyncFor | ast.With | ast.AsyncWith):
            return self.inside(node, statement)
        block = self.parents.get(statement)
        return block is not None and self.inside(node, block) and not self._branches(block, statement, node)

    def _branches(self, block: ast.AST, statement: ast.AST, node: ast.AST) -> bool:
        """Whether the two stand in different branches of one compound statement."""
        if not isinstance(block, ast.If | ast.Try | ast.For | ast.While | ast.Match):
            return False
        for _name, part in ast.iter_fields(block):
            if isinstance(part, list) and statement in part:
                return not any(self.inside(node, item) for item in part)
        return False

    def values(self, node: ast.expr) -> list[ast.expr]:
        """The expressions that a name or `self.name` is assigned; empty when it has others or none that are known."""
        if isinstance(node, ast.Name):
            bound = self.lookup(node)
            if not bound or any(b.how not in ("assign", "augment") or b.value is None for b in bound):
                return []
            return [b.value for b in bound if b.value is not None]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.owner(node) if node.value.id in ("self", "cls") else self.classes.get(node.value.id)
            if owner is not None:
                bound = self.bindings.get((owner, node.attr), [])
                return self.fields.get((owner, node.attr), []) + [b.value for b in bound if b.value is not None]
        return []

    def resolved(self, node: ast.expr) -> ast.expr:
        """The expression that a name stands for when it has only one value; else the node itself."""
        for _ in range(DEPTH):
            values = self.values(node)
            if len(values) != 1:
                return node
            node = values[0]
        return node

    def path(self, node: ast.AST, depth: int = DEPTH) -> str:
        """Dotted path of where an expression comes from; imports, instances and annotations are followed."""
        if node not in self._paths:
            self._paths[node] = self._path(node, depth) if depth else "?"
        return self._paths[node]

    def _path(self, node: ast.AST, depth: int) -> str:
        match node:
            case ast.Name():
                return self._name_path(node, depth - 1)
            case ast.Attribute():
                return self._attribute_path(node, depth - 1)
            case ast.Call():
                return self.path(node.func, depth) + "()"
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                return self.path(node.value, depth)
            case ast.Subscript():
                return self.path(node.value, depth) + "[]"
            case ast.IfExp():
                return self.path(node.body, depth)
            case ast.BoolOp():
                return next((p for p in (self.path(v, depth) for v in node.values) if "?" not in p), "?")
        return "?"

    def _name_path(self, node: ast.Name, depth: int) -> str:
        bound = self.lookup(node)
        if not bound:
            return node.id
        for binding in bound:
            if binding.how == "import":
                return binding.path
            if binding.how == "definition":
                return node.id
        for binding in bound:
            path = self._binding_path(binding, depth)
            if path and not path.startswith("?"):
                return path
        return "?" + node.id

    def _binding_path(self, binding: Binding, depth: int) -> str:
        if depth <= 0:
            return ""
        if binding.annotation is not None:
            path = self.annotation(binding.annotation)
            if path and path not in ("None", "Any", "object", "typing.Any"):
                return path + "()"
        if binding.value is None or binding.how in ("for", "unpack", "augment", "parameter"):
            return ""
        if isinstance(binding.value, ast.Constant):
            return ""
        return self.path(binding.value, depth)

    def _attribute_path(self, node: ast.Attribute, depth: int) -> str:
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            owner = self.owner(node)
            for value in self.fields.get((owner, node.attr), []) if depth > 0 else []:
                path = self.path(value, depth)
                if not path.startswith("?"):
                    return path
            declared = [] if owner is None else self.bindings.get((owner, node.attr), [])
            for binding in declared:
                path = self._binding_path(binding, depth)
                if path and not path.startswith("?"):
                    return path
            return f"?self.{node.attr}"
        return f"{self.path(node.value, depth)}.{node.attr}"

    def annotation(self, node: ast.expr) -> str:
        """Path of an annotation's class, `Optional`, `Annotated`, `| None` and quotes taken off."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value.strip("'\" ").split("[")[0] if re.fullmatch(r"[\w. |\[\]]+", node.value) else ""
        if isinstance(node, ast.BinOp):
            left = self.annotation(node.left)
            return left if left not in ("", "None") else self.annotation(node.right)
        if isinstance(node, ast.Subscript):
            if last(self.path(node.value)) in WRAPPERS:
                inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
                return self.annotation(inner)
            return self.path(node.value)
        if isinstance(node, ast.Constant):
            return "None" if node.value is None else ""
        return self.path(node)

    def _bind(self, node: ast.AST) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._imports(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._add(node, node.name, Binding(how="definition", node=node))
                if not isinstance(node, ast.ClassDef):
                    self._parameters(node, node.args)
            case ast.Lambda():
                self._parameters(node, node.args)
            case ast.ExceptHandler() if node.name:
                self._add(node, node.name, Binding(how="except", node=node, value=node.type))
            case _:
                self._bind_values(node)

    def _imports(self, node: ast.Import | ast.ImportFrom) -> None:
        base = "" if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
        for alias in node.names:
            if base:
                path = base + alias.name if base.endswith(".") else f"{base}.{alias.name}"
                self._add(node, alias.asname or alias.name, Binding(how="import", node=node, path=path))
                continue
            name = alias.asname or alias.name.split(".")[0]
            self._add(node, name, Binding(how="import", node=node, path=alias.name if alias.asname else name))
            self.modules.add(alias.name)

    def _bind_values(self, node: ast.AST) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self._target(target, Binding(how="assign", node=node, value=node.value))
            case ast.AnnAssign():
                self._target(
                    node.target, Binding(how="assign", node=node, value=node.value, annotation=node.annotation)
                )
            case ast.AugAssign():
                self._target(node.target, Binding(how="augment", node=node, value=node.value))
            case ast.NamedExpr():
                self._target(node.target, Binding(how="assign", node=node, value=node.value))
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                self._target(node.target, Binding(how="for", node=node, value=node.iter))
            case ast.withitem() if node.optional_vars is not None:
                self._target(node.optional_vars, Binding(how="with", node=node, value=node.context_expr))

    def _parameters(self, function: Function | ast.Lambda, arguments: ast.arguments) -> None:
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
        given = [*zip(plain, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
        rest = [(item, None) for item in (arguments.vararg, arguments.kwarg) if item is not None]
        for item, default in [*given, *rest]:
            bound = Binding(how="parameter", node=item, value=default, annotation=item.annotation)
            self.bindings[function, item.arg].append(bound)

    def _target(self, target: ast.expr, bound: Binding) -> None:
        if isinstance(target, ast.Name):
            self._add(bound.node, target.id, bound)
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
        ):
            if bound.value is not None and bound.how in ("assign", "with"):
                self.fields[self.owner(bound.node), target.attr].append(bound.value)
        elif isinstance(target, ast.Tuple | ast.List):
            value = bound.value
            parts = (
                value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
            )
            for at, item in enumerate(target.elts):
                if bound.how == "assign" and parts is not None:
                    self._target(item, replace(bound, value=parts[at]))
                else:
                    self._target(item, replace(bound, how="unpack" if bound.how == "assign" else bound.how, place=at))
        elif isinstance(target, ast.Starred):
            self._target(target.value, replace(bound, how="unpack"))

    def _add(self, node: ast.AST, name: str, binding: Binding) -> None:
        self.bindings[self.scope(node), name].append(binding)
