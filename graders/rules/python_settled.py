"""Whether a Python expression can only be what the developer wrote, or a number.

Here: constants, choices among constants, lists of placeholders, values checked against what is allowed. Not here: how
texts are put together (`python_values`).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from graders.rules.python_names import Binding
from graders.rules.python_nodes import Function, last
from graders.rules.python_tree import Module
from graders.rules.python_values import PLAIN

DEPTH = 12
NUMERIC = frozenset(
    {
        "int",
        "float",
        "len",
        "bool",
        "round",
        "sum",
        "abs",
        "id",
        "hash",
        "ord",
        "Decimal",
        "UUID",
        "range",
        "time",
        "uuid4",
        "uuid1",
        "token_hex",
        "token_urlsafe",
        "perf_counter",
        "monotonic",
        "getpid",
        "hexdigest",
        "bit_length",
        "timestamp",
        "randint",
    }
)
"""Functions whose result cannot carry a text of the caller's."""
SAFE_NAME = re.compile(r"^_{0,2}(?!(?:GET|POST|FILES|COOKIES|META|DATA|QUERY_PARAMS|REQUEST)$)[A-Z][A-Z0-9_]*$")
"""A constant's name, and not one by which Django hands over what the client sent."""
ALLOWING = re.compile(
    r"allow|valid|permit|white|known|supported|column|field|safe|map|choice|option|table", re.IGNORECASE
)


@dataclass(eq=False, kw_only=True)
class Inquiry:
    """Looks into one expression. It is used once, so that no expression is looked into twice."""

    module: Module
    cleaners: frozenset[str] = frozenset()
    """Functions that make a value safe for the text in question."""
    seen: set[ast.AST] = field(default_factory=set)

    def settled(self, node: ast.expr, depth: int = DEPTH) -> bool:
        """Whether the expression can only be something that the developer wrote, or a number."""
        if depth <= 0:
            return False
        if node in self.seen:
            return True
        self.seen.add(node)
        match node:
            case ast.Constant() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.Name():
                return self._settled_name(node, depth - 1)
            case ast.Attribute():
                return self._settled_attribute(node, depth - 1)
            case ast.Call():
                return self._settled_call(node, depth - 1)
            case ast.Dict():
                return all(self.settled(value, depth - 1) for value in node.values)
        return self._settled_compound(node, depth - 1)

    def _all(self, nodes: list[ast.expr], depth: int) -> bool:
        return all(self.settled(node, depth) for node in nodes)

    def _settled_compound(self, node: ast.expr, depth: int) -> bool:
        match node:
            case ast.DictComp():
                return self.settled(node.key, depth)  # what is looped over
            case ast.Subscript():
                found = self.module.resolved(node.value)
                return self.settled(found.value if isinstance(found, ast.DictComp) else node.value, depth)
            case ast.BinOp(op=ast.Mult()) if isinstance(node.left, ast.Constant | ast.List):
                return self.settled(node.left, depth)
            case ast.BinOp(op=ast.Mult(), right=ast.Constant()):
                return self.settled(node.right, depth)
        inner = _ingredients(node)
        return bool(inner) and self._all(inner, depth)

    def _settled_name(self, node: ast.Name, depth: int) -> bool:
        bound = self.module.lookup(node)
        if not bound or all(binding.how == "import" for binding in bound):
            return SAFE_NAME.match(node.id) is not None
        return all(self._settled_binding(node, binding, depth) for binding in bound) or self._guarded(node)

    def _settled_binding(self, node: ast.Name, binding: Binding, depth: int) -> bool:
        match binding.how:
            case "assign" | "augment":
                if binding.value is None:
                    return binding.annotation is not None
                added = self._added(node) if isinstance(binding.value, ast.List | ast.Set | ast.Call) else []
                if isinstance(binding.value, ast.Call) and last(self.module.path(binding.value.func)) in (
                    "list",
                    "set",
                ):
                    return self._all([*binding.value.args, *added], depth)
                return self._all([binding.value, *added], depth)
            case "for" | "unpack":
                return self._settled_item(binding, depth)
            case "parameter":
                return self._settled_parameter(binding, depth)
        return False

    def _added(self, node: ast.Name) -> list[ast.expr]:
        """What is appended to the list of this name, in the same function."""
        around = self.module.scope(node)
        found = []
        for call in (
            *self.module.called["append"],
            *self.module.called["extend"],
            *self.module.called["insert"],
            *self.module.called["add"],
        ):
            owner = call.func.value if isinstance(call.func, ast.Attribute) else None
            if isinstance(owner, ast.Name) and owner.id == node.id and call.args and self.module.scope(call) is around:
                found.append(call.args[-1])
        return found

    def _settled_item(self, binding: Binding, depth: int) -> bool:
        """An item of what is looped over or taken apart."""
        source = binding.value
        if isinstance(source, ast.Call):
            name = last(self.module.path(source.func))
            if name == "range" or (name == "enumerate" and binding.place == 0):
                return True
            if name in ("enumerate", "sorted", "reversed", "list", "set", "tuple", "zip"):
                return self._all(source.args, depth)
            if isinstance(source.func, ast.Attribute) and name in ("items", "keys", "values"):
                return self._settled_mapping(source.func.value, binding.place, name, depth)
        if (
            isinstance(source, ast.List | ast.Tuple)
            and source.elts
            and all(isinstance(item, ast.Tuple | ast.List) for item in source.elts)
        ):
            columns = [
                item.elts[binding.place]
                for item in source.elts
                if isinstance(item, ast.Tuple | ast.List) and -1 < binding.place < len(item.elts)
            ]
            return bool(columns) and self._all(columns, depth)
        return source is not None and self.settled(source, depth)

    def _settled_mapping(self, mapping: ast.expr, place: int, method: str, depth: int) -> bool:
        """The keys of a model's dump are its fields; the keys of a literal are what was written."""
        keys = method == "keys" or place == 0
        value = self.module.resolved(mapping)
        if (
            keys
            and isinstance(value, ast.Call)
            and last(self.module.path(value.func)) in ("model_dump", "dict", "asdict", "_asdict")
        ):
            return bool(isinstance(value.func, ast.Attribute) or value.args)
        if keys and isinstance(value, ast.Dict):
            return all(key is not None and self.settled(key, depth) for key in value.keys)
        if keys and isinstance(value, ast.DictComp):
            return self.settled(value.key, depth) or bool(
                value.generators[0].ifs and ALLOWING.search(ast.dump(value.generators[0]))
            )
        return self.settled(mapping, depth)

    def _settled_parameter(self, binding: Binding, depth: int) -> bool:
        """Typed as a choice or a number, or given only settled values by every caller in the module."""
        if binding.annotation is not None:
            name = last(self.module.annotation(binding.annotation))
            if name in ("Literal", "bool", "UUID", "Decimal", "datetime", "date") or self._is_enum(name):
                return True
        function = self.module.parents.get(self.module.parents.get(binding.node, binding.node))
        if not isinstance(function, Function) or not isinstance(binding.node, ast.arg):
            return False
        calls = [call for call in self.module.called.get(function.name, []) if not self.module.inside(call, function)]
        given = [_given(call, function, binding) for call in calls]
        return bool(given) and all(value is not None and self.settled(value, depth) for value in given)

    def _is_enum(self, name: str) -> bool:
        owner = self.module.classes.get(name)
        return owner is not None and any("Enum" in last(self.module.path(base)) for base in owner.bases)

    def _settled_attribute(self, node: ast.Attribute, depth: int) -> bool:
        if SAFE_NAME.match(node.attr) or node.attr in (
            "__tablename__",
            "__table__",
            "db_table",
            "__name__",
            "hex",
            "int",
            "lineno",
        ):
            return True
        if node.attr in ("value", "name") and isinstance(node.value, ast.Name | ast.Attribute):
            return self.settled(node.value, depth)
        values = self.module.values(node)
        return bool(values) and self._all(values, depth)

    def _settled_call(self, node: ast.Call, depth: int) -> bool:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else last(self.module.path(node.func))
        if name in NUMERIC or name in self.cleaners or last(self.module.path(node.func)) in self.cleaners:
            return True
        if isinstance(node.func, ast.Attribute):
            if name in ("get", "keys", "values", "items"):
                return self.settled(node.func.value, depth) and self._all(node.args[1:], depth)
            if name == "join":
                return self._all([node.func.value, *node.args], depth)
            if name in PLAIN or name == "format":
                return self._all([node.func.value, *node.args, *(k.value for k in node.keywords)], depth)
        if name in (
            "list",
            "tuple",
            "set",
            "sorted",
            "str",
            "min",
            "max",
            "repr",
            "next",
            "iter",
            "reversed",
            "frozenset",
            "map",
        ):
            return bool(node.args) and self._all(node.args[1 if name == "map" else 0 :], depth)
        inner = self.module.named.get(name, ())
        returned = [
            r.value for f in inner for r in self.module.own(f) if isinstance(r, ast.Return) and r.value is not None
        ]
        return bool(returned) and self._all(returned, depth)

    def _guarded(self, node: ast.Name) -> bool:
        """Whether the function around checks the name against a list of what is allowed, or its form."""
        around = self.module.function(node)
        return around is not None and any(_is_check(other, node.id) for other in self.module.within(around))


def _is_check(node: ast.AST, name: str) -> bool:
    """Whether a comparison or a call looks whether the name is one that is allowed."""
    match node:
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn(), *_], comparators=[against, *_]):
            if _subject(left) != name:
                return False
            if isinstance(against, ast.Name) and SAFE_NAME.match(against.id):
                return True
            listed = isinstance(against, ast.List | ast.Tuple | ast.Set | ast.Dict)
            return listed or ALLOWING.search(ast.dump(against)) is not None
        case ast.Call(func=ast.Attribute(attr="match" | "fullmatch"), args=args):
            return any(_subject(item) == name for item in args)
        case ast.Call(func=ast.Attribute(attr="isidentifier" | "isalnum" | "isdigit" | "isnumeric", value=checked)):
            return _subject(checked) == name
    return False


def _ingredients(node: ast.expr) -> list[ast.expr]:
    """The expressions of which this one's value is made."""
    match node:
        case ast.JoinedStr() | ast.BoolOp():
            return node.values
        case ast.List() | ast.Tuple() | ast.Set():
            return node.elts or [ast.Constant(value=None)]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
            return [node.elt]
        case ast.FormattedValue() | ast.Starred() | ast.Await() | ast.NamedExpr():
            return [node.value]
        case ast.UnaryOp():
            return [node.operand]
    return []


def _subject(node: ast.expr) -> str:
    """The name that is looked at, through `.lower()`, `.strip()` and their kind."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node.id if isinstance(node, ast.Name) else ""


def _given(call: ast.Call, function: Function, binding: Binding) -> ast.expr | None:
    """What a call gives for a parameter; its default where the call gives nothing."""
    parameter = binding.node
    assert isinstance(parameter, ast.arg)
    for keyword in call.keywords:
        if keyword.arg == parameter.arg:
            return keyword.value
    names = [item.arg for item in (*function.args.posonlyargs, *function.args.args)]
    if isinstance(call.func, ast.Attribute) and names[:1] in (["self"], ["cls"]):
        names = names[1:]
    at = names.index(parameter.arg) if parameter.arg in names else -1
    if 0 <= at < len(call.args) and not any(isinstance(item, ast.Starred) for item in call.args):
        return call.args[at]
    return binding.value


def settled(module: Module, node: ast.expr, cleaners: frozenset[str] = frozenset()) -> bool:
    """Whether an expression can only be what the developer wrote."""
    return Inquiry(module=module, cleaners=cleaners).settled(node)
