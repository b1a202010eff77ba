"""Commands built from values: SQL.

Here: statements put together from text. Not here: shells and `eval` (`py_commands`), files (`py_paths`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import last
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_settled import settled
from graders.rules.python_tree import Call, Module
from graders.rules.python_values import Hole, Part, parts
from graders.rules.rule import Rule, Severity

STATEMENT = re.compile(
    r"(?is)\A[\s(]*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*(?:select\b.+?(?:\bfrom\b|\w\()|insert\s+(?:or\s+\w+\s+)?into\b|"
    r"replace\s+into\b|update\b.+?\bset\b|delete\s+from\b|with\b.+?\bas\b.*?\(|drop\s+\w+|alter\s+\w+|"
    r"create\s+(?:or\s+replace\s+)?(?:temp\w*\s+|unique\s+|unlogged\s+)*(?:table|index|view|user|role|database|schema|"
    r"function|trigger|extension)\b|truncate\s+(?:table\s+)?\w+|merge\s+into\b|exec(?:ute)?\s+\w+|call\s+\w+\s*\(|grant\s.+\sto\b|"
    r"select\s+\*|explain\b.+?\bselect\b|copy\s+\w+|begin\b|commit\b|lock\s+table)"
)
FRAGMENT = re.compile(r"(?is)\A\s*(?:\w+(?:\.\w+)?\s*(?:=|<>|!=|<|>|\blike\b|\bilike\b|\bin\b)|select\b|where\b)")
SINKS = frozenset(
    {
        "execute",
        "executemany",
        "executescript",
        "execute_async",
        "exec_driver_sql",
        "fetch",
        "fetchrow",
        "fetchval",
        "fetch_all",
        "fetch_one",
        "fetch_val",
        "fetch_row",
        "fetchone",
        "fetchall",
        "iterate",
        "raw",
        "read_sql",
        "read_sql_query",
        "scalar",
        "scalars",
        "exec",
        "query",
        "cursor",
        "prepare",
        "copy_expert",
        "mogrify",
        "RawSQL",
        "text",
        "run_sql",
        "execute_sql",
        "stream",
        "query_one",
        "query_all",
        "select",
        "run",
        "sql",
        "execute_query",
    }
)
CLAUSES = frozenset({"filter", "where", "having", "order_by", "extra"})
"""Methods that take part of a statement as text."""
HARMLESS = re.compile(
    r"(?:^|\.)(?:print|debug|info|warning|warn|error|exception|critical|log|HTTPException|echo|write|append|format|join|"
    r"add_argument|fail|compile|search|match|sub|len|isinstance|Field|Query|Body|dedent|startswith|endswith|raises|_)$"
)
CLEANERS = frozenset(
    {
        "Identifier",
        "quote_ident",
        "quote_identifier",
        "quote_name",
        "quoted_name",
        "escape_identifier",
        "Literal",
        "SQL",
        "Placeholder",
        "escape_string",
        "adapt",
        "mogrify",
        "literal",
        "sanitize_identifier",
        "quote",
        "validate_identifier",
    }
)
QUERY = re.compile(r"(?i)\s*\(*(?:select|insert|update|delete|with|replace)\b")
VALUE = re.compile(r"(?is)(?:'[%\s]*|(?:=|<|>|\blike|\bvalues\s*\(.*,?)\s*)\Z")
"""Text after which a value is expected, not a name."""
COUNTS = re.compile(r"(?is)\b(?:limit|offset|interval|top|fetch\s+first)\s*'?\s*\Z")


class SqlInjection(PythonRule):
    """A statement's text is put together from values that are not constants. Whoever controls such a value can change the
    statement, and read or destroy data that is not theirs. Give values as parameters (`%s`, `$1`, `:name`), and take
    identifiers from a fixed list or quote them with the driver's own composition (`psycopg.sql`).
    """

    id = "py-sql-injection"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 89
    BAD = (
        'cur.execute(f"SELECT * FROM users WHERE id = {user_id}")\n',
        'def find(conn, name):\n    query = "SELECT id FROM users WHERE name = \'" + name + "\'"\n    return conn.execute(query).fetchone()\n',
        'from sqlalchemy import text\n\ndef report(db, order):\n    sql = "SELECT * FROM orders ORDER BY %s" % order\n    return db.execute(text(sql))\n',
        "async def find(pool, email):\n    return await pool.fetchrow(\"SELECT * FROM users WHERE email = '{}'\".format(email))\n",
        (
            'def search(cur, name, city=None):\n    sql = "SELECT * FROM shops WHERE open"\n    if city:\n'
            "        sql += f\" AND city = '{city}'\"\n    cur.execute(sql)\n"
        ),
        'User.objects.raw("SELECT * FROM auth_user WHERE username = \'%s\'" % request.GET["name"])\n',
    )
    GOOD = (
        'cur.execute("SELECT * FROM users WHERE id = %s", (user_id,))\n',
        'TABLE = "payments"\ncur.execute(f"SELECT id FROM {TABLE} WHERE id = %s", (x,))\n',
        'def many(cur, ids):\n    marks = ", ".join("?" for _ in ids)\n    cur.execute(f"SELECT * FROM t WHERE id IN ({marks})", ids)\n',
        'from psycopg import sql\n\ndef count(cur, table):\n    cur.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))\n',
        (
            'COLUMNS = {"name": "u.name", "age": "u.age"}\n\ndef rows(db, sort):\n    column = COLUMNS.get(sort, "u.name")\n'
            '    return db.execute(text(f"SELECT * FROM u ORDER BY {column}"))\n'
        ),
        (
            'def update(db, user_id, name=None):\n    sets, args = [], []\n    if name is not None:\n        sets.append("name = ?")\n'
            "        args.append(name)\n    db.execute(f\"UPDATE users SET {', '.join(sets)} WHERE id = ?\", (*args, user_id))\n"
        ),
        'log.info(f"select from {name} failed")\n',
        (
            "def rows(db, sort: str):\n    if sort not in ALLOWED_SORTS:\n        raise ValueError(sort)\n"
            '    return db.execute(f"SELECT * FROM t ORDER BY {sort}")\n'
        ),
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        judged: set[ast.expr] = set()
        for call in module.calls:
            if not call.node.args or HARMLESS.search(_written_path(call)):
                continue
            for argument in call.node.args[:2]:
                verdict = _verdict(module, call, argument)
                if verdict is not None:
                    judged.add(module.resolved(argument))
                    judged.update(module.values(argument))
                    yield (call.node, verdict)
                    break
        yield from _built(module, judged)


def _built(module: Module, judged: set[ast.expr]) -> Iterator[Judged]:
    """Statements that are put together with a value in quotes or behind `=`, and run where we cannot see it."""
    for node in module.nodes:
        if (
            not isinstance(node, ast.Assign | ast.Return)
            or not isinstance(node.value, ast.JoinedStr | ast.BinOp | ast.Call)
            or node.value in judged
        ):
            continue
        pieces = parts(module, node.value)
        template = "".join(part if isinstance(part, str) else "x1" for part in pieces)
        if not STATEMENT.match(template) or not QUERY.match(template):
            continue
        bad = [hole for before, hole in _holes(pieces) if VALUE.search(before) and not _sound(module, before, hole)]
        if bad and not any(
            module.inside(done, node) or module.inside(node, done) for done in judged if done in module.place
        ):
            yield (node, _message(bad[0]))


def _written_path(call: Call) -> str:
    called = call.node.func
    return f"x.{called.attr}" if isinstance(called, ast.Attribute) else last(call.path)


def _verdict(module: Module, call: Call, argument: ast.expr) -> str | None:
    """A message, an empty one for a sound statement, None where the argument is no statement."""
    name = last(_written_path(call))
    if (
        isinstance(argument, ast.Call)
        and last(module.path(argument.func)) in ("text", "sa_text", "RawSQL")
        and name != "text"
    ):
        return None  # judged as the call of `text` itself
    if not isinstance(
        argument, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Name | ast.Attribute | ast.Call | ast.IfExp
    ):
        return None
    pieces = parts(module, argument)
    template = "".join(part if isinstance(part, str) else "x1" for part in pieces)
    whole = STATEMENT.match(template) is not None
    if not whole and not (name in CLAUSES or name == "text"):
        return None
    bad = [hole for before, hole in _holes(pieces) if not _sound(module, before, hole)]
    if not whole:
        fragment = FRAGMENT.match(template) is not None and not any(isinstance(p, Hole) for p in pieces[:1])
        return _message(bad[0]) if bad and fragment else None
    # where something else gets a statement's text, it is our business only when that is a wrapper round a driver
    if name not in SINKS and not (bad and _runs(call)):
        return None
    return _message(bad[0]) if bad else ""


def _runs(call: Call) -> bool:
    """Whether a function that is not a driver's sounds as if it ran statements."""
    return re.search(r"(?i)exec|query|sql|fetch|select|raw", _written_path(call)) is not None


def _holes(pieces: list[Part]) -> Iterator[tuple[str, Hole]]:
    """Each hole with the text before it."""
    before = ""
    for part in pieces:
        if isinstance(part, Hole):
            yield before, part
            before += "x1"
        else:
            before += part


def _sound(module: Module, before: str, hole: Hole) -> bool:
    if settled(module, hole.node, CLEANERS):
        return True
    if _is_composed(module, hole.node):
        return True
    if COUNTS.search(before) and isinstance(hole.node, ast.Name):
        return any(
            b.annotation is not None and module.annotation(b.annotation) == "int" for b in module.lookup(hole.node)
        )
    if (
        isinstance(hole.node, ast.Attribute)
        and isinstance(hole.node.value, ast.Name)
        and hole.node.value.id in ("self", "cls")
    ):
        # what an object was built with is the developer's, as a rule: nobody outside can name the table of a store
        return re.search(r"table|schema|column|prefix|database|collection|queue", hole.node.attr) is not None
    return (
        module.in_test(hole.node) and re.search(r"(?is)\b(?:from|into|update|table|join)\s+\"?\Z", before) is not None
    )


def _is_composed(module: Module, node: ast.expr) -> bool:
    value = module.resolved(node)
    path = module.path(value.func) if isinstance(value, ast.Call) else ""
    return "psycopg" in path or ".sql." in path or path.startswith("sql.")


def _message(hole: Hole) -> str:
    return f"The value `{ast.unparse(hole.node)[:60]}` becomes part of the statement's text instead of a parameter."


RULES_PY_INJECTION: tuple[Rule, ...] = (SqlInjection(),)
