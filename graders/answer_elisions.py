"""Code that leaves code out: `...`, `// rest unchanged`, `pass  # TODO`.

Here: what stands for code that is not there. Not here: whether that matters.
"""

from __future__ import annotations

import ast
import re

from graders.answer_languages import python_tree
from graders.answer_tokens import bare, comments

NOUNS = (
    r"(?:code|routes?|imports?|methods?|functions?|handlers?|logic|fields?|columns?|config(?:uration)?|middlewares?|implementations?|endpoints?|tests?"
    r"|set-?up|stuff|contents?|file|class|propert(?:y|ies)|body|statements?|lines?|definitions?|models?|validations?|checks?|parts?|steps?|tables?)"
)
SAME = r"(?:unchanged|omitted|(?:stays?|remains?|is|are|kept)\s+(?:exactly\s+)?(?:the\s+same|unchanged|as\s+(?:is|before|it\s+is|they\s+are))|as\s+before|as\s+above|as\s+is|goes?\s+here|here)"
LEFT_OUT = re.compile(
    rf"""(?:the\s+)?(?:rest|remainder)\s+of\s+(?:the\s+|your\s+|this\s+)?(?:\w+\s+){{0,2}}?{NOUNS}?(?:\s+{SAME})?
      | (?:the\s+|your\s+|all\s+|any\s+)*(?:existing|remaining|other|previous|original|same|old|current|similar|additional|more)\s+(?:\w+\s+){{0,2}}{NOUNS}(?:\s+{SAME})?
      | (?:the\s+)?(?:rest|everything\s+else|all\s+else|others?)\s+{SAME}
      | your\s+(?:\w+\s+){{0,2}}{NOUNS}(?:\s+(?:goes\s+)?here)?
      | (?:add\s+|put\s+|insert\s+)?(?:your\s+)?(?:\w+\s+){{0,3}}{NOUNS}\s+(?:goes\s+)?here
      | (?:\w+\s+){{0,3}}(?:omitted|elided|skipped|snipped|shortened|abbreviated|left\s+out)(?:\s+for\s+(?:brevity|clarity|space))?
      | (?:same|identical)\s+(?:as|to)\s+(?:before|above|the\s+(?:original|previous|first)(?:\s+\w+)?)
      | unchanged | as\s+before | (?:snip|etc)\.? | no\s+changes?(?:\s+here)?
      | (?:to\s*do|fixme)\W*(?:(?:implement|add|write|fill|handle|complete)\b.*)?
      | (?:implement|fill)\s+(?:this|me|in|here)\b.* | (?:implementation|logic)\s+(?:omitted|goes\s+here|here)
    """,
    re.IGNORECASE | re.VERBOSE,
)
DOTS = re.compile(r"\.{3}|…")
DOTTED = re.compile(r"(?:\.{3,}|…)\s*(?P<said>.*)", re.DOTALL)
TRAILING = re.compile(r"(?P<said>.*?)\s*(?:\.{3,}|…)", re.DOTALL)
UNFINISHED = re.compile(
    r"^\s*pass\s*(?:#|//)\s*(?:to\s*do|fixme|implement|your|add|\.{3}|…|placeholder|rest|existing)",
    re.IGNORECASE | re.MULTILINE,
)
HOLLOW = re.compile(r"[\[({,;]\s*(?:\.{3}|…)\s*(?=[\])},;])")
ALONE = re.compile(r"^\s*(?:\.{3,}|…)\s*[,;]?\s*$", re.MULTILINE)
NOT_CODE = frozenset({None, "text", "markdown", "diff", "http", "html", "xml", "csv", "mermaid"})
"""Languages in which dots are as likely output or prose."""
PERMITTED = ("overload", "abstractmethod", "abstractproperty")


def leaves_out(text: str, language: str | None, file: str | None = None) -> bool:
    """Whether a block has a gap that someone else must fill."""
    if language in NOT_CODE:
        return False
    if language == "python" and UNFINISHED.search(text):
        return True
    if _said_in_comments(text, language):
        return True
    if not DOTS.search(text):
        return False
    return _python_gap(text, file) if language == "python" else _gap(text, language)


def _said_in_comments(text: str, language: str | None) -> bool:
    goes_on = False
    for remark in comments(text, language):
        comment = remark.text
        # a comment that ends in dots is continued by one that begins with them; one behind code says something of that
        # code, unless it stands in a hole: `{/* ... */}`
        if (
            (remark.alone or comment.endswith("*/"))
            and not goes_on
            and any(_stands_for_code(line) for line in comment.split("\n"))
        ):
            return True
        goes_on = comment.rstrip(" */\n").endswith(("...", "…"))
    return False


def _stands_for_code(comment: str) -> bool:
    said = comment.strip("#/*-<>!{}[]()\"' \t")
    dotted = DOTTED.fullmatch(said)
    if dotted:
        rest = dotted["said"]
        # "...and so on" goes on with a sentence; "... routes" stands for routes
        return not rest or said.lstrip(".…")[0].isspace() or LEFT_OUT.fullmatch(rest.strip(" .…:)(")) is not None
    trailing = TRAILING.fullmatch(said)
    if trailing and LEFT_OUT.fullmatch(trailing["said"].strip(" .:")):
        return True
    return LEFT_OUT.fullmatch(re.sub(r"\s*[(\[].*?[)\]]", "", said).strip(" .:")) is not None


def _gap(text: str, language: str | None) -> bool:
    code = bare(text, language)
    if language in {"yaml", "toml", "ini", "dotenv", "bash", "dockerfile"}:
        return ALONE.search(code.rstrip().removesuffix("\n...") if language == "yaml" else code) is not None
    return ALONE.search(code) is not None or HOLLOW.search(code) is not None


def _python_gap(text: str, file: str | None) -> bool:
    tree = python_tree(text)
    if tree is None:
        return ALONE.search(bare(text, "python")) is not None
    return not (file or "").endswith(".pyi") and _has_gap(tree)


def _has_gap(tree: ast.Module) -> bool:
    """Whether an `...` stands where a statement should, other than as the body of a stub."""
    stubs: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (_is_interface(node) or len(node.body) == 1):
            stubs |= {id(node), *(id(part) for part in node.body if _is_interface(node))}
        elif (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and any(_ends(mark, PERMITTED) for mark in node.decorator_list)
        ) or isinstance(node, ast.ExceptHandler):
            stubs.add(id(node))
    return any(_is_dots(part) for node in ast.walk(tree) if id(node) not in stubs for part in _statements(node))


def _statements(node: ast.AST) -> list[ast.AST]:
    return [
        part
        for name in ("body", "orelse", "finalbody")
        if isinstance(parts := getattr(node, name, None), list)
        for part in parts
    ]


def _is_dots(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def _is_interface(node: ast.ClassDef) -> bool:
    return any(
        _ends(base.value if isinstance(base, ast.Subscript) else base, ("Protocol", "ABC", "TypedDict"))
        for base in node.bases
    )


def _ends(node: ast.AST, names: tuple[str, ...]) -> bool:
    """Whether an expression is one of the names, or an attribute called so."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in names
