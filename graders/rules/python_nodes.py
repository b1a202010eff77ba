"""Questions about a single Python node: literals, the name by which a place is known.

Here: what one node says by itself. Not here: what its names are bound to (`python_names`).
"""

from __future__ import annotations

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def last(path: str) -> str:
    """The last part of a dotted path."""
    return path.rsplit(".", 1)[-1]


def is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def string(node: ast.AST | None) -> str | None:
    """The value of a string or bytes literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        return node.value.decode("latin-1")
    return None


def identifier(node: ast.AST | None) -> str:
    """The name by which a place is known: a name, an attribute, a literal key; empty for others."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.arg():
            return node.arg
        case ast.Subscript():
            return string(node.slice) or ""
        case ast.Call(func=ast.Attribute(attr="get_secret_value", value=inner)):
            return identifier(inner)
        case ast.Call(func=ast.Attribute(attr="get" | "pop" | "getlist"), args=[first, *_]):
            return string(first) or ""
        case ast.Await() | ast.Starred():
            return identifier(node.value)
    return ""
