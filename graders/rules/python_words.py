"""What identifiers mean: which name a secret, a password or money.

Here: words of names. Not here: where the names stand.
"""

from __future__ import annotations

import re
from functools import lru_cache

SECRET = re.compile(
    r"(?:^|_)(?:password|passwd|passwort|pwd|passphrase|pass_phrase|secret|secrets|token|api_?key|apikey|"
    r"(?:secret|private|access|auth|signing|encryption|jwt|hmac|session|master|crypto|service|stripe|client|fernet|app|"
    r"aes|webhook|shared|account|storage|admin|user|license|publishable)_key|"
    r"credential|credentials|db_pass|dbpass|db_pw|smtp_pass|(?:\w+_)?pass)(?:_(?:value|str|string|bytes|plain|raw|const|\d+|for_\w+))?$"
)
PASSWORD = re.compile(
    r"(?:^|_)(?:password|passwd|passwort|pwd|passphrase|pin_code|plain_?text_password)(?:_(?:str|bytes|raw|plain|encoded|utf8|\d+))?\d?$"
)
CARD = re.compile(
    r"(?:^|_)(?:card_?(?:number|num|no)|cc_?(?:number|num)|credit_?card(?:_number)?|pan|cvv2?|cvc2?|card_?cvv|card_?cvc|"
    r"security_code|ssn|social_security(?:_number)?|iban)$"
)


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """An identifier in lower case, its words joined by underscores.

    >>> snake("cardNumber"), snake("X-API-Key"), snake("JWT_SECRET")
    ('card_number', 'x_api_key', 'jwt_secret')
    """
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"[^a-zA-Z0-9]+", "_", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)).strip("_").lower()


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of an identifier.

    >>> words("unitPrice_minor")
    ('unit', 'price', 'minor')
    """
    return tuple(snake(name).split("_"))


def names_secret(name: str) -> bool:
    """Whether a value of this name is one that must not be seen.

    >>> names_secret("STRIPE_API_KEY"), names_secret("token_type"), names_secret("cache_key")
    (True, False, False)
    """
    return SECRET.search(snake(name)) is not None


def names_password(name: str) -> bool:
    """Whether it names a password in clear.

    >>> names_password("user_password"), names_password("password_hash"), names_password("hashed_password")
    (True, False, False)
    """
    found = snake(name)
    return PASSWORD.search(found) is not None and not re.search(r"hash|encrypted|encoded_pw|digest|pwned", found)


def names_card(name: str) -> bool:
    """Whether it names a card's number or code, or a number of the same kind that people must keep to themselves."""
    return CARD.search(snake(name)) is not None


MONEY = frozenset(
    {
        "amount",
        "amounts",
        "price",
        "prices",
        "balance",
        "balances",
        "fee",
        "fees",
        "subtotal",
        "salary",
        "total",
        "totals",
        "refund",
        "payout",
        "deposit",
        "withdrawal",
    }
)
PLAIN_MONEY = frozenset({"price", "prices", "fee", "fees", "subtotal", "salary"})
"""Words that mean money wherever they stand; the others only beside other words of the trade."""
NOT_MONEY = frozenset(
    {
        "rate",
        "rates",
        "percent",
        "percentage",
        "pct",
        "ratio",
        "factor",
        "time",
        "times",
        "seconds",
        "duration",
        "count",
        "counts",
        "score",
        "weight",
        "change",
        "load",
        "memory",
        "bytes",
        "size",
        "index",
        "id",
        "ids",
        "tokens",
        "pages",
        "items",
        "rows",
        "records",
        "requests",
        "errors",
        "latency",
        "timeout",
        "blur",
        "steps",
        "hours",
        "days",
        "minutes",
        "distance",
        "volume",
        "prediction",
        "predicted",
        "loss",
        "currency",
        "type",
        "history",
        "list",
        "page",
        "files",
        "users",
        "stock",
        "quantity",
    }
)
TRADE = frozenset(
    {
        "currency",
        "payment",
        "payments",
        "charge",
        "wallet",
        "transfer",
        "invoice",
        "order",
        "orders",
        "refund",
        "customer",
        "merchant",
        "card",
        "ledger",
        "deposit",
        "withdraw",
        "bank",
        "usd",
        "eur",
        "cents",
        "billing",
        "checkout",
        "cart",
        "tax",
        "expense",
        "salary",
        "loan",
        "price",
        "balance",
        "fee",
        "debit",
        "credit",
        "subscription",
        "purchase",
        "payout",
        "stripe",
        "account",
    }
)


@lru_cache(maxsize=4096)
def names_money(name: str, *, trade: bool) -> bool:
    """Whether it names an amount of money. `trade`: the source speaks of payments, orders or accounts.

    >>> names_money("unit_price", trade=False), names_money("total_amount", trade=True), names_money("total_time", trade=True)
    (True, True, False)
    """
    found = words(name)
    if not found or set(found) & NOT_MONEY:
        return False
    units = {"cents", "minor", "units", "usd", "eur", "gbp", "total", "value", "decimal", "paid", "due", "net", "gross"}
    core = [word for word in found if word not in units] or list(found)
    money = core[-1] in MONEY or (core == list(found) and core[-1] == "total")
    if core in (["total"], ["totals"]):
        return trade and len(found) > 1
    return money and (trade or core[-1] in PLAIN_MONEY)


def speaks_of_trade(identifiers: frozenset[str]) -> bool:
    """Whether a source's identifiers are those of payments, orders or accounts."""
    return any(set(words(name)) & TRADE for name in identifiers if len(name) < 60)


CONTENDED = frozenset(
    {
        "balance",
        "stock",
        "inventory",
        "available",
        "credits",
        "points",
        "seats",
        "reserved",
        "remaining",
        "quantity",
        "wallet",
        "funds",
        "usage",
        "used",
    }
)


def contended(name: str) -> bool:
    """Whether a field is a quantity that several requests change at once."""
    return bool(set(words(name)) & CONTENDED) if name else False
