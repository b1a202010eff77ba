"""Money as numbers.

Here: the type of amounts. Not here: what is done with them in the database (`py_transactions`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import Function, identifier, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.python_words import names_money, speaks_of_trade
from graders.rules.rule import Rule, Severity

EXACT = frozenset(
    {
        "Decimal",
        "int",
        "Numeric",
        "DECIMAL",
        "Integer",
        "BigInteger",
        "SmallInteger",
        "condecimal",
        "conint",
        "PositiveInt",
        "Money",
        "DecimalField",
        "IntegerField",
        "BigIntegerField",
        "PositiveIntegerField",
        "MoneyField",
        "NonNegativeInt",
        "BIGINT",
        "INTEGER",
        "NUMERIC",
        "PositiveBigIntegerField",
    }
)
INEXACT = frozenset(
    {
        "float",
        "Float",
        "FloatField",
        "REAL",
        "FLOAT",
        "Double",
        "DOUBLE",
        "DOUBLE_PRECISION",
        "confloat",
        "PositiveFloat",
        "float64",
        "NonNegativeFloat",
        "float32",
    }
)
COLUMN = re.compile(
    r"(?i)^\s*(?:create\s+table[^(]*\()?\s*\"?(?P<name>\w+)\"?\s+(?P<type>real|float\d?|double(?:\s+precision)?|numeric|decimal|integer|bigint|int|money)\b"
)
MESSAGE = "Binary floating point cannot hold amounts of money exactly."


class FloatMoney(PythonRule):
    """An amount of money is a binary floating-point number. 0.1 + 0.2 is not 0.3 there: totals drift, comparisons fail, and
    cents go missing. Use `Decimal` with a fixed scale, or whole minor units as `int`, and NUMERIC or BIGINT columns.
    """

    id = "py-float-money"
    dimension = Dimension.SECURITY
    severity = Severity.MEDIUM
    cwe = 682
    BAD = (
        "class PaymentRequest(BaseModel):\n    amount: float\n    currency: str\n",
        "class Account(Base):\n    balance = Column(Float, nullable=False)\n",
        'def charge(data):\n    amount = float(data["amount"])\n    return gateway.charge(amount)\n',
        "def refund(payment_id: str, amount: float | None = None) -> None: ...\n",
        "class Order(models.Model):\n    total_price = models.FloatField()\n",
        'db.execute("CREATE TABLE payments (id INTEGER PRIMARY KEY, amount REAL NOT NULL)")\n',
    )
    GOOD = (
        "from decimal import Decimal\n\nclass Payment(BaseModel):\n    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)\n    currency: str\n",
        "class Account(Base):\n    balance_cents = Column(BigInteger, nullable=False)\n",
        "total_time: float = 0.0\nload_balance: float = 0.5\nexchange_rate: float = 1.1\n",
        "def blur(image, amount: float) -> None: ...\n",
        'amount = Decimal(payload["amount"])\nif isinstance(amount, float):\n    raise TypeError("amount")\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        trade = speaks_of_trade(module.identifiers)
        for node in module.nodes:
            for name, kind, place in _typed(module, node):
                if names_money(name, trade=trade and _more_than(module, name)):
                    verdict = _kind(module, kind)
                    if verdict is not None:
                        yield (place, "" if verdict else MESSAGE)
        for call in module.calls:
            if call.path != "float" or not call.node.args or module.in_test(call.node):
                continue
            if names_money(identifier(_core(call.node.args[0])), trade=trade):
                yield (call.node, MESSAGE)
        yield from _tables(module, trade=trade)


def _more_than(module: Module, name: str) -> bool:
    """Whether the module speaks of trade by other words than this name."""
    return speaks_of_trade(module.identifiers - {name})


def _core(node: ast.expr) -> ast.expr:
    """What is converted, through `str(…)` and arithmetic."""
    while True:
        match node:
            case ast.Call(func=ast.Name(id="str" | "Decimal" | "round" | "sum"), args=[inner, *_]):
                node = inner
            case ast.BinOp(left=inner):
                node = inner
            case ast.BoolOp(values=[inner, *_]):
                node = inner
            case _:
                return node


def _typed(module: Module, node: ast.AST) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """A name and the expression that says its type: an annotation, a column, a conversion, a literal."""
    match node:
        case ast.AnnAssign():
            yield (identifier(node.target), node.annotation, node)
            if isinstance(node.value, ast.Call):
                yield (identifier(node.target), node.value, node)
        case ast.arg() if node.annotation is not None:
            yield (node.arg, node.annotation, node)
        case ast.Assign():
            for target in node.targets:
                yield (identifier(target), node.value, node)
        case ast.FunctionDef() | ast.AsyncFunctionDef() if node.returns is not None:
            yield (_result(node), node.returns, node)


def _result(function: Function) -> str:
    """What a function gives, judged by its name: `calculate_total` gives a total."""
    return re.sub(r"^_?(?:calculate|compute|get|fetch|read|sum|apply|find|to|parse)_", "", function.name)


def _kind(module: Module, node: ast.expr) -> bool | None:
    """True for an exact type, False for binary floating point, None where it is neither or cannot be seen."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (
            None
            if not re.fullmatch(r"[\w\[\]., |]+", node.value)
            else _word(node.value.split("[")[-1].split("|")[0].strip(" ]"))
        )
    if isinstance(node, ast.Constant):
        return False if isinstance(node.value, float) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        verdicts = [_kind(module, node.left), _kind(module, node.right)]
        return False if False in verdicts else True if True in verdicts else None
    if isinstance(node, ast.Subscript):
        return _inner_kind(module, node)
    if isinstance(node, ast.Call):
        return _column(module, module.call(node))
    return (
        _word(last(module.path(node)))
        if isinstance(node, ast.Name | ast.Attribute) and _is_type(module, node)
        else None
    )


def _is_type(module: Module, node: ast.expr) -> bool:
    return not isinstance(node, ast.Name) or all(b.how in ("import", "definition") for b in module.lookup(node))


def _inner_kind(module: Module, node: ast.Subscript) -> bool | None:
    if last(module.path(node.value)) in ("Optional", "Annotated", "Mapped", "Union", "Final", "ClassVar"):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if last(module.path(node.value)) == "Annotated":
            inner = inner[:1]
        verdicts = [_kind(module, item) for item in inner]
        return False if False in verdicts else True if True in verdicts else None
    return None


def _word(name: str) -> bool | None:
    return True if name in EXACT else False if name in INEXACT else None


def _column(module: Module, call: Call) -> bool | None:
    if call.name in ("Column", "mapped_column", "Field", "field"):
        kinds = [*call.node.args, *(k.value for k in call.node.keywords if k.arg in ("type_", "sa_type", "sa_column"))]
        verdicts = [
            _word(last(module.path(k.func if isinstance(k, ast.Call) else k)))
            if not isinstance(k, ast.Call) or k.func is not None
            else None
            for k in kinds
        ]
        return False if False in verdicts else True if True in verdicts else None
    if call.name in ("int", "round"):
        return None
    return _word(call.name)


def _tables(module: Module, *, trade: bool) -> Iterator[Judged]:
    """Columns in CREATE TABLE texts."""
    for node in module.nodes:
        text = string(node)
        if text is None or not re.search(r"(?i)create\s+table", text):
            continue
        for line in re.split(r",|\n|\(", text):
            found = COLUMN.match(line)
            if found is not None and names_money(
                found["name"], trade=trade or speaks_of_trade(frozenset(re.findall(r"\w+", text)) - {found["name"]})
            ):
                yield (node, MESSAGE if re.match(r"(?i)real|float|double", found["type"]) else "")


RULES_PY_MONEY: tuple[Rule, ...] = (FloatMoney(),)
