"""Outbound HTTP: how long it may take, and whether the other side's certificate is checked.

Here: clients. Not here: servers (`py_server`), calls inside transactions (`py_transactions`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import is_false, is_none, last
from graders.rules.python_remote import AIOHTTP, HTTPX, HTTPX_CLIENT, REQUESTS, SESSION, URLLIB3, URLOPEN, is_http
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.rule import Rule, Severity

LIMITS = re.compile(r"(?:^|\.)(?:timeout|timeout_at|wait_for|fail_after|move_on_after)$")
FOREVER = "Without a timeout this call can wait for ever."


class HttpNoTimeout(PythonRule):
    """An outbound HTTP call has no time limit. When the other service hangs, so does the caller: workers and connections
    run out, and one slow dependency stops everything. Give every call or client an explicit timeout of a few seconds.
    """

    id = "py-http-no-timeout"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.MEDIUM
    cwe = 400
    BAD = (
        'import requests\n\ndef charge(body):\n    return requests.post("https://psp.example/charges", json=body)\n',
        'import requests as rq\n\nsession = rq.Session()\nreply = session.get("https://api.example/v1")\n',
        "import httpx\n\nclient = httpx.AsyncClient(timeout=None)\n",
        'from urllib.request import urlopen\n\nbody = urlopen("https://api.example").read()\n',
        (
            "import aiohttp\n\nasync def rates():\n    async with aiohttp.ClientSession() as session:\n"
            '        async with session.get("https://api.example/rates") as reply:\n            return await reply.json()\n'
        ),
    )
    GOOD = (
        'import requests\n\nrequests.post("https://psp.example/charges", json={}, timeout=(3, 10))\n',
        'import httpx\n\nasync def rates():\n    async with httpx.AsyncClient() as client:\n        return await client.get("https://api.example")\n',
        (
            "import aiohttp\n\nasync def rates():\n    limit = aiohttp.ClientTimeout(total=5)\n    async with aiohttp.ClientSession(timeout=limit) as session:\n"
            '        return await session.get("https://api.example/rates")\n'
        ),
        "class Cache:\n    def get(self, key):\n        return self.session.get(key)\n",
        'import requests\n\nOPTIONS = {"timeout": 5}\nrequests.get("https://api.example", **OPTIONS)\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            if module.in_test(call.node):
                continue
            verdict = _timed(module, call)
            if verdict is not None:
                yield (call.node, FOREVER if verdict is False and not _limited(module, call) else "")


def _timed(module: Module, call: Call) -> bool | None:
    """Whether the call's time is limited; None where it is no outbound call or cannot be told."""
    given = call.keyword("timeout")
    if given is None and call.spread and is_http(call.path):
        return _spread(module, call)
    if REQUESTS.match(call.path) or SESSION.match(call.path):
        if SESSION.match(call.path) and given is None and _mounted(module):
            return None
        return given is not None and not is_none(module.resolved(given))
    if URLOPEN.match(call.path):
        given = call.argument(2, "timeout")
        return given is not None and not is_none(given)
    if HTTPX.match(call.path) or HTTPX_CLIENT.match(call.path) or call.path in ("httpx.Client", "httpx.AsyncClient"):
        return not _endless(module, given)
    return _timed_pool(module, call, given)


def _timed_pool(module: Module, call: Call, given: ast.expr | None) -> bool | None:
    """Clients whose limit may be set on the session or on each call."""
    if call.path in ("aiohttp.ClientSession", "urllib3.PoolManager"):
        if call.spread:
            return None
        if given is None:
            calls = [c for c in module.calls if AIOHTTP.match(c.path) or URLLIB3.match(c.path)]
            return bool(calls) and all(c.keyword("timeout") is not None for c in calls)
        return not _endless(module, given)
    if AIOHTTP.match(call.path) and given is not None:
        return not _endless(module, given)
    if call.path in ("http.client.HTTPConnection", "http.client.HTTPSConnection"):
        return call.argument(2, "timeout") is not None or call.spread
    return None


def _endless(module: Module, given: ast.expr | None) -> bool:
    if given is None:
        return False
    value = module.resolved(given)
    if isinstance(value, ast.Call) and last(module.path(value.func)) in ("Timeout", "ClientTimeout"):
        limits = [*value.args, *(keyword.value for keyword in value.keywords)]
        return bool(limits) and all(is_none(limit) for limit in limits)
    return is_none(value)


def _spread(module: Module, call: Call) -> bool | None:
    """Whether what is spread into the call holds a timeout; None where that cannot be seen."""
    for keyword in call.node.keywords:
        value = module.resolved(keyword.value) if keyword.arg is None else None
        if isinstance(value, ast.Dict):
            keys = [key.value for key in value.keys if isinstance(key, ast.Constant)]
            if "timeout" in keys or len(keys) == len(value.keys):
                return "timeout" in keys
    return None


def _mounted(module: Module) -> bool:
    """Whether sessions get their limit from an adapter or a wrapper somewhere in the module."""
    return any(
        "timeout" in name.lower() and ("adapter" in name.lower() or "session" in name.lower())
        for name in module.classes
    ) or any(call.keyword("timeout") is not None and call.name == "partial" for call in module.calls)


def _limited(module: Module, call: Call) -> bool:
    """Whether something around the call limits its time: `asyncio.timeout`, `wait_for`."""
    for above in module.ancestors(call.node):
        if isinstance(above, ast.With | ast.AsyncWith):
            if any(
                isinstance(i.context_expr, ast.Call) and LIMITS.search(module.path(i.context_expr.func))
                for i in above.items
            ):
                return True
        elif isinstance(above, ast.Call) and LIMITS.search(module.path(above.func)):
            return True
    return False


class TlsOff(PythonRule):
    """The certificate of the other side is not checked. Anyone on the way can then read and change what is sent, tokens and
    card data included. Leave verification on, and give the path of a private authority's certificate where one is needed.
    """

    id = "py-tls-off"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 295
    BAD = (
        'import requests\n\nrequests.post("https://psp.example", json={}, verify=False, timeout=5)\n',
        "import ssl\n\ncontext = ssl.create_default_context()\ncontext.check_hostname = False\ncontext.verify_mode = ssl.CERT_NONE\n",
        'import ssl, urllib.request\n\nurllib.request.urlopen("https://x.example", context=ssl._create_unverified_context(), timeout=3)\n',
        "import httpx\n\nVERIFY = False\nclient = httpx.Client(verify=VERIFY)\n",
        "import aiohttp\n\nconnector = aiohttp.TCPConnector(ssl=False)\n",
        "session = requests.Session()\nsession.verify = False\n",
    )
    GOOD = (
        'import requests\n\nrequests.post("https://psp.example", json={}, timeout=5)\n',
        'import ssl\n\ncontext = ssl.create_default_context(cafile="/etc/ssl/internal.pem")\n',
        'import jwt\n\njwt.decode(token, key, algorithms=["HS256"], verify=False)\n',
        "form.validate(verify=False)\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            verdict = _checked(module, call)
            if verdict is not None:
                yield (call.node, "" if verdict else "This switches off the check of the server's certificate.")
        for node in module.nodes:
            if isinstance(node, ast.Assign) and _switches_off(module, node):
                yield (node, "This switches off the check of the server's certificate.")


TLS_CLIENT = re.compile(
    r"^(?:requests\.[sS]ession|httpx\.(?:Async)?Client|urllib3\.PoolManager|aiohttp\.TCPConnector)$"
)
CONTEXTS = re.compile(r"(?:^|\.)ssl\.(?:_create_unverified_context|_create_stdlib_context)$")


def _checked(module: Module, call: Call) -> bool | None:
    """Whether a client's call checks certificates; None where it is no such call."""
    if CONTEXTS.search(call.path):
        return False
    if call.path == "ssl.create_default_context":
        return True
    if any(
        last(module.path(k.value)) == "CERT_NONE" or _is_text(k.value, "CERT_NONE")
        for k in call.node.keywords
        if k.arg in ("cert_reqs", "ssl_cert_reqs")
    ):
        return False
    if call.path == "ssl.wrap_socket":
        return call.keyword("cert_reqs") is not None
    if not is_http(call.path) and not TLS_CLIENT.match(call.path) and not _sounds_http(call):
        return None
    options = [k.value for k in call.node.keywords if k.arg in ("verify", "verify_ssl", "ssl")]
    if any(is_false(module.resolved(option)) for option in options):
        return False
    return True if is_http(call.path) or TLS_CLIENT.match(call.path) else None


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _sounds_http(call: Call) -> bool:
    """A verb's call that gives a URL or a body, on a client of unknown kind."""
    if call.name not in ("get", "post", "put", "patch", "delete", "request"):
        return False
    return (
        any(k.arg in ("json", "headers", "params", "data", "timeout", "auth") for k in call.node.keywords)
        or any(isinstance(a, ast.Constant) and str(a.value).startswith("http") for a in call.node.args)
        or "session" in call.path.lower()
    )


def _switches_off(module: Module, node: ast.Assign) -> bool:
    for target in node.targets:
        if not isinstance(target, ast.Attribute):
            continue
        if target.attr == "verify_mode" and last(module.path(node.value)) == "CERT_NONE":
            return True
        if (
            target.attr == "verify"
            and is_false(node.value)
            and re.search(r"(?i)session|client|requests|http", module.path(target))
        ):
            return True
        if target.attr == "check_hostname" and is_false(node.value):
            return True
        if target.attr == "_create_default_https_context" and "unverified" in module.path(node.value):
            return True
    return False


RULES_PY_HTTP: tuple[Rule, ...] = (HttpNoTimeout(), TlsOff())
