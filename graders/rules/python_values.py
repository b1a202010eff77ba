"""What texts in Python are built of: literal pieces, and holes into which something else is put.

Here: f-strings, concatenation, `%`, `.format`, `.join`, variables followed. Not here: whether a hole can hold anything
but what the developer wrote (`python_settled`), and what a text is used for.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from graders.rules.python_nodes import last, string
from graders.rules.python_tree import Module

DEPTH = 12
PLAIN = frozenset(
    {
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "encode",
        "decode",
        "replace",
        "expandtabs",
        "title",
        "casefold",
        "bindparams",
        "columns",
        "execution_options",
        "splitlines",
    }
)
"""Methods after which a text is still made of the same pieces."""
WRAPPERS = frozenset(
    {
        "text",
        "SQL",
        "RawSQL",
        "TextClause",
        "dedent",
        "cleandoc",
        "str",
        "sa_text",
        "sql_text",
        "literal_column",
        "mark_safe",
        "format_html",
        "StringIO",
        "bytes",
    }
)
PERCENT = re.compile(r"%(?:\(\w+\))?[-#0-9 +]*(?:\.\d+)?[sdrfixeg]")
BRACES = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Hole:
    """A place in a text that is filled with an expression's value."""

    node: ast.expr


Part = str | Hole


@dataclass(eq=False, kw_only=True)
class Reader:
    """Takes one expression apart. A reader is used once, so that no name is followed twice."""

    module: Module
    seen: set[ast.AST] = field(default_factory=set)

    def parts(self, node: ast.expr, depth: int = DEPTH) -> list[Part]:
        """Pieces of the text; a list with just a hole where nothing is known of it."""
        if depth <= 0:
            return [Hole(node=node)]
        match node:
            case ast.Constant():
                return [string(node) or str(node.value)]
            case ast.FormattedValue():
                return self._inlined(node.value, depth)
            case ast.BinOp(op=ast.Mod()):
                return self._percent(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case ast.Name() | ast.Attribute():
                return self._named(node, depth)
        inner = _sides(node)
        return [part for side in inner for part in self.parts(side, depth - 1)] if inner else [Hole(node=node)]

    def _inlined(self, node: ast.expr, depth: int) -> list[Part]:
        found = self.parts(node, depth - 1)
        return found if any(isinstance(part, str) for part in found) else [Hole(node=node)]

    def _named(self, node: ast.Name | ast.Attribute, depth: int) -> list[Part]:
        values = self.module.values(node)
        if not values or node in self.seen or any(value in self.seen for value in values):
            return [Hole(node=node)]
        if any(isinstance(value, ast.List | ast.ListComp | ast.Dict | ast.Set) for value in values):
            return [Hole(node=node)]
        self.seen.update(values)
        found = [part for value in values for part in (*self.parts(value, depth - 1), " ")]
        self.seen.difference_update(values)
        return found[:-1]

    def _percent(self, node: ast.BinOp, depth: int) -> list[Part]:
        """`"… %s …" % values`; a modulo of numbers is a hole like any other."""
        left = self.parts(node.left, depth - 1)
        if not any(isinstance(part, str) for part in left) or (
            isinstance(node.left, ast.Constant) and string(node.left) is None
        ):
            return [Hole(node=node)]
        match node.right:
            case ast.Tuple():
                values = list(node.right.elts)
            case ast.Dict():
                values = list(node.right.values)
            case _:
                values = [node.right]
        return self._woven(left, PERCENT, values, depth)

    def _woven(self, template: list[Part], marks: re.Pattern[str], values: list[ast.expr], depth: int) -> list[Part]:
        """The template with its marks replaced by the values, in order."""
        found: list[Part] = []
        rest = list(values)
        for part in template:
            if isinstance(part, Hole):
                found.append(part)
                continue
            pieces = marks.split(part)
            for at, piece in enumerate(pieces):
                found.append(piece)
                if at < len(pieces) - 1 and rest:
                    found += self._inlined(rest.pop(0), depth)
        for value in rest:
            found += self._inlined(value, depth)
        return found

    def _call(self, node: ast.Call, depth: int) -> list[Part]:
        called = node.func
        if isinstance(called, ast.Attribute):
            match called.attr:
                case "format" | "format_map" | "safe_substitute" | "substitute":
                    return self._formatted(node, called.value, depth)
                case "join":
                    return self._joined(node, called.value, depth)
                case "replace" if len(node.args) > 1:
                    return self._inlined(called.value, depth) + self._inlined(node.args[1], depth)
                case name if name in PLAIN:
                    return self._inlined(called.value, depth)
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if node.args and (name in WRAPPERS or last(self.module.path(called)) in WRAPPERS):
            return self._inlined(node.args[0], depth)
        return [Hole(node=node)]

    def _formatted(self, node: ast.Call, template: ast.expr, depth: int) -> list[Part]:
        composed = self.module.resolved(template)
        if isinstance(composed, ast.Call) and last(self.module.path(composed.func)) == "SQL":
            # psycopg composes: `sql.SQL("… {}").format(Identifier(x))` quotes what it is given, and refuses plain text
            return self.parts(composed.args[0], depth - 1) if composed.args else [Hole(node=node)]
        left = self.parts(template, depth - 1)
        if not any(isinstance(part, str) for part in left):
            return [Hole(node=node)]
        return self._woven(left, BRACES, [*node.args, *(keyword.value for keyword in node.keywords)], depth)

    def _joined(self, node: ast.Call, separator: ast.expr, depth: int) -> list[Part]:
        if not node.args:
            return [Hole(node=node)]
        glue = self.parts(separator, depth - 1)
        items = self.module.resolved(node.args[0])
        if isinstance(items, ast.List | ast.Tuple) and items is node.args[0]:
            return [part for item in items.elts for part in (*self.parts(item, depth - 1), *glue)]
        return [*glue, Hole(node=node.args[0])]


def _sides(node: ast.expr) -> list[ast.expr]:
    """The expressions whose texts, one after the other, are (or may be) the text of this one."""
    match node:
        case ast.JoinedStr():
            return node.values
        case ast.BinOp(op=ast.Add()):
            return [node.left, node.right]
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.NamedExpr():
            return [node.value]
    return []


def parts(module: Module, node: ast.expr) -> list[Part]:
    """The pieces of a text."""
    return Reader(module=module).parts(node)


def literal(module: Module, node: ast.expr | None) -> str | None:
    """The text of an expression that is wholly literal, variables followed."""
    if node is None:
        return None
    found = parts(module, node)
    return (
        "".join(part for part in found if isinstance(part, str))
        if all(isinstance(part, str) for part in found)
        else None
    )


def written(module: Module, node: ast.expr | None) -> str:
    """The literal pieces of a text, holes left empty."""
    return "" if node is None else "".join(part for part in parts(module, node) if isinstance(part, str))
