"""Values that change between reading and writing.

Here: read, change, write back. Not here: what belongs into one transaction (`py_transactions`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_database import READS, Act, Body, acts, loaded
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Module
from graders.rules.python_words import contended
from graders.rules.rule import Severity

SETS = re.compile(r"(?is)\bset\b(?P<body>.*?)(?:\bwhere\b(?P<where>.*))?\Z")
RAW = re.compile(r"(?is)\b\"?(?P<column>\w+)\"?\s*=\s*(?:%s|\?|\$\d+|:\w+|%\(\w+\)s|'?\s*(?=,|\s*\Z))")
ARITHMETIC = re.compile(r"(?i)\b(?P<column>\w+)\s*=\s*(?:\w+\.)?(?P=column)\s*(?P<sign>[-+])")
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
        for body in (module.tree, *module.functions):
            if module.in_test(body):
                continue
            guarded = _is_guarded(module, body)
            yield from _by_statement(module, body, guarded=guarded)
            yield from _by_object(module, body, guarded=guarded)


def _is_guarded(module: Module, body: Body) -> bool:
    """Whether a lock, a version or a stricter isolation is at work in the function, or declared on the model."""
    names = [
        getattr(node, "attr", "") or getattr(node, "id", "") or getattr(node, "arg", "") or ""
        for node in module.own(body)
    ]
    texts = [node.value for node in module.own(body) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if any(GUARDS.search(name) for name in names if isinstance(name, str)) or any(
        re.search(r"(?i)\bfor update\b|serializable|begin immediate|advisory", t) for t in texts
    ):
        return True
    return any(re.search(r"(?i)^version_id_col$|serializable|repeatable[ _]read", name) for name in module.identifiers)


def _by_statement(module: Module, body: Body, *, guarded: bool) -> Iterator[Judged]:
    done = acts(module, body)
    for at, act in enumerate(done):
        if act.kind == "lock":
            yield (act.node, "")
        found = SETS.search(act.sql) if act.kind == "write" and act.sql.lstrip().lower().startswith("update") else None
        if found is None:
            continue
        verdict = _update(found["body"], found["where"] or "", _read_before(done[:at], act), guarded=guarded)
        if verdict is not None:
            yield (act.node, verdict)


def _read_before(done: tuple[Act, ...], update: Act) -> list[str]:
    """The columns that were selected from the same table before, without a lock."""
    found = []
    for act in done:
        if act.kind == "read" and act.subject == update.subject:
            selected = READS.match(act.sql)
            found.append(selected["columns"].lower() if selected is not None else "*")
    return found


def _update(body: str, where: str, read: list[str], *, guarded: bool) -> str | None:
    """A message for a value from Python that follows a read, an empty one for arithmetic in the statement itself."""

    def unguarded(column: str) -> bool:
        known = any(re.search(rf"\b{column}\b|\*", columns) for columns in read)
        return known and not guarded and re.search(rf"(?i)\b(?:{column}|\w*version)\b", where) is None

    columns = [match["column"].lower() for match in RAW.finditer(body) if contended(match["column"])]
    if any(unguarded(column) for column in columns):
        return "The value was read without a lock, so another change in between is lost."
    for match in ARITHMETIC.finditer(body):
        # taking away after a mere look is no lost update, but not sound either; a CHECK may or may not catch it
        if contended(match["column"]) and not (match["sign"] == "-" and unguarded(match["column"].lower())):
            return ""
    return None


def _by_object(module: Module, body: Body, *, guarded: bool) -> Iterator[Judged]:
    for node in module.own(body):
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
