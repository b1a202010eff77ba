"""Which language a block of code is in, whatever its label says.

Here: labels, file endings, whether a text is valid in a language, and a guess from the text. Not here: what the code does.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
import warnings
from functools import lru_cache

LABELS = {
    **dict.fromkeys(
        ("python", "py", "python3", "py3", "python2", "pycon", "ipython", "pyi", "pytest", "fastapi", "flask"), "python"
    ),
    **dict.fromkeys(
        ("javascript", "js", "node", "nodejs", "node.js", "jsx", "mjs", "cjs", "ecmascript", "es6", "express"),
        "javascript",
    ),
    **dict.fromkeys(("typescript", "ts", "tsx", "mts", "cts"), "typescript"),
    **dict.fromkeys(
        ("sql", "postgresql", "postgres", "psql", "pgsql", "plpgsql", "pl/pgsql", "mysql", "sqlite", "sqlite3", "ddl"),
        "sql",
    ),
    **dict.fromkeys(
        (
            "bash",
            "sh",
            "shell",
            "zsh",
            "console",
            "terminal",
            "shell-session",
            "shellsession",
            "sh-session",
            "bash-session",
            "cli",
        ),
        "bash",
    ),
    **dict.fromkeys(("yaml", "yml", "docker-compose"), "yaml"),
    **dict.fromkeys(("json", "jsonc", "json5", "geojson"), "json"),
    **dict.fromkeys(
        ("text", "txt", "plain", "plaintext", "output", "log", "logs", "none", "ascii", "stdout", "tree"), "text"
    ),
    **dict.fromkeys(("diff", "patch", "udiff"), "diff"),
    **dict.fromkeys(("markdown", "md", "mdx"), "markdown"),
    **dict.fromkeys(("dotenv", "env", ".env"), "dotenv"),
    **dict.fromkeys(("dockerfile", "docker", "containerfile"), "dockerfile"),
    **dict.fromkeys(("makefile", "make"), "makefile"),
    **dict.fromkeys(("ini", "cfg", "conf", "properties"), "ini"),
    **dict.fromkeys(("go", "golang"), "go"),
    **dict.fromkeys(("rust", "rs"), "rust"),
    **dict.fromkeys(("csharp", "cs", "c#"), "csharp"),
    **dict.fromkeys(("cpp", "c++", "cc", "hpp"), "cpp"),
    **dict.fromkeys(("kotlin", "kt"), "kotlin"),
    **dict.fromkeys(("ruby", "rb"), "ruby"),
    **dict.fromkeys(("html", "htm"), "html"),
    **dict.fromkeys(("graphql", "gql"), "graphql"),
    **dict.fromkeys(("powershell", "ps1", "pwsh"), "powershell"),
    **dict.fromkeys(("hcl", "terraform", "tf"), "hcl"),
    **{
        name: name
        for name in (
            "toml",
            "java",
            "c",
            "php",
            "css",
            "scss",
            "xml",
            "http",
            "swift",
            "scala",
            "nginx",
            "mermaid",
            "csv",
        )
    },
    **{
        name: name
        for name in ("protobuf", "prisma", "regex", "lua", "perl", "r", "elixir", "jinja", "svg", "cypher", "redis")
    },
}
ENDINGS = {
    **{ending: LABELS[ending] for ending in (
        "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts", "sql", "ddl", "sh", "zsh", "bash", "yaml", "yml", "json", "txt",
        "log", "diff", "patch", "md", "mdx", "env", "ini", "cfg", "conf", "properties", "toml", "go", "rs", "java", "c", "cc", "cpp", "hpp",
        "cs", "kt", "rb", "php", "css", "scss", "html", "htm", "xml", "svg", "graphql", "gql", "ps1", "tf", "swift", "scala", "lua", "csv",
        "prisma",
    )},
    "example": "dotenv", "lock": "text", "service": "ini", "proto": "protobuf", "vue": "html", "h": "c", "mk": "makefile", "pl": "perl",
}  # fmt: skip
NAMES = {
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "makefile": "makefile",
    "procfile": "yaml",
    "jenkinsfile": "groovy",
    ".env": "dotenv",
    ".gitignore": "text",
    ".dockerignore": "text",
    ".npmrc": "ini",
    ".editorconfig": "ini",
    "caddyfile": "text",
}
AST_GREP = frozenset({"javascript", "typescript"})
"""ast-grep aborts on a name that it does not know, so only these reach it."""
BIG = 400_000

SQL = re.compile(
    r"^\s*(?:CREATE\s+(?:OR\s+REPLACE\s+|UNIQUE\s+|TEMP(?:ORARY)?\s+|UNLOGGED\s+|MATERIALIZED\s+)*(?:TABLE|INDEX|VIEW|FUNCTION|PROCEDURE|TRIGGER"
    r"|TYPE|DOMAIN|EXTENSION|SCHEMA|SEQUENCE|ROLE|USER|POLICY|DATABASE)\b|ALTER\s+(?:TABLE|INDEX|ROLE|TYPE|SEQUENCE|FUNCTION|DATABASE|DEFAULT)\b"
    r"|DROP\s+(?:TABLE|INDEX|VIEW|FUNCTION|TRIGGER|COLUMN|TYPE|SCHEMA|SEQUENCE|POLICY)\b|INSERT\s+INTO\b|UPDATE\s+[\w.\"]+\s+(?:\w+\s+)?SET\b"
    r"|DELETE\s+FROM\b|SELECT\s[^;{}]*?\b(?:FROM\b|;)|WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\([^)]*\)\s*)?AS\s*(?:(?:NOT\s+)?MATERIALIZED\s*)?\("
    r"|(?:GRANT|REVOKE)\s+[\w ,]+\s(?:ON|TO|FROM)\b|BEGIN\s*;|COMMIT\s*;|SET\s+(?:LOCAL\s+)?\w+\s*(?:=|TO)\s|DO\s+\$|COMMENT\s+ON\b|TRUNCATE\s"
    r"|EXPLAIN\s|VACUUM\b|LOCK\s+TABLE\b)",
    re.IGNORECASE,
)
SQL_REMARKS = re.compile(r"\A(?:\s*(?:--[^\n]*|/\*.{0,2000}?\*/|\\\w[^\n]*)(?:\n|\Z))+", re.DOTALL)
SCRIPT = re.compile(
    r"^\s*(?:export\s+)?(?:const|let|var)\s+[\w${\[]|^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\b|=>|\brequire\(['\"]"
    r"|^\s*import\s+(?:[\w*{][^'\"\n]*\sfrom\s+)?['\"]|^\s*(?:module\.)?exports\b|^\s*export\s+(?:default|class|abstract|type|interface|enum|\{|\*)|\bconsole\.\w+\(|^\s*(?:await\s+)?[\w.$]+\(.*\);\s*$"
    r"|^\s*(?:type|interface|enum)\s+\w+\s*[={]|^\s*['\"]use strict['\"]|^\s*class\s+\w+\s*(?:extends\s+[\w.]+\s*)?\{",
    re.MULTILINE,
)
SNAKE = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+\w+\s*\(|class\s+\w+\s*(?:\([^)\n]*\))?\s*:|from\s+[\w.]+\s+import\s|import\s+[\w.]+(?:\s+as\s+\w+)?\s*$|@\w[\w.]*"
    r"|(?:if|for|while|with|elif|else|try|except|finally|async)\b.*:\s*(?:#.*)?$|raise\s+\w|return\b(?!.*;\s*$))",
    re.MULTILINE,
)
COMMAND = re.compile(
    r"\s*(?:sudo\s+)?(?:\w+=\S*\s+)*(?:npm|npx|yarn|pnpm|pip3?|pipx|uv|poetry|python3?|node|curl|wget|psql|pg_dump|createdb|docker|docker-compose|git"
    r"|cd|mkdir|export|openssl|apt|apt-get|brew|chmod|cp|mv|rm|echo|cat|kubectl|make|source|uvicorn|gunicorn|pytest|alembic|flask|systemctl|ssh|tar"
    r"|touch|redis-cli|ls|go|cargo|jq|kill)\b(?:\s|$)"
)
OTHERS = (
    ("go", re.compile(r"^package\s+\w+\s*$|^func\s+(?:\(\w+\s+\*?\w+\)\s+)?\w+\(", re.MULTILINE)),
    (
        "java",
        re.compile(
            r"^\s*(?:public|private|protected)\s+(?:static\s+|final\s+|abstract\s+)*(?:class|interface|enum|void|[A-Z]\w*)\s",
            re.MULTILINE,
        ),
    ),
    ("rust", re.compile(r"^\s*(?:pub\s+)?fn\s+\w+.*\{\s*$|^use\s+\w+::", re.MULTILINE)),
    ("php", re.compile(r"\A\s*<\?php")),
    ("html", re.compile(r"\A\s*<(?:!doctype\s+html|html\b|head\b|body\b|div\b)", re.IGNORECASE)),
    (
        "dockerfile",
        re.compile(
            r"^\s*FROM\s+\S+[^\n]*\n(?:.*\n)*?\s*(?:RUN|COPY|CMD|WORKDIR|ENV|ENTRYPOINT|EXPOSE)\s", re.MULTILINE
        ),
    ),
    (
        "http",
        re.compile(
            r"\A\s*(?:(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+/\S*|HTTP/[12](?:\.\d)?\s+\d{3})", re.IGNORECASE
        ),
    ),
)
HUNK = re.compile(r"^@@ .*@@|^diff --git |^--- \S.*\n\+\+\+ \S", re.MULTILINE)
SHEBANG = re.compile(r"\A\s*#!\s*\S*?(?:/|env\s+(?:-S\s+)?)(?P<program>python|node|bash|sh|zsh)[\d.]*\b")
CALLS = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.With,
    ast.AsyncWith,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.If,
    ast.Raise,
)


def of_label(label: str) -> str | None:
    """The language that a label names; the label itself where we do not know it, None without one."""
    word = label.strip().strip("{}.").lower()
    return (
        LABELS.get(word)
        or LABELS.get(re.sub(r"[-_ ]?\d+(?:\.\d+)*$", "", word))
        or (word if re.fullmatch(r"[a-z][\w+#-]*", word) else None)
    )


def of_file(name: str) -> str | None:
    """The language of a file by its name."""
    base = name.rsplit("/", 1)[-1].lower()
    if base in NAMES or base.startswith((".env", "dockerfile.")):
        return NAMES.get(base, "dotenv" if base.startswith(".env") else "dockerfile")
    return ENDINGS.get(base.rsplit(".", 1)[-1]) if "." in base else None


@lru_cache(maxsize=64)
def python_tree(text: str) -> ast.Module | None:
    """The syntax tree of Python code, indented snippets included; None where it is not valid."""
    if len(text) > BIG:
        return None
    with warnings.catch_warnings():
        # a bad escape in the answer's code is no warning of ours
        warnings.simplefilter("ignore")
        for candidate in (text, textwrap.dedent(text)):
            try:
                return ast.parse(candidate)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return None


@lru_cache(maxsize=256)
def valid(language: str | None, text: str) -> bool | None:
    """Whether a text is complete and valid in a language; None where we cannot tell."""
    if len(text) > BIG:
        return None
    if language == "python":
        return python_tree(text) is not None
    if language in AST_GREP:
        return _script_is_valid(text, language)
    if language == "json":
        return _json_is_valid(text)
    return _heredocs_are_closed(text) if language == "bash" else None


def _script_is_valid(text: str, language: str) -> bool:
    from ast_grep_py import SgRoot

    return SgRoot(text, language).root().find({"rule": {"kind": "ERROR"}}) is None


def _json_is_valid(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _heredocs_are_closed(text: str) -> bool | None:
    """False where a here-document has no end; otherwise a shell script cannot be told from prose."""
    lines = [line.strip() for line in text.split("\n")]
    for number, line in enumerate(lines):
        for tag in re.findall(r"<<-?\s*[\"']?([A-Za-z_]\w*)", line)[:4]:
            if tag not in lines[number + 1 :]:
                return False
    return None


def is_diff(text: str) -> bool:
    """Whether a text is a diff: headers or hunks, or nothing but marked lines of both kinds."""
    if HUNK.search(text):
        return True
    lines = [line for line in text.split("\n") if line.strip()]
    kinds = {line[0] for line in lines}
    marked = sum(line[0] in "+-" for line in lines)
    return (
        {"+", "-"} <= kinds <= {"+", "-", " ", "@", "\\"}
        and marked * 5 >= len(lines)
        and not all(line.startswith("--") for line in lines if line[0] == "-")
    )


def confirmed(label: str | None, text: str) -> str | None:
    """The language of a text that is labelled so: the label, unless it is absent, says nothing, or is plainly wrong."""
    if label == "diff" or (label not in {"markdown", "text"} and is_diff(text)):
        return "diff"
    if label is None or label == "text":
        return guessed(text) or label
    if valid(label, text) is False or (label == "sql" and not _looks_like_sql(text)) or label == "bash":
        other = guessed(text)
        if other not in {None, label} and (valid(other, text) or (other == "sql" and label != "bash")):
            return other
    if label == "javascript" and valid(label, text) is False and valid("typescript", text):
        return "typescript"
    return label


@lru_cache(maxsize=256)
def guessed(text: str) -> str | None:
    """The language of an unlabelled text, where its form leaves little doubt."""
    if not text.strip():
        return None
    if shebang := SHEBANG.match(text):
        return LABELS[shebang["program"]]
    if is_diff(text):
        return "diff"
    if text.lstrip()[0] in "{[" and _json_is_valid(text):
        return "json"
    if _looks_like_sql(text):
        return "sql"
    return _guessed_program(text) or _guessed_settings(text)


def _looks_like_sql(text: str) -> bool:
    start = SQL_REMARKS.sub("", text, count=1)[:20_000]
    return SQL.match(start) is not None


def _guessed_program(text: str) -> str | None:
    head = text[:20_000]
    other = next((language for language, pattern in OTHERS if pattern.search(head)), None)
    if other:
        return other
    scripted, snaky = len(SCRIPT.findall(head)), len(SNAKE.findall(head))
    if scripted and scripted >= snaky:
        language = next((name for name in ("javascript", "typescript") if valid(name, text)), None)
        if language or scripted >= 2:
            return language or "javascript"
    tree = python_tree(text)
    if tree is not None and any(_telling(node) for node in tree.body):
        return "python"
    return "python" if snaky >= 2 and tree is None else None


def _telling(node: ast.stmt) -> bool:
    """Whether a statement is one that settings, prose and other languages do not share."""
    if isinstance(node, ast.Assign):
        return any(isinstance(part, ast.Call) for part in ast.walk(node.value))
    return isinstance(node, CALLS) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await))


def _guessed_settings(text: str) -> str | None:
    lines = [line for line in text.split("\n")[:400] if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return None
    if all(re.match(r"\s*(?:export\s+)?[A-Z][A-Z0-9_]*=", line) for line in lines):
        return "dotenv"
    if sum(COMMAND.match(line) is not None for line in lines) * 2 >= len(lines) or COMMAND.match(lines[0]):
        return "bash"
    if re.match(r"\s*\[[\w.\s\"-]+\]\s*$", lines[0]) and any("=" in line for line in lines[1:]):
        return "toml"
    keyed = sum(re.match(r"\s*(?:-\s+)?[\w./\"'-]+:(?:\s|$)|\s*-\s+\S", line) is not None for line in lines)
    return (
        "yaml"
        if len(lines) >= 2 and keyed * 10 >= len(lines) * 9 and any(re.match(r"[\w-]+:", line) for line in lines)
        else None
    )
