"""What an except handler catches.

Here: broad handlers, and the families of errors that drivers and clients raise. Not here: what handlers do.
"""

from __future__ import annotations

import ast
import re

from graders.rules.python_tree import Module

BROAD = frozenset({"Exception", "BaseException", "builtins.Exception", "StandardError"})
FAMILIES = re.compile(
    r"(?:^|\.)(?:SQLAlchemyError|DatabaseError|DBAPIError|OperationalError|PostgresError|psycopg2?\.Error|sqlite3\.Error|RequestException|"
    r"HTTPError|HTTPStatusError|RequestError|StripeError|PaymentError|ClientError|CardError|asyncpg\.PostgresError|IntegrityError|"
    r"InternalError|ProgrammingError|InterfaceError)$"
)


def _caught(module: Module, handler: ast.ExceptHandler) -> list[str]:
    """Paths of the caught classes; an empty path for a bare `except`."""
    if handler.type is None:
        return [""]
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [module.path(kind) for kind in kinds]


def is_broad(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches everything."""
    return any(not path or path in BROAD for path in _caught(module, handler))


def is_foreign(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether it catches what drivers and clients raise, whose messages are not meant for users."""
    return any(FAMILIES.search(path) for path in _caught(module, handler))
