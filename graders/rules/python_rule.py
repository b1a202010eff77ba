"""The common base of Python rules.

Here: from judged nodes to sites. Not here: any defect.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Iterator

from graders.rules.python_tree import Module, module_of
from graders.rules.rule import Rule, Site
from graders.rules.source import Source, ToolError

Judged = tuple[ast.AST, str]
"""A node, and what is wrong there; an empty message where it is sound."""


class PythonRule(Rule):
    """A rule that judges a Python module."""

    languages = ("python",)

    @abstractmethod
    def judge(self, module: Module) -> Iterator[Judged]:
        """Each judged node; with a message where it is bad."""

    def check(self, source: Source) -> Iterator[Site]:
        module = module_of(source)
        verdicts: dict[int, str] = {}
        try:
            for node, message in self.judge(module):
                line = getattr(node, "lineno", 1)
                verdicts[line] = verdicts.get(line) or message
        except RecursionError:
            raise ToolError("this Python block is nested too deeply to be judged") from None
        for line, message in sorted(verdicts.items()):
            quote = source.lines[line - 1].strip()[:200] if line <= len(source.lines) else ""
            yield Site(line=line, ok=not message, quote=quote, message=message)
