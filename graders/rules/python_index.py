"""The nodes of a Python tree in the order of the text, with parents, subtrees and scopes.

Here: where a node stands. Not here: what names mean.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from graders.rules.python_nodes import Function, Scope

SHARED = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
"""Kinds of which the parser may use one object everywhere, so that it has no place in the tree."""


class Index:
    """A tree, numbered."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.nodes: list[ast.AST] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        self.place: dict[ast.AST, int] = {}
        self._stop: dict[ast.AST, int] = {}
        self._number()

    def _number(self) -> None:
        """Number the nodes in the order of the text, and note where each one's subtree ends."""
        stack: list[tuple[ast.AST, bool]] = [(self.tree, False)]
        while stack:
            node, done = stack.pop()
            if done:
                self._stop[node] = len(self.nodes)
                continue
            self.place[node] = len(self.nodes)
            self.nodes.append(node)
            stack.append((node, True))
            for child in reversed(list(ast.iter_child_nodes(node))):
                if not isinstance(child, SHARED):
                    self.parents[child] = node
                    stack.append((child, False))

    def within(self, node: ast.AST) -> list[ast.AST]:
        """The node and all below it, in the order of the text."""
        return self.nodes[self.place[node] : self._stop[node]]

    def inside(self, node: ast.AST, other: ast.AST) -> bool:
        """Whether the node is the other one or stands in it."""
        return self.place[other] <= self.place[node] < self._stop[other]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """From the parent up to the module."""
        above = self.parents.get(node)
        while above is not None:
            yield above
            above = self.parents.get(above)

    def scope(self, node: ast.AST) -> Scope:
        """The function, lambda, class or module in whose body the node stands."""
        child = node
        for above in self.ancestors(node):
            if isinstance(above, ast.Lambda | ast.ClassDef | ast.Module) or _in_body(above, child):
                assert isinstance(above, Scope)
                return above
            child = above
        return self.tree

    def function(self, node: ast.AST) -> Function | None:
        """The nearest function around the node; lambdas are looked through."""
        return next((above for above in self.ancestors(node) if isinstance(above, Function)), None)

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """The nearest class around the node."""
        return next((above for above in self.ancestors(node) if isinstance(above, ast.ClassDef)), None)

    def own(self, function: ast.AST) -> list[ast.AST]:
        """The nodes that run when the function runs: without its nested functions, lambdas and classes."""
        found: list[ast.AST] = []
        at, stop = self.place[function] + 1, self._stop[function]
        while at < stop:
            node = self.nodes[at]
            if isinstance(node, Function | ast.Lambda | ast.ClassDef):
                at = self._stop[node]
                continue
            found.append(node)
            at += 1
        return found


def _in_body(above: ast.AST, child: ast.AST) -> bool:
    """Whether a child of a function belongs to its inside: decorators, defaults and annotations do not."""
    return isinstance(above, Function) and any(child is statement for statement in above.body)
