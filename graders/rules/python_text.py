"""Python text as models write it, made readable: prompts taken off, indentation levelled, left-out bodies filled.

Here: a tree for text that is nearly Python, with its line numbers kept. Not here: anything about what the tree means.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

from graders.rules.source import Source, ToolError

REPAIRS = 20
"""How many lines may be mended before the text counts as something other than Python."""

PROMPT = re.compile(r"^(\s*)(?:>>>|\.\.\.) ?")
LEFT_OUT = re.compile(r"^(\s*)(?:\.\.\.|…)(?!\s*(?:$|#|[)\],])).*$")


def parse(source: Source) -> ast.Module:
    """The source's tree, mended where only the presentation is broken. Raises ToolError where it is not Python."""
    with warnings.catch_warnings():
        # an invalid escape in an answer is no concern of ours, and must not turn into an error of ours
        warnings.simplefilter("ignore")
        if source.python is not None:
            return source.python
        tree = _mended(_levelled(source.text))
    if tree is None:
        raise ToolError("this Python block cannot be parsed")
    return tree


def _levelled(text: str) -> str:
    """Without prompts, common indentation and lines such as `... rest unchanged`; as many lines as before."""
    lines = text.expandtabs(4).split("\n")
    if any(line.lstrip().startswith(">>> ") for line in lines):
        lines = [PROMPT.sub(r"\1", line) if PROMPT.match(line) else "" for line in lines]
    lines = [LEFT_OUT.sub(r"\1...", line) for line in lines]
    return textwrap.dedent("\n".join(lines))


def _mended(text: str) -> ast.Module | None:
    """Parse; where a body is missing, put `pass` into it and try again."""
    lines = text.split("\n")
    for _ in range(REPAIRS):
        try:
            return ast.parse("\n".join(lines))
        except IndentationError as error:
            if not _fill(lines, error):
                return None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return None


def _fill(lines: list[str], error: IndentationError) -> bool:
    """Give the block that lacks a body one, on a line that holds a comment or nothing, or behind its colon."""
    found = re.search(r"expected an indented block after .* on line (\d+)", error.msg or "")
    if found is None:
        return False
    head = int(found[1]) - 1
    indent = " " * (len(lines[head]) - len(lines[head].lstrip()) + 4)
    for at in range(head + 1, min(error.lineno or 0, len(lines))):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            lines[at] = indent + "pass"
            return True
    code = lines[head].split("#", 1)[0].rstrip()
    if code.endswith(":"):
        lines[head] = code + " pass"
        return True
    return False
