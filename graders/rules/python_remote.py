"""Calls that leave the process over the network, and the functions of a module that make them.

Here: HTTP clients, payment providers. Not here: databases (`python_database`), and any defect.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from graders.rules.python_nodes import Function, last
from graders.rules.python_tree import Call, Module

REQUESTS = re.compile(r"^requests(?:\.api|\.sessions)?\.(?:get|post|put|patch|delete|head|options|request)$")
SESSION = re.compile(r"^requests(?:\.sessions)?\.[sS]ession\(\)\.(?:get|post|put|patch|delete|head|options|request)$")
HTTPX = re.compile(r"^httpx\.(?:get|post|put|patch|delete|head|options|request|stream)$")
HTTPX_CLIENT = re.compile(
    r"^httpx\.(?:Async)?Client\(\)\.(?:get|post|put|patch|delete|head|options|request|stream|send)$"
)
AIOHTTP = re.compile(
    r"^aiohttp\.(?:client\.)?ClientSession\(\)\.(?:get|post|put|patch|delete|head|options|request|ws_connect)$"
)
URLOPEN = re.compile(r"^(?:urllib\.request\.|urllib2\.|six\.moves\.urllib\.request\.)urlopen$")
URLLIB3 = re.compile(
    r"^urllib3\.(?:PoolManager|HTTPConnectionPool|HTTPSConnectionPool|ProxyManager)\(\)\.(?:request|urlopen)$"
)
STRIPE = re.compile(
    r"^stripe(?:\.[A-Za-z_.]+)?\.(?:create|retrieve|capture|confirm|cancel|modify|refund|list)(?:_async)?$"
)
CLIENT = re.compile(
    r"(?i)(?:^|_|\.)(?:\w*gateway|psp\w*|stripe\w*|\w*payment_?(?:client|provider|api|processor)|provider|paypal\w*|adyen\w*|braintree\w*|"
    r"processor|http_?client|api_?client|webhook_?client|http|acquirer|bank_?(?:client|api)|sms_?client|mailer)(?:\(\))?$"
)
DEEDS = re.compile(
    r"^(?:charge|capture|authorize|refund|create_charge|create_payment|create_payment_intent|process_payment|pay|payout|"
    r"transfer|send|post|create_refund|charge_card|charge_async|create_intent|submit_payment|send_sms|send_email)$"
)


def is_http(path: str) -> bool:
    """Whether a path is that of an HTTP client's call."""
    return any(kind.match(path) for kind in (REQUESTS, SESSION, HTTPX, HTTPX_CLIENT, AIOHTTP, URLOPEN, URLLIB3))


def is_remote(call: Call) -> bool:
    """Whether a call goes to another service."""
    if is_http(call.path) or STRIPE.match(call.path):
        return True
    called = call.node.func
    if not isinstance(called, ast.Attribute) or not DEEDS.match(called.attr):
        return False
    receiver = called.value
    name = (
        receiver.attr if isinstance(receiver, ast.Attribute) else receiver.id if isinstance(receiver, ast.Name) else ""
    )
    if called.attr in ("send", "post", "transfer") and not re.search(r"(?i)http|client|api|psp|gateway|provider", name):
        return False
    return bool(name) and CLIENT.search(name) is not None


GENERIC = frozenset(
    {
        "get",
        "post",
        "put",
        "delete",
        "execute",
        "commit",
        "add",
        "run",
        "create",
        "update",
        "main",
        "__init__",
        "__call__",
        "__enter__",
        "__exit__",
        "__aenter__",
        "__aexit__",
        "close",
        "begin",
        "fetch",
        "save",
        "start",
        "stop",
    }
)


@lru_cache(maxsize=16)
def remote_functions(module: Module) -> frozenset[str]:
    """Names of the module's functions that call another service, themselves or through one another."""
    direct = {f.name for f in module.functions if any(is_remote(call) for call in module.calls_in(module.own(f)))}
    found = direct - GENERIC
    for _ in range(4):
        more = {
            f.name
            for f in module.functions
            if f.name not in found and f.name not in GENERIC and _calls(module, f, found)
        }
        if not more:
            break
        found |= more
    return frozenset(found)


def _calls(module: Module, function: Function, names: set[str]) -> bool:
    return any(_name(call) in names for call in module.calls_in(module.own(function)))


def _name(call: Call) -> str:
    called = call.node.func
    return called.attr if isinstance(called, ast.Attribute) else last(call.path)


def reaches_out(module: Module, call: Call) -> bool:
    """Whether a call goes to another service, itself or through a function of this module."""
    return is_remote(call) or _name(call) in remote_functions(module)
