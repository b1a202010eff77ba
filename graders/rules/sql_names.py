"""What the names of columns and tables say: money, cards, passwords, status, people, financial records.

Here: identifiers. Not here: types, or whether anything is wrong.
"""

from __future__ import annotations

import re

MONEY = frozenset(
    {
        "amount",
        "amt",
        "price",
        "cost",
        "subtotal",
        "balance",
        "fee",
        "fees",
        "tax",
        "vat",
        "discount",
        "salary",
        "wage",
        "payout",
        "revenue",
        "refunded",
        "cents",
        "commission",
        "deposit",
        "fare",
        "money",
        "payment",
        "charges",
        "credit",
        "debit",
        "proceeds",
        "surcharge",
    }
)
TOTAL_WITH = frozenset(
    {
        "total",
        "order",
        "grand",
        "sub",
        "net",
        "gross",
        "line",
        "invoice",
        "cart",
        "item",
        "due",
        "paid",
        "tax",
        "in",
        "cents",
        "minor",
        "incl",
        "excl",
        "shipping",
        "eur",
        "usd",
        "gbp",
        "amount",
        "price",
        "lifetime",
        "basket",
        "checkout",
        "value",
    }
)
NOT_MONEY = frozenset(
    {
        "rate",
        "ratio",
        "percent",
        "percentage",
        "pct",
        "count",
        "qty",
        "quantity",
        "id",
        "ids",
        "uuid",
        "at",
        "date",
        "on",
        "by",
        "type",
        "status",
        "currency",
        "code",
        "name",
        "factor",
        "weight",
        "multiplier",
        "ref",
        "reference",
        "number",
        "no",
        "token",
        "is",
        "has",
        "time",
        "hours",
        "seconds",
        "ms",
        "bytes",
        "score",
        "items",
        "points",
        "version",
        "reason",
        "method",
        "provider",
        "intent",
        "key",
        "url",
        "class",
        "category",
        "group",
        "card",
        "state",
        "note",
        "notes",
        "description",
        "period",
        "days",
        "scale",
        "model",
        "list",
        "level",
        "attempts",
        "variance",
        "stddev",
        "off",
        "exempt",
        "included",
        "terms",
        "kg",
        "ml",
        "grams",
        "unit",
        "enabled",
        "ingredient",
        "limit",
        "history",
    }
)
SUMS = frozenset({"amount", "amt", "balance", "price", "total", "subtotal"})
UNITS = frozenset({"minor", "cents", "pence", "in", "eur", "usd", "gbp", "units", "micros", "net", "gross"})


def words_of(name: str) -> tuple[str, ...]:
    """The words of an identifier.

    >>> words_of("unitPrice_minor")
    ('unit', 'price', 'minor')
    """
    return tuple(re.findall(r"[a-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))


def money(name: str) -> bool:
    """Whether a column of this name holds money."""
    words = words_of(name)
    if not words or NOT_MONEY & set(words) - ({"unit"} if words[-1] in MONEY | UNITS else set()):
        return False
    if MONEY & set(words):
        return True
    return "total" in words and set(words) <= TOTAL_WITH


def amount(name: str) -> bool:
    """Whether a column of this name holds a sum for which a range can be said: an amount, balance, price or total."""
    words = [word for word in words_of(name) if word not in UNITS]
    return money(name) and bool(words) and words[-1] in SUMS


CARD_NUMBERS = re.compile(
    r"(^|_)(credit_|debit_|payment_)?(card|cc)_?(num(ber)?|pan|no)$|^(card_|full_|clear_)?pan$|primary_account_number$"
)
CARD_CODES = re.compile(
    r"(^|_)(cvv2?|cvc2?|cid_code|csc|card_?(security|verification)_code|card_?code)(_|$)|^card_?(cvv|cvc)"
)
TRACKS = re.compile(r"(^|_)(track_?[12]|track_data|magstripe|magnetic_stripe)(_|$)")
OTHER_CARDS = frozenset(
    {
        "gift",
        "loyalty",
        "id",
        "library",
        "sim",
        "member",
        "membership",
        "report",
        "business",
        "health",
        "medicare",
        "insurance",
        "access",
        "student",
        "reward",
        "rewards",
        "sd",
        "punch",
        "time",
        "store",
        "voucher",
        "green",
    }
)
CARD_SURROGATES = frozenset(
    {
        "last4",
        "last",
        "token",
        "tokenized",
        "hash",
        "hmac",
        "masked",
        "mask",
        "fingerprint",
        "brand",
        "network",
        "exp",
        "expiry",
        "encrypted",
        "ciphertext",
        "bin",
        "scheme",
        "type",
        "holder",
        "country",
        "funding",
    }
)
RESULTS = frozenset(
    {"check", "result", "verified", "required", "response", "match", "passed", "status", "present", "provided"}
)


def snake(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def card_data(name: str) -> bool:
    """Whether a column of this name holds a card's number, security code or magnetic track."""
    words = set(words_of(name))
    if words & OTHER_CARDS or words & RESULTS:
        return False
    if CARD_CODES.search(snake(name)) or TRACKS.search(snake(name)):
        return True
    return bool(CARD_NUMBERS.search(snake(name))) and not words & CARD_SURROGATES


def card_surrogate(name: str) -> bool:
    """Whether a column of this name holds what may be kept of a card instead: token, last four digits, brand."""
    words = set(words_of(name))
    of_card = bool(words & {"card", "pan", "cc"}) and not words & OTHER_CARDS
    return (of_card and bool(words & CARD_SURROGATES)) or snake(name) in {"last4", "last_four", "payment_method_token"}


PASSWORD = re.compile(r"(^|_)(password|passwd|pwd|passphrase|pass_?word)s?(_|$)")
PASSWORD_MADE_SAFE = re.compile(r"hash|digest|encrypted|crypt|argon|scrypt|pbkdf|verifier|scram")
ABOUT_PASSWORD = re.compile(
    r"salt|changed|reset|expir|updated|_at$|attempt|policy|version|algo|required|history|hint|token|_set|last|age|"
    r"strength|min|max|must|need|has_|is_|force|never|days|count|url|len|_id$|enabled|temp|rotat|valid|login|less|created"
)


def plain_password(name: str) -> bool:
    """Whether a column of this name holds a password as it is."""
    word = snake(name)
    return bool(PASSWORD.search(word)) and not PASSWORD_MADE_SAFE.search(word) and not ABOUT_PASSWORD.search(word)


def hashed_password(name: str) -> bool:
    """Whether a column of this name holds what a password was hashed to."""
    word = snake(name)
    return bool(
        re.search(r"(^|_)(password|passwd|pwd|pw|pass|passphrase)s?(_|$)", word) and PASSWORD_MADE_SAFE.search(word)
    )


FOREIGN_STATUS = frozenset(
    {
        "provider",
        "external",
        "raw",
        "gateway",
        "stripe",
        "psp",
        "http",
        "remote",
        "upstream",
        "vendor",
        "original",
        "response",
        "message",
        "adyen",
        "paypal",
        "processor",
    }
)


def status(name: str) -> bool:
    """Whether a column of this name holds one of a few states of our own."""
    words = words_of(name)
    if not words or set(words) & FOREIGN_STATUS:
        return False
    return words[-1] == "status" or (
        words[-1] == "state" and len(words) > 1 and words[-2] in {"order", "payment", "job", "task", "refund"}
    )


PEOPLE = frozenset(
    {
        "customer",
        "user",
        "account",
        "client",
        "member",
        "merchant",
        "buyer",
        "seller",
        "person",
        "organization",
        "organisation",
        "tenant",
        "company",
        "shop",
        "store",
        "profile",
        "wallet",
    }
)
FINANCIAL = frozenset(
    {
        "order",
        "payment",
        "invoice",
        "refund",
        "transaction",
        "charge",
        "payout",
        "transfer",
        "settlement",
        "ledger",
        "receipt",
        "chargeback",
        "dispute",
    }
)


def singular(word: str) -> str:
    """The singular of a regular English plural.

    >>> singular("categories"), singular("boxes"), singular("orders"), singular("status")
    ('category', 'box', 'order', 'status')
    """
    if word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^su]s$", word) else word


def person(table: str) -> bool:
    words = words_of(table)
    return bool(words) and singular(words[-1]) in PEOPLE


def financial(table: str) -> bool:
    """Whether rows of a table of this name are records of money that must outlive whom they belong to."""
    words = words_of(table)
    return bool(words) and (singular(words[-1]) in FINANCIAL or "ledger" in words)
