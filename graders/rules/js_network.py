"""Calls to other services.

Here: bounds on waiting. Not here: certificates (`js_crypto`), errors (`js_errors`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import LANGUAGES, Call, Node, bare
from graders.rules.javascript_options import Options, options, resolved
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.javascript_values import constant, opening_text
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

FETCH = re.compile(
    r"^(?:globalThis\.|global\.|undici\.|node-fetch\.default|node-fetch\.)?(?:fetch|node-fetch"
    r"|cross-fetch|undici\.request|isomorphic-fetch)$"
)
AXIOS = re.compile(r"^axios(?:\.create\(\))?(?:\.default)?(?:\.(get|delete|head|options|post|put|patch|request))?$")
GOT = re.compile(r"^got(?:\.got)?(?:\.(?:get|post|put|patch|delete|head|extend\(\)))?$")
BOUNDS = frozenset({"signal", "timeout", "headersTimeout", "bodyTimeout", "dispatcher"})


class FetchNoTimeout(Rule):
    """A call to another service may wait for ever. When that service hangs, requests pile up here until nothing answers
    any more. Give `fetch` an `AbortSignal.timeout(…)`, axios and got a `timeout`.
    """

    id = "js-fetch-no-timeout"
    dimension = Dimension.RELIABILITY
    severity = Severity.MEDIUM
    cwe = 1088
    languages = LANGUAGES
    BAD = (
        "const r = await fetch(`https://psp.example/charges/${id}`);",
        "const axios = require('axios');\nawait axios.post(url, body, { headers });",
        "const client = axios.create({ baseURL: URL });\nconst { data } = await client.get('/charges');",
        "import fetch from 'node-fetch';\nconst options = { method: 'POST', body };\nawait fetch(PSP_URL, options);",
    )
    GOOD = (
        "await fetch(url, { method: 'POST', signal: AbortSignal.timeout(5000) });",
        "const client = axios.create({ baseURL: URL, timeout: 3000 });\nawait client.post('/charges', body);",
        "import axios from 'axios';\naxios.defaults.timeout = 5000;\nawait axios.get(url);",
        "const send = (url, init) => fetch(url, init);",
        "await fetch('/api/me');\nawait fetch(url, { ...init, signal: controller.signal });",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        everywhere = any("defaults.timeout" in path for path in read.assigned)
        for call in read.calls:
            given = _given(call)
            if given is None:
                continue
            if BOUNDS & given.keys.keys() or everywhere or _raced(call):
                yield site(source, call.node)
            elif given.complete:
                yield site(source, call.node, f"{call.path} may wait for ever.")


def _given(call: Call) -> Options | None:
    """The options of an outbound call, its axios instance's included; None for other calls, or if not visible."""
    if not call.args:
        return None
    if FETCH.match(call.origin):
        return None if _is_browser(call) else _at(call, 1)
    match = AXIOS.match(call.origin)
    if match is not None:
        alone = match[1] == "request" or (match[1] is None and resolved(call.args[0]).kind == "object")
        return _with_instance(call, _at(call, 0 if alone else {"post": 2, "put": 2, "patch": 2}.get(match[1] or "", 1)))
    if GOT.match(call.origin):
        return _at(call, 1)
    return None


def _at(call: Call, position: int) -> Options | None:
    if any(arg.kind == "spread_element" for arg in call.args):
        return None
    return options(call.args[position]) if len(call.args) > position else Options()


def _with_instance(call: Call, own: Options | None) -> Options | None:
    """The call's own options over those that `axios.create` was given."""
    if own is None or "create()" not in call.origin:
        return own
    made = [other for other in call.node.script.calls if other.origin == "axios.create"]
    bases = [options(other.args[0]) if other.args else Options() for other in made]
    for base in bases:
        if base is None:
            return None
        own = Options(keys={**base.keys, **own.keys}, complete=own.complete and base.complete)
    return own


def _is_browser(call: Call) -> bool:
    """A call to a path of the page's own server is made in a browser; a call with a Request carries its own signal."""
    start = opening_text(call.args[0])
    made = bare(call.args[0])
    return (
        start.startswith("/")
        or (made.kind == "new_expression" and made.text.startswith("new Request"))
        or constant(made) == ""
    )


def _raced(call: Call) -> bool:
    """Whether the call stands in a `Promise.race`."""
    return any(_is_race(around) for around in call.node.ancestors() if around.kind == "call_expression")


def _is_race(node: Node) -> bool:
    callee = node.field("function")
    return callee is not None and callee.text in ("Promise.race", "withTimeout", "pTimeout", "timeout")


RULES_NETWORK: tuple[Rule, ...] = (FetchNoTimeout(),)
