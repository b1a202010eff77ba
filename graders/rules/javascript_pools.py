"""Telling a pool of database connections from one connection.

Here: what a receiver stands for. Not here: what may be sent to it (`js_transactions`, `js_connections`).
"""

from __future__ import annotations

import re

from graders.rules.javascript_node import Node, dotted

POOLS = re.compile(r"^new (?:\w+\.)*(?:Pool|NodePgPool)\(\)|(?:createPool|mysql\.createPoolCluster)\(\)")
CLIENTS = re.compile(
    r"(?:\.connect|getConnection|\.reserve|createQueryRunner|connect)\(\)(?:\.\d)?$"
    r"|^new (?:\w+\.)*(?:Client|Connection)\(\)|createConnection\(\)$"
    r"|^new (?:\w+[./-])*(?:Database|PGlite)\(\)$"
)


def is_pool(receiver: Node) -> bool:
    """Whether a receiver stands for many connections, so that each statement may go to another one."""
    origin = receiver.script.origin(receiver)
    if CLIENTS.search(origin):
        return False
    if POOLS.search(origin):
        return True
    if re.search(r"(?:^|[._])(?:\w*_)?\w*[pP]ool$", dotted(receiver)):
        return True
    bound = receiver.script.binding(receiver) if receiver.kind == "identifier" else None
    return (
        bound is not None
        and bound.how in ("import", "const")
        and bool(re.match(r"\.{1,2}/.*\b(?:db|database|postgres|pg|mysql|pool)\b", origin))
    )
