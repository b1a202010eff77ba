"""What a Python function does to a database: reads, writes, commits, and the transactions that are open meanwhile.

Here: recognising these acts for DB-API drivers, asyncpg, SQLAlchemy and Django. Not here: any defect.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from graders.rules.python_nodes import Function, identifier, last
from graders.rules.python_tree import Call, Module
from graders.rules.python_values import written

RUNS = frozenset(
    {
        "execute",
        "executemany",
        "fetch",
        "fetchrow",
        "fetchval",
        "fetch_all",
        "fetch_one",
        "fetch_val",
        "scalar",
        "scalars",
        "exec",
        "query",
        "exec_driver_sql",
        "raw",
        "executescript",
    }
)
WRITES = re.compile(
    r"(?is)^\s*(?:with\b.*?\)\s*)?(?P<verb>insert\s+(?:or\s+\w+\s+)?into|update(?:\s+only)?|delete\s+from|replace\s+into|merge\s+into)\s+"
    r"\"?(?P<table>[\w.]+)\"?"
)
READS = re.compile(r"(?is)^\s*(?:with\b.*?\)\s*)?select\b(?P<columns>.*?)\bfrom\s+\"?(?P<table>[\w.]+)\"?")
LOCKS = re.compile(r"(?is)\bfor\s+(?:no\s+key\s+)?update\b")
SESSION = re.compile(
    r"(?i)(?:^|_|\.|\?)(?:db|session|sess|conn|connection|cur|cursor|tx|transaction|uow|engine|database|pool|\w*_db|\w*_session|\w*_conn|dbsession|repo|c)"
    r"(?:\(\))?$"
)
OPENS = re.compile(
    r"(?:^|\.)(?:begin|begin_nested|transaction|atomic|start_transaction|transactional|in_transaction|acquire_transaction|unit_of_work|"
    r"get_transaction|db_transaction)$"
)
CONNECTS = re.compile(
    r"^(?:psycopg|psycopg2|sqlite3)\.connect(?:\(\))?$|^psycopg\.(?:Async)?Connection\.connect(?:\(\))?$"
)


Body = Function | ast.Module
"""What runs as a whole."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Act:
    """One thing that a function does to the database."""

    kind: str
    """write, lock, read, commit, rollback, begin, flush."""
    node: ast.AST
    on: str
    """The connection or session, as it is written."""
    subject: str = ""
    """Table or class."""
    sql: str = ""


def receiver(call: Call) -> str:
    """The object whose method is called, as it is written."""
    called = call.node.func
    return ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""


@lru_cache(maxsize=256)
def acts(module: Module, function: Body) -> tuple[Act, ...]:
    """What a function, or the module when it is loaded, itself does to the database, in the order of the text."""
    found: list[Act] = []
    for node in module.own(function):
        if isinstance(node, ast.Call):
            act = act_of(module, module.call(node))
            if act is not None:
                found.append(act)
        elif isinstance(node, ast.AugAssign | ast.Assign):
            found += _assigned(module, node)
    return tuple(found)


def act_of(module: Module, call: Call) -> Act | None:
    """What a call does to the database; None where it does nothing to it."""
    called = call.node.func
    if not isinstance(called, ast.Attribute):
        return None
    name, on = called.attr, receiver(call)
    if name in ("commit", "rollback", "flush") and not call.node.args:
        return Act(kind=name, node=call.node, on=on)
    if name in ("add", "add_all", "merge", "delete", "bulk_save_objects") and SESSION.search(on) and call.node.args:
        return Act(kind="write", node=call.node, on=on, subject=_class_of(module, call.node.args[0]))
    if name in ("create", "bulk_create", "update_or_create", "get_or_create") and re.search(r"\.objects(?:\.|$)", on):
        return Act(kind="write", node=call.node, on="django", subject=on.split(".")[0])
    if name == "save" and not call.node.args and "objects" not in on and module.imports("django"):
        return Act(kind="write", node=call.node, on="django", subject=on)
    if name in RUNS and call.node.args:
        return _statement(module, call, on)
    return None


def _statement(module: Module, call: Call, on: str) -> Act | None:
    sql = written(module, call.node.args[0])
    found = WRITES.match(sql)
    if found is not None:
        return Act(kind="write", node=call.node, on=on, subject=found["table"].lower(), sql=sql)
    if re.match(r"(?is)^\s*(?:commit|rollback|begin|start\s+transaction)\b", sql):
        word = sql.split()[0].lower().rstrip(";")
        return Act(kind=word if word in ("commit", "rollback") else "begin", node=call.node, on=on, sql=sql)
    found = READS.match(sql)
    if found is not None:
        return Act(
            kind="lock" if LOCKS.search(sql) else "read", node=call.node, on=on, subject=found["table"].lower(), sql=sql
        )
    return _composed(module, call, on)


def _composed(module: Module, call: Call, on: str) -> Act | None:
    """A statement of SQLAlchemy's expression language."""
    given = module.resolved(call.node.args[0])
    root: ast.expr = given
    methods = set()
    while isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute):
        methods.add(root.func.attr)
        root = root.func.value
    if not isinstance(root, ast.Call):
        kind = methods & {"insert", "update", "delete"}
        return (
            Act(kind="write", node=call.node, on=on, subject=identifier(root).lower())
            if kind and methods & {"values", "where"}
            else None
        )
    name = last(module.path(root.func))
    subject = identifier(root.args[0]).lower() if root.args else ""
    if name in ("insert", "update", "delete"):
        return Act(kind="write", node=call.node, on=on, subject=subject)
    if name == "select":
        return Act(kind="lock" if "with_for_update" in methods else "read", node=call.node, on=on, subject=subject)
    return None


def _class_of(module: Module, node: ast.expr) -> str:
    value = module.resolved(node)
    return last(module.path(value.func)).lower() if isinstance(value, ast.Call) else identifier(value).lower()


def _assigned(module: Module, node: ast.Assign | ast.AugAssign) -> Iterator[Act]:
    """A field set on an object that came from the database is a write, too."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and loaded(module, target.value):
            yield Act(kind="write", node=node, on="", subject=target.value.id.lower())


LOADS = frozenset(
    {
        "first",
        "one",
        "one_or_none",
        "get",
        "scalar_one",
        "scalar_one_or_none",
        "scalar",
        "get_or_404",
        "first_or_404",
        "get_object_or_404",
        "scalars",
        "aget",
    }
)


def loaded(module: Module, node: ast.Name) -> ast.Call | None:
    """The query by which an ORM object was read, when the name holds one."""
    for binding in module.lookup(node):
        value = binding.value.value if isinstance(binding.value, ast.Await) else binding.value
        if binding.how != "assign" or not isinstance(value, ast.Call):
            continue
        name = value.func.attr if isinstance(value.func, ast.Attribute) else last(module.path(value.func))
        text = ast.unparse(value)
        if name in LOADS and re.search(
            r"\.query\b|\bselect\(|\.objects\b|\bget_object_or_404\(|(?i:\b(?:db|session|s)\b(?:\.session)?\.(?:get|scalar|scalars)\()",
            text,
        ):
            return value
        if name in ("scalar_one", "scalar_one_or_none", "first", "one", "one_or_none", "scalar") and isinstance(
            value.func, ast.Attribute
        ):
            inner = _executed(module, value.func.value)
            if inner is not None:
                return inner
    return None


def _executed(module: Module, node: ast.expr) -> ast.Call | None:
    """`session.execute(select(…))`, directly or by a name."""
    value = module.resolved(node)
    value = value.value if isinstance(value, ast.Await) else value
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "scalars"
        and not value.args
    ):
        return _executed(module, value.func.value)
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in ("execute", "scalars", "exec")
        and value.args
    ) and "select" in ast.unparse(module.resolved(value.args[0])):
        return value
    return None


def transaction_around(module: Module, node: ast.AST) -> ast.AST | None:
    """The transaction block, or transactional function, in which the node runs; nested functions run later."""
    for above in module.ancestors(node):
        if isinstance(above, ast.Lambda):
            return None
        if isinstance(above, Function):
            marks = [last(path) for path in module.decorators(above)]
            return (
                above
                if any(mark in ("atomic", "transactional", "commit_on_success", "db_session") for mark in marks)
                else None
            )
        if not isinstance(above, ast.With | ast.AsyncWith) or any(module.inside(node, item) for item in above.items):
            continue
        if any(opens(module, item.context_expr) for item in above.items):
            return above
    return None


def opens(module: Module, node: ast.expr) -> bool:
    """Whether entering this expression opens a transaction."""
    if isinstance(node, ast.Await):
        node = node.value
    if isinstance(node, ast.Call):
        path = module.path(node.func)
        return OPENS.search(path) is not None or CONNECTS.match(path) is not None
    # `with connection:` of sqlite3 and psycopg is a transaction
    return CONNECTS.match(module.path(node)) is not None
