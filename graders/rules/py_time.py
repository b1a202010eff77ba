"""Time: moments without a zone, and waiting that holds up an event loop.

Here: clocks and waiting. Not here: time limits of outbound calls (`py_http`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import is_none, last
from graders.rules.python_remote import AIOHTTP, HTTPX, HTTPX_CLIENT, REQUESTS, SESSION, STRIPE, URLOPEN
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.rule import Rule, Severity

CLOCK = re.compile(r"^(?:datetime\.)?datetime\.(?P<name>utcnow|now|utcfromtimestamp|fromtimestamp|today)$")
AWARE = re.compile(
    r"^(?:django\.utils\.)?timezone\.now$|^(?:pendulum|arrow)\.(?:now|utcnow)$|(?:^|\.)datetime\.astimezone$"
)
DISPLAY = frozenset(
    {"year", "month", "day", "strftime", "date", "astimezone", "hour", "weekday", "isocalendar", "time"}
)
MESSAGE = "This moment has no time zone."


class NaiveDatetime(PythonRule):
    """A moment is taken without a time zone. Compared or stored beside others it is hours off on some machines, and expiry
    checks then let old things pass or refuse good ones. Take it with `datetime.now(timezone.utc)`.
    """

    id = "py-naive-datetime"
    dimension = Dimension.RELIABILITY
    severity = Severity.LOW
    cwe = None
    BAD = (
        "from datetime import datetime, timedelta\n\nexpires = datetime.utcnow() + timedelta(minutes=15)\n",
        "import datetime\n\ncreated = datetime.datetime.now()\n",
        'from datetime import datetime as dt\n\nmoment = dt.fromtimestamp(claims["exp"])\n',
        "from datetime import datetime\n\nclass Payment(Base):\n    created_at = Column(DateTime, default=datetime.utcnow)\n",
    )
    GOOD = (
        "from datetime import datetime, timezone\n\nexpires = datetime.now(timezone.utc)\n",
        "from datetime import UTC, datetime\n\nmoment = datetime.fromtimestamp(0, tz=UTC)\n",
        'from datetime import datetime\n\nname = datetime.now().strftime("%Y%m%d")\nyear = datetime.now().year\n',
        "from datetime import datetime, timezone\n\nmoment = datetime.utcnow().replace(tzinfo=timezone.utc)\n",
        "from django.utils import timezone\n\nmoment = timezone.now()\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            found = CLOCK.match(call.path)
            if AWARE.match(call.path):
                yield (call.node, "")
            elif found is not None and not module.in_test(call.node):
                verdict = _zoned(module, call, found["name"])
                if verdict is not None:
                    yield (call.node, "" if verdict else MESSAGE)
        for node in module.nodes:
            if isinstance(node, ast.Attribute) and _is_handed_over(module, node):
                yield (node, MESSAGE)


def _zoned(module: Module, call: Call, name: str) -> bool | None:
    """Whether the moment has a zone; None where it is only shown."""
    after = module.parents.get(call.node)
    if isinstance(after, ast.Attribute):
        outer = module.parents.get(after)
        if after.attr == "replace" and isinstance(outer, ast.Call) and any(k.arg == "tzinfo" for k in outer.keywords):
            return True
        if after.attr in DISPLAY or (after.attr == "timestamp" and name == "now"):
            return True if after.attr == "astimezone" else None
    if name in ("now", "fromtimestamp"):
        zone = call.argument(0 if name == "now" else 1, "tz")
        return (zone is not None and not is_none(zone)) or call.spread
    return False


def _is_handed_over(module: Module, node: ast.Attribute) -> bool:
    """`datetime.utcnow` given as the function that makes a default."""
    if node.attr not in ("utcnow", "now") or not CLOCK.match(module.path(node)):
        return False
    parent = module.parents.get(node)
    return isinstance(parent, ast.keyword) and parent.arg in (
        "default",
        "default_factory",
        "onupdate",
        "server_default",
        "factory",
    )


BLOCKING = re.compile(
    r"^(?:time\.sleep|subprocess\.(?:run|call|check_call|check_output)|os\.system|psycopg2?\.connect|pymysql\.connect|MySQLdb\.connect|"
    r"mysql\.connector\.connect|socket\.create_connection|smtplib\.SMTP(?:_SSL)?)$"
)
FRIENDLY = re.compile(
    r"^asyncio\.(?:sleep|to_thread|create_subprocess_exec|create_subprocess_shell)$|(?:^|\.)(?:run_in_executor|run_in_threadpool|run_sync)$|"
    r"^anyio\.(?:sleep|to_thread\.run_sync)$"
)


class BlockingInAsync(PythonRule):
    """A coroutine calls something that waits without `await`. The whole event loop stands still meanwhile, and with it every
    other request of the process. Use an asynchronous client or `asyncio.sleep`, or move the call to a thread.
    """

    id = "py-blocking-in-async"
    dimension = Dimension.PERFORMANCE
    severity = Severity.MEDIUM
    cwe = None
    BAD = (
        "import time\n\nasync def poll():\n    time.sleep(5)\n",
        'import requests\n\nasync def charge(body):\n    return requests.post("https://psp.example", json=body, timeout=5).json()\n',
        "from time import sleep\n\nclass Worker:\n    async def run(self):\n        while True:\n            sleep(1)\n",
        'import httpx\n\nasync def rates():\n    return httpx.get("https://api.example/rates")\n',
    )
    GOOD = (
        "import asyncio\n\nasync def poll():\n    await asyncio.sleep(5)\n",
        'import asyncio, requests\n\nasync def charge(body):\n    return await asyncio.to_thread(requests.post, "https://psp.example", json=body, timeout=5)\n',
        "import asyncio, time\n\nasync def work(loop):\n    await loop.run_in_executor(None, lambda: time.sleep(1))\n\n    def inner():\n        time.sleep(1)\n",
        "import time\n\ndef poll():\n    time.sleep(5)\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for function in module.functions:
            if not isinstance(function, ast.AsyncFunctionDef) or module.in_test(function):
                continue
            for call in module.calls_in(module.own(function)):
                awaited = isinstance(module.parents.get(call.node), ast.Await | ast.AsyncWith | ast.withitem)
                if _blocks(module, call) and not isinstance(module.parents.get(call.node), ast.Await):
                    yield (call.node, f"`{last(call.path)}` holds up the event loop.")
                elif FRIENDLY.search(call.path) or (
                    awaited and (AIOHTTP.match(call.path) or re.match(r"httpx\.AsyncClient\(\)\.", call.path))
                ):
                    yield (call.node, "")


def _blocks(module: Module, call: Call) -> bool:
    if STRIPE.match(call.path):
        return not call.path.endswith("_async") and "StripeClient" not in call.path and module.imports("stripe")
    if HTTPX_CLIENT.match(call.path):
        return call.path.startswith("httpx.Client()")
    if call.path == "psycopg.connect":
        return True
    return any(kind.match(call.path) for kind in (BLOCKING, REQUESTS, SESSION, HTTPX, URLOPEN))


RULES_PY_TIME: tuple[Rule, ...] = (NaiveDatetime(), BlockingInAsync())
