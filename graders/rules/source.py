"""A piece of source code, parsed once for all rules: syntax tree, tool findings, line numbers.

Here: languages, parsers and the tools' raw output. Not here: what counts as a defect.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from graders.answer import Answer, Role
from graders.rules.sql_lexer import statements, without_comments
from graders.task import NO_TASK, Task

if TYPE_CHECKING:
    import sqlglot.expressions as exp
    from ast_grep_py import SgNode

AST_GREP = {"python": "python", "javascript": "javascript", "typescript": "typescript"}
"""Our language names that ast-grep parses. It aborts on a name it does not know, so nothing else may reach it."""

EXTENSIONS = {
    ".py": "python",
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".sql": "sql",
    ".md": "markdown",
    ".markdown": "markdown",
}


class ToolError(Exception):
    """An analyser is missing, crashed, or did not look at what it was given. Grades that need it are unscored."""


@dataclass(frozen=True, kw_only=True)
class ToolFinding:
    """One finding of ruff or squawk, at a 1-based line of the source."""

    code: str
    line: int
    message: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One SQL statement: its text, and the 1-based line of the source on which it starts."""

    text: str
    line: int

    @cached_property
    def tree(self) -> exp.Expr | None:
        """sqlglot's tree; None where it has none."""
        import sqlglot
        from sqlglot.errors import SqlglotError

        try:
            return sqlglot.parse_one(self.text, read="postgres")
        except (SqlglotError, RecursionError):
            return None


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """One block or file of code. Parsing is lazy and done once; nothing of it changes afterwards."""

    text: str
    language: str
    file: str | None = None
    line: int = 1
    """Line of the enclosing document on which the first line of the text stands."""
    role: Role = Role.PROPOSED
    elided: bool = False
    answer: Answer | None = None
    """The whole answer, for sources of language `markdown`."""
    task: Task = NO_TASK
    """What the answer was asked, for sources of language `markdown`."""
    tools: dict[str, tuple[ToolFinding, ...] | ToolError] = field(default_factory=dict, repr=False)
    """What ruff and squawk said of this source; filled by `run_tools`."""

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n"))

    @cached_property
    def root(self) -> SgNode:
        """Root of the ast-grep tree (python, javascript, typescript). Tolerates broken code."""
        from ast_grep_py import SgRoot

        return SgRoot(self.text, AST_GREP[self.language]).root()

    @cached_property
    def python(self) -> ast.Module | None:
        """The standard library's tree; None where the text is not valid Python."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an invalid escape in an answer's string is not our warning
                return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The SQL statements in the text, `DO $$ … $$` kept whole."""
        pieces = statements(self.text)
        return tuple(Statement(text=self.text[piece[0].start : piece[-1].end], line=piece[0].line) for piece in pieces)

    def findings(self, tool: str) -> tuple[ToolFinding, ...]:
        """What a tool reported of this source. Raises ToolError where it could not tell."""
        found = self.tools.get(tool, ToolError(f"{tool} was not run on this source"))
        if isinstance(found, ToolError):
            raise found
        return found


Said = tuple[ToolFinding, ...] | ToolError


def run_tools(sources: Sequence[Source], tools: frozenset[str]) -> None:
    """Run each wanted analyser once over all sources of its language and keep what it said with each source.

    A tool that is missing, crashes, cannot parse a source or skips one leaves a ToolError there, never an empty list.
    """
    for tool, language, run in (("ruff", "python", _ruff), ("squawk", "sql", _squawk)):
        wanted = [source for source in sources if source.language == language and tool not in source.tools]
        if tool not in tools or not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="evals-") as folder:
            suffix = ".py" if language == "python" else ".sql"
            paths = [Path(folder) / f"{number}{suffix}" for number in range(len(wanted))]
            for path, source in zip(paths, wanted, strict=True):
                path.write_text(source.text if tool == "ruff" else without_comments(source.text), encoding="utf-8")
            for source, said in zip(wanted, run(paths), strict=True):
                source.tools[tool] = said


RUFF_RULES = "S,BLE,B,ASYNC,TRY,DTZ,G,F"


def _ruff(paths: list[Path]) -> list[Said]:
    command = [
        _program("ruff"),
        "check",
        "--isolated",
        "--no-cache",
        "--ignore-noqa",
        "--select",
        RUFF_RULES,
        "--exit-zero",
        "--target-version",
        "py312",
        "--output-format",
        "json",
        *map(str, paths),
    ]
    try:
        rows = json.loads(_output(command))
        by_path: dict[str, list[ToolFinding]] = {str(path.resolve()): [] for path in paths}
        broken: set[str] = set()
        for row in rows:
            name = str(Path(row["filename"]).resolve())
            if row["code"] in (None, "invalid-syntax"):
                broken.add(name)
                continue
            by_path[name].append(ToolFinding(code=row["code"], line=row["location"]["row"], message=row["message"]))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        return [ToolError(f"ruff failed: {error}")] * len(paths)
    return [
        ToolError("ruff cannot parse this block") if name in broken else tuple(found) for name, found in by_path.items()
    ]


def _squawk(paths: list[Path]) -> list[Said]:
    command = [_program("squawk"), "--reporter", "json", *map(str, paths)]
    try:
        rows = json.loads(_output(command) or "[]")
        by_path: dict[str, list[ToolFinding]] = {str(path): [] for path in paths}
        broken: set[str] = set()
        for row in rows:
            if row["rule_name"] == "syntax-error":
                broken.add(row["file"])
                continue
            by_path[row["file"]].append(
                ToolFinding(code=row["rule_name"], line=row["line"] + 1, message=row["message"])
            )
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        return [ToolError(f"squawk failed: {error}")] * len(paths)
    return [
        ToolError("squawk cannot parse this block") if name in broken else tuple(found)
        for name, found in by_path.items()
    ]


def _program(name: str) -> str:
    """The tool installed beside this interpreter; never one that happens to be on PATH, whose rules would differ."""
    return str(Path(sys.executable).parent / name)


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    if done.returncode not in (0, 1):
        message = f"exit code {done.returncode}: {done.stderr.strip()[:200]}"
        raise subprocess.SubprocessError(message)
    return done.stdout
