"""Values that change between reading and writing.

Here: read, change, write back. Not here: what belongs into one transaction (`py_transactions`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_database import acts, loaded
from graders.rules.python_nodes import Function
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Module
from graders.rules.python_words import contended
from graders.rules.rule import Severity

SETS = re.compile(r"(?is)\bset\b(?P<body>.*?)(?:\bwhere\b(?P<where>.*))?\Z")
RAW = re.compile(r"(?is)\b\"?(?P<column>\w+)\"?\s*=\s*(?:%s|\?|\$\d+|:\w+|%\(\w+\)s|'?\s*(?=,|\s*\Z))")
GUARDS = re.compile(
    r"(?i)lock|serializable|isolation|advisory|version_id|immediate|exclusive|with_for_update|select_for_update|for_update|semaphore|mutex|watch"
)


class ReadThenWrite(PythonRule):
    """A balance or stock is read, changed in Python and written back, without a lock. Two requests at once both start from the
    old value, and one change is lost: money is spent twice. Change it in the statement itself (`balance = balance - x` with a
    condition), or read it with FOR UPDATE in the same transaction.
    """

    id = "py-read-then-write"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    cwe = 362
    BAD = (
        (
            'def debit(cur, account, cents):\n    cur.execute("SELECT balance FROM accounts WHERE id = %s", (account,))\n    balance = cur.fetchone()[0]\n'
            '    if balance < cents:\n        raise ValueError\n    cur.execute("UPDATE accounts SET balance = %s WHERE id = %s", (balance - cents, account))\n'
        ),
        (
            "def debit(db, account_id, cents):\n    account = db.query(Account).filter(Account.id == account_id).first()\n"
            "    if account.balance < cents:\n        raise ValueError\n    account.balance -= cents\n    db.commit()\n"
        ),
        (
            "async def reserve(session, sku, n):\n    item = (await session.execute(select(Item).where(Item.sku == sku))).scalar_one()\n"
            "    item.stock = item.stock - n\n    await session.commit()\n"
        ),
        "def buy(pk, n):\n    product = Product.objects.get(pk=pk)\n    product.stock -= n\n    product.save()\n",
    )
    GOOD = (
        (
            'def debit(cur, account, cents):\n    cur.execute("SELECT balance FROM accounts WHERE id = %s FOR UPDATE", (account,))\n    balance = cur.fetchone()[0]\n'
            '    cur.execute("UPDATE accounts SET balance = %s WHERE id = %s", (balance - cents, account))\n'
        ),
        'def debit(cur, account, cents):\n    cur.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s AND balance >= %s", (cents, account, cents))\n',
        "def debit(db, account_id, cents):\n    account = db.query(Account).filter(Account.id == account_id).with_for_update().one()\n    account.balance -= cents\n",
        'def buy(pk, n):\n    product = Product.objects.get(pk=pk)\n    product.stock = F("stock") - n\n    product.save()\n',
        'class Cart:\n    def put(self, n):\n        item = self.items.get("x")\n        item.quantity += n\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for function in module.functions:
            if module.in_test(function):
                continue
            guarded = _is_guarded(module, function)
            yield from _by_statement(module, function, guarded=guarded)
            yield from _by_object(module, function, guarded=guarded)


def _is_guarded(module: Module, function: Function) -> bool:
    """Whether a lock, a version or a stricter isolation is at work in the function, or declared on the model."""
    names = [
        getattr(node, "attr", "") or getattr(node, "id", "") or getattr(node, "arg", "") or ""
        for node in module.own(function)
    ]
    texts = [
        node.value for node in module.own(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    if any(GUARDS.search(name) for name in names if isinstance(name, str)) or any(
        re.search(r"(?i)\bfor update\b|serializable|begin immediate|advisory", t) for t in texts
    ):
        return True
    return "version_id_col" in module.identifiers or "isolation_level" in module.identifiers


def _by_statement(module: Module, function: Function, *, guarded: bool) -> Iterator[Judged]:
    done = acts(module, function)
    for act in done:
        if act.kind == "lock":
            yield (act.node, "")
        if act.kind != "write" or not act.sql.lstrip().lower().startswith("update"):
            continue
        found = SETS.search(act.sql)
        if found is None:
            continue
        body, where = found["body"], found["where"] or ""
        columns = [m["column"].lower() for m in RAW.finditer(body) if contended(m["column"])]
        if not columns:
            if any(
                contended(m[1]) and m[1].lower() == m[2].lower()
                for m in re.finditer(r"(\w+)\s*=\s*(?:\w+\.)?(\w+)\s*[-+]", body)
            ):
                yield (act.node, "")
            continue
        reads = [
            r
            for r in done
            if r.kind == "read" and r.subject == act.subject and module.place[r.node] < module.place[act.node]
        ]
        read = any(
            re.search(rf"(?i)\b{column}\b|\*", r.sql.split(" from ")[0]) or not r.sql
            for r in reads
            for column in columns
        )
        if (
            read
            and not guarded
            and not any(re.search(rf"(?i)\b(?:{column}|version|\w*version)\b", where) for column in columns)
        ):
            yield (act.node, "The value was read without a lock, so another change in between is lost.")


def _by_object(module: Module, function: Function, *, guarded: bool) -> Iterator[Judged]:
    for node in module.own(function):
        target = (
            node.target
            if isinstance(node, ast.AugAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if (
            not isinstance(target, ast.Attribute)
            or not isinstance(target.value, ast.Name)
            or not contended(target.attr)
        ):
            continue
        query = loaded(module, target.value)
        if query is None or not isinstance(node, ast.AugAssign | ast.Assign):
            continue
        if isinstance(node, ast.AugAssign) or _from_itself(node.value, target):
            in_sql = isinstance(node, ast.Assign) and re.search(r"\bF\(", ast.unparse(node.value)) is not None
            in_sql = in_sql or (
                isinstance(node, ast.AugAssign) and re.search(r"\bF\(", ast.unparse(node.value)) is not None
            )
            locked = guarded or in_sql or re.search(r"for_update|lock", ast.unparse(query)) is not None
            yield (node, "" if locked else "The object was read without a lock, so another change in between is lost.")
        elif re.search(r"\bF\(", ast.unparse(node.value)) or _in_class_terms(node.value, target.attr):
            yield (node, "")


def _from_itself(value: ast.expr, target: ast.Attribute) -> bool:
    """`x.balance = x.balance - …`"""
    own = ast.unparse(target)
    return isinstance(value, ast.BinOp) and own in ast.unparse(value)


def _in_class_terms(value: ast.expr, name: str) -> bool:
    """`Account.balance - …`: an expression that the database evaluates."""
    return any(
        isinstance(n, ast.Attribute) and n.attr == name and isinstance(n.value, ast.Name) and n.value.id[:1].isupper()
        for n in ast.walk(value)
    )
