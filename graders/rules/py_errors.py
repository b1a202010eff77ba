"""Errors that are caught and forgotten.

Here: except handlers. Not here: what answers tell of errors (`py_error_leak`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.py_error_leak import ErrorDetailLeak
from graders.rules.python_database import act_of
from graders.rules.python_handlers import BROAD, is_broad, is_foreign
from graders.rules.python_nodes import Function, is_true, last, string
from graders.rules.python_remote import reaches_out
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.rule import Rule, Severity

NOTES = re.compile(
    r"(?i)(?:^|\.|_|\?)(?:log\w*|logger|logging|print|pprint|warn\w*|debug|info|error|exception|critical|print_exc|echo|capture_exception|"
    r"inc|increment|incr|record_exception|add_note|set_status|capture_message|observe|write)$"
)
TIDYING = re.compile(
    r"(?i)(?:^|\.)(?:a?close\w*|rollback|cancel|unlink|remove|disconnect\w*|terminate|kill|shutdown|release|rmtree|unsubscribe|stop|join|quit|"
    r"wait_closed|dispose|flush|cleanup\w*|__exit__|__aexit__|detach|unlock|discard|unregister|rmdir|abort|exists|is_file|aexit|drop\w*|delete_temp\w*)$"
)
ASIDE = re.compile(
    r"(?i)cache|redis|metric|notif|email|mail|log|audit|publish|analytic|telemetry|track|statsd|sentry|webhook|event|span|trace|prefetch|warm|"
    r"beacon|health|ping|optional|best_effort|try_|maybe|version|import|locale|signal|sleep"
)
LIVES_ON = re.compile(
    r"(?i)(?:^|_)(?:worker|loop|run\w*|consume\w*|listen\w*|main|poll\w*|shutdown|startup|lifespan|cleanup|close|stop|teardown|health\w*|"
    r"ready|readiness|liveness|ping|check_\w+|is_\w+|has_\w+|notify\w*|publish\w*|log\w*|audit\w*|__del__|__exit__|__aexit__|repr|__repr__)$"
)
FAILURE = re.compile(
    r"(?i)fail|error|abort|reject|unavailable|declin|cancel|invalid|denied|rollback|dead_?letter|retry|unknown|pending|unhealthy|degraded"
)


class SwallowedError(PythonRule):
    """Any error at all is caught and then nothing is done about it: the work goes on, or success is reported, as if it had
    happened. Lost writes and broken invariants show up only much later. Catch what can be handled, and raise again or answer
    with an error otherwise.
    """

    id = "py-swallowed-error"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.HIGH
    cwe = 390
    BAD = (
        "def charge(order):\n    try:\n        gateway.charge(order)\n    except Exception:\n        pass\n",
        'def save(db, payment):\n    try:\n        db.add(payment)\n        db.commit()\n    except Exception as error:\n        print(error)\n    return {"status": "ok"}\n',
        "def all(rows):\n    for row in rows:\n        try:\n            book(row)\n        except:\n            continue\n",
        'def pay(order):\n    try:\n        gateway.charge(order)\n    except Exception as error:\n        logger.error(error)\n        return {"status": "success"}\n',
        "from contextlib import suppress\n\nwith suppress(Exception):\n    ledger.book(entry)\n",
        'import psycopg2\n\ntry:\n    cur.execute("INSERT INTO payments DEFAULT VALUES")\nexcept psycopg2.Error:\n    pass\n',
    )
    GOOD = (
        'def charge(order):\n    try:\n        gateway.charge(order)\n    except Exception:\n        logger.exception("charge failed")\n        raise\n',
        (
            "def save(db, payment):\n    try:\n        db.add(payment)\n        db.commit()\n    except Exception as error:\n        db.rollback()\n"
            '        raise HTTPException(status_code=500, detail="could not be saved") from error\n'
        ),
        'try:\n    value = cache["x"]\nexcept KeyError:\n    pass\n',
        "def stop(conn):\n    try:\n        conn.close()\n    except Exception:\n        pass\n",
        (
            "async def worker(queue):\n    while True:\n        job = await queue.get()\n        try:\n            await handle(job)\n"
            '        except Exception:\n            logger.exception("job failed")\n'
        ),
        "from contextlib import suppress\n\nwith suppress(FileNotFoundError):\n    path.unlink()\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for node in module.nodes:
            if isinstance(node, ast.ExceptHandler) and not module.in_test(node):
                verdict = _handled(module, node)
                if verdict is not None:
                    yield (node, verdict)
            elif isinstance(node, ast.With | ast.AsyncWith) and not module.in_test(node) and _suppresses(module, node):
                yield (node, "Every error of this block is suppressed.")


def _handled(module: Module, handler: ast.ExceptHandler) -> str | None:
    """A message for a swallowed error, an empty one for a handled one, None where it is neither."""
    broad = is_broad(module, handler)
    if not broad and not is_foreign(module, handler):
        return None
    body = [node for statement in handler.body for node in [statement, *module.own(statement)]]
    if any(isinstance(node, ast.Raise) for node in body):
        return ""
    if all(_is_nothing(statement) for statement in handler.body):
        return None if _may_be_ignored(module, handler) else "The error is caught and nothing is done about it."
    if not broad:
        return None
    returned = [node for node in body if isinstance(node, ast.Return)]
    if returned:
        return _returned(module, returned, handler)
    if all(_is_note(module, statement) for statement in handler.body):
        return (
            "The error is only noted, and the work goes on as if nothing had happened."
            if _matters(module, handler)
            else None
        )
    if any(
        isinstance(node, ast.Call)
        and last(module.path(node.func)) in ("rollback", "abort", "exit", "_exit", "set_exception", "retry")
        for node in body
    ):
        return ""
    return None


def _is_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass | ast.Continue):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_note(module: Module, statement: ast.stmt) -> bool:
    """A statement that tells of the error and no more."""
    if _is_nothing(statement):
        return True
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    return isinstance(value, ast.Call) and NOTES.search(module.path(value.func)) is not None


def _returned(module: Module, returned: list[ast.Return], handler: ast.ExceptHandler) -> str | None:
    """Success told in a handler is a lie; an error told is handling; a bare None may be either."""
    values = [module.resolved(node.value) for node in returned if node.value is not None]
    if any(is_true(value) or _tells_success(value) for value in values):
        return "Success is reported although an error was caught."
    texts = " ".join(ast.unparse(value) for value in values)
    codes = [int(code) for code in re.findall(r"\b([1-5]\d\d)\b", texts)]
    if any(code >= 400 for code in codes) or FAILURE.search(texts):
        return ""
    return None


def _tells_success(value: ast.expr) -> bool:
    """Whether a value says that all went well."""
    if isinstance(value, ast.Tuple) and value.elts:
        codes = [
            item.value for item in value.elts[1:] if isinstance(item, ast.Constant) and isinstance(item.value, int)
        ]
        return not any(code >= 400 for code in codes) and _tells_success(value.elts[0])
    if isinstance(value, ast.Call):
        given = [
            k.value.value
            for k in value.keywords
            if k.arg in ("status_code", "status") and isinstance(k.value, ast.Constant)
        ]
        if any(isinstance(code, int) and code >= 400 for code in given):
            return False
        return last(ast.unparse(value.func)) in ("jsonify", "JSONResponse", "JsonResponse", "Response", "dict") and any(
            _tells_success(item) for item in (*value.args, *(k.value for k in value.keywords))
        )
    if isinstance(value, ast.Dict):
        for key, item in zip(value.keys, value.values, strict=True):
            name = (string(key) or "").lower()
            if name in ("success", "ok", "paid") and is_true(item):
                return True
            if name in ("status", "result", "message", "state") and re.match(
                r"(?i)^(?:ok|success\w*|paid|completed|done|succeeded)\b", string(item) or ""
            ):
                return True
    return False


def _guarded_calls(module: Module, handler: ast.ExceptHandler) -> list[Call]:
    above = module.parents[handler]
    body = above.body if isinstance(above, ast.Try | ast.TryStar) else []
    return [
        module.call(node)
        for statement in body
        for node in [statement, *module.own(statement)]
        if isinstance(node, ast.Call)
    ]


def _may_be_ignored(module: Module, handler: ast.ExceptHandler) -> bool:
    """Tidying up, optional imports, and parsing attempts may fail in silence."""
    above = module.parents[handler]
    if not isinstance(above, ast.Try | ast.TryStar):
        return False
    calls = _guarded_calls(module, handler)
    names = [
        module.path(call.node.func) for call in calls if not isinstance(module.parents.get(call.node), ast.Attribute)
    ]
    if any(isinstance(statement, ast.Import | ast.ImportFrom) for statement in above.body):
        return True
    if names and all(
        TIDYING.search(name) or last(name) in ("Path", "str", "print", "getattr", "hasattr", "super", "isinstance")
        for name in names
    ):
        return any(TIDYING.search(name) for name in names)
    if any(isinstance(a, ast.ExceptHandler) for a in module.ancestors(handler)):
        return True
    if isinstance(above.body[-1], ast.Return) and not isinstance(handler.body[-1], ast.Continue):
        return True  # an attempt; what follows is the answer for when it fails
    function = module.function(handler)
    return (
        function is not None
        and re.search(
            r"(?i)^(?:__del__|__exit__|__aexit__|close|aclose|shutdown|teardown\w*|cleanup\w*|_cleanup\w*|stop)$",
            function.name,
        )
        is not None
    )


def _matters(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether what failed was a write or a payment, and whoever called is told nothing of it."""
    function = module.function(handler)
    if function is None or LIVES_ON.search(function.name) or _in_loop(module, handler, function):
        return False
    above = module.parents[handler]
    if isinstance(above, ast.Try) and (above.orelse or _answers_otherwise(module, above, function)):
        return False
    calls = _guarded_calls(module, handler)
    if any(ASIDE.search(call.path) for call in calls):
        return False
    for call in calls:
        act = act_of(module, call)
        if (act is not None and act.kind in ("write", "commit")) or reaches_out(module, call):
            return True
    return False


def _in_loop(module: Module, node: ast.AST, function: Function) -> bool:
    return any(
        isinstance(above, ast.For | ast.AsyncFor | ast.While) and module.inside(above, function)
        for above in module.ancestors(node)
    )


def _answers_otherwise(module: Module, statement: ast.Try, function: Function) -> bool:
    """Whether what follows the try can be the answer for failures: something is returned that does not tell success."""
    after = [
        node
        for node in module.own(function)
        if isinstance(node, ast.Return | ast.Raise)
        and module.place[node] > module.place[statement]
        and not module.inside(node, statement)
    ]
    values = [node.value for node in after if isinstance(node, ast.Return) and node.value is not None]
    return bool(after) and not any(is_true(value) or _tells_success(module.resolved(value)) for value in values)


def _suppresses(module: Module, node: ast.With | ast.AsyncWith) -> bool:
    for item in node.items:
        call = item.context_expr
        if not isinstance(call, ast.Call) or last(module.path(call.func)) != "suppress":
            continue
        if not any(module.path(argument) in BROAD for argument in call.args):
            return False
        inner = [
            module.path(n.func)
            for statement in node.body
            for n in [statement, *module.own(statement)]
            if isinstance(n, ast.Call)
        ]
        return not inner or not all(TIDYING.search(path) for path in inner)
    return False


RULES_PY_ERRORS: tuple[Rule, ...] = (SwallowedError(), ErrorDetailLeak())
