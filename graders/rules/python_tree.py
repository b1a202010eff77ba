"""A Python source as a module that rules can ask: its calls, functions, routes and tests.

Here: structure that many rules need. Not here: what texts are built of (`python_values`), what identifiers mean
(`python_words`), and any defect.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import PurePosixPath

from graders.rules.python_names import Names
from graders.rules.python_nodes import Function
from graders.rules.python_text import parse
from graders.rules.source import Source, ToolError


@dataclass(frozen=True, eq=False, kw_only=True)
class Call:
    """A call, and where its function comes from."""

    node: ast.Call
    path: str
    """`requests.post`, `httpx.AsyncClient().post`; begins with `?` where nothing is known of the root."""

    @property
    def name(self) -> str:
        """The last part: the function's or the method's name."""
        return self.path.rsplit(".", 1)[-1]

    def keyword(self, *names: str) -> ast.expr | None:
        return next((k.value for k in self.node.keywords if k.arg in names), None)

    def argument(self, place: int, *names: str) -> ast.expr | None:
        """An argument by keyword or by position."""
        found = self.keyword(*names)
        if found is not None:
            return found
        before = self.node.args[: place + 1]
        if len(before) <= place or any(isinstance(item, ast.Starred) for item in before):
            return None
        return before[place]

    @property
    def spread(self) -> bool:
        """Whether it takes `**something`, so that an absent keyword says nothing."""
        return any(keyword.arg is None for keyword in self.node.keywords)


class Module(Names):
    """A parsed source with its index."""

    def __init__(self, source: Source) -> None:
        super().__init__(parse(source))
        self.source = source

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call, in the order of the text."""
        return tuple(self.call(node) for node in self.nodes if isinstance(node, ast.Call))

    def call(self, node: ast.Call) -> Call:
        return Call(node=node, path=self.path(node.func))

    def calls_in(self, nodes: list[ast.AST]) -> list[Call]:
        return [self.call(node) for node in nodes if isinstance(node, ast.Call)]

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Function))

    @cached_property
    def named(self) -> dict[str, tuple[Function, ...]]:
        """The functions and methods of each name."""
        found: dict[str, tuple[Function, ...]] = {}
        for function in self.functions:
            found[function.name] = (*found.get(function.name, ()), function)
        return found

    @cached_property
    def called(self) -> dict[str, list[ast.Call]]:
        """The calls by the last part of what they call."""
        found: dict[str, list[ast.Call]] = defaultdict(list)
        for call in self.calls:
            found[call.name].append(call.node)
        return found

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every name, attribute, parameter, keyword and key in the source."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.arg | ast.keyword) and node.arg:
                found.add(node.arg)
            elif isinstance(node, Function | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.alias):
                found.update(node.name.split("."))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 60:
                found.add(node.value)
        return frozenset(found)

    @cached_property
    def test(self) -> bool:
        """Whether the source is a test file."""
        path = PurePosixPath(self.source.file or "")
        if (
            path.name == "conftest.py"
            or path.name.startswith("test_")
            or path.stem.endswith("_test")
            or "tests" in path.parts
        ):
            return True
        if not any(function.name.startswith("test") for function in self.functions):
            return False
        return not self.routes

    def in_test(self, node: ast.AST) -> bool:
        """Whether the node stands in a test file, a test function, a fixture or a test class."""
        if self.test:
            return True
        for above in self.ancestors(node):
            if isinstance(above, Function) and (
                above.name.startswith("test_") or "fixture" in " ".join(self.decorators(above))
            ):
                return True
            if isinstance(above, ast.ClassDef) and (above.name.startswith("Test") or above.name.endswith("TestCase")):
                return True
        return False

    def decorators(self, function: Function | ast.ClassDef) -> list[str]:
        """Paths of the decorators, calls without their parentheses."""
        return [self.path(d.func if isinstance(d, ast.Call) else d) for d in function.decorator_list]

    @cached_property
    def routes(self) -> dict[Function, str]:
        """Functions that answer HTTP requests, with their methods in lower case (`get`, `post`, `route`, …)."""
        found = {}
        for function in self.functions:
            for decorator in self.decorators(function):
                last = decorator.rsplit(".", 1)[-1]
                if last in ROUTES and "." in decorator:
                    found[function] = _methods(function) if last in ("route", "api_route") else last
                elif last in ("api_view", "require_http_methods", "require_POST", "csrf_exempt"):
                    found[function] = _methods(function) or "route"
            owner = self.parents.get(function)
            if function.name in METHODS and isinstance(owner, ast.ClassDef) and _is_view(owner):
                found[function] = function.name
        return found


METHODS = frozenset({"get", "post", "put", "patch", "delete"})
ROUTES = METHODS | {"route", "api_route", "websocket", "head", "options"}


def _methods(function: Function) -> str:
    """The HTTP methods named in a route's decorators."""
    words = [
        node.value.lower()
        for decorator in function.decorator_list
        for node in ast.walk(decorator)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return " ".join(word for word in words if word in METHODS) or "get"


def _is_view(owner: ast.ClassDef) -> bool:
    """Whether a class is a view or resource of a web framework, judged by the names of its bases."""
    bases = [
        base.attr if isinstance(base, ast.Attribute) else base.id
        for base in owner.bases
        if isinstance(base, ast.Attribute | ast.Name)
    ]
    return any(re.search(r"View|Resource|Handler|Endpoint", base) for base in bases)


@lru_cache(maxsize=16)
def _read(source: Source) -> Module | ToolError:
    try:
        return Module(source)
    except ToolError as error:
        return error
    except RecursionError:
        return ToolError("this Python block is nested too deeply to be read")


def module_of(source: Source) -> Module:
    """The source's module; several rules ask for it one after the other. Raises ToolError where it is not Python."""
    found = _read(source)
    if isinstance(found, ToolError):
        raise found
    return found
