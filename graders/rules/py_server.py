"""How a web application is set up: debug mode, which origins may call it with credentials.

Here: settings of the server. Not here: what its handlers do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import identifier, is_true, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.rule import Rule, Severity

APP = re.compile(r"(?:^|\.)(?:flask\.Flask|Flask|quart\.Quart|Quart|Sanic|sanic\.Sanic|bottle|Bottle)(?:\(\))?\.run$")
APP_NAME = re.compile(
    r"(?i)^\??(?:\w*app|application|server|create_app\(\)|socketio|\w*\.SocketIO\(\))\.run(?:_server)?$"
)
ASGI = re.compile(r"(?:^|\.)(?:FastAPI|Starlette|Litestar)$")


class DebugServer(PythonRule):
    """The application is started in debug mode. Its error pages then show code and variables, and Werkzeug's debugger runs
    whatever a visitor types. Leave debug off, and let a deployment's environment switch it on where it is wanted.
    """

    id = "py-debug-server"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 489
    BAD = (
        'from flask import Flask\n\napp = Flask(__name__)\n\nif __name__ == "__main__":\n    app.run(host="0.0.0.0", debug=True)\n',
        'from fastapi import FastAPI\n\napp = FastAPI(title="Payments", debug=True)\n',
        'from flask import Flask\n\napp = Flask(__name__)\napp.config["DEBUG"] = True\n',
        "from flask import Flask\n\napp = Flask(__name__)\napp.debug = True\napp.run()\n",
    )
    GOOD = (
        'from flask import Flask\n\napp = Flask(__name__)\n\nif __name__ == "__main__":\n    app.run(host="127.0.0.1", port=8000)\n',
        'import os\nfrom fastapi import FastAPI\n\napp = FastAPI(debug=os.environ.get("DEBUG") == "1")\n',
        "import asyncio\n\nasyncio.run(main(), debug=True)\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            given = call.keyword("debug")
            if ASGI.search(call.path) or APP.search(call.path) or APP_NAME.search(call.path):
                debug = given is not None and is_true(module.resolved(given))
                if not call.spread:
                    yield (call.node, "The application is started in debug mode." if debug else "")
            elif call.name == "update" and "config" in call.path and is_true(call.keyword("DEBUG")):
                yield (call.node, "The application is started in debug mode.")
        for node in module.nodes:
            if isinstance(node, ast.Assign) and is_true(node.value) and any(_is_debug(module, t) for t in node.targets):
                yield (node, "The application is started in debug mode.")


def _is_debug(module: Module, target: ast.expr) -> bool:
    match target:
        case ast.Attribute(attr="debug"):
            return re.search(r"(?i)flask|\bapp\b|quart", module.path(target.value)) is not None
        case ast.Subscript(value=ast.Attribute(attr="config")):
            return identifier(target) == "DEBUG"
        case ast.Name(id="DEBUG"):
            # Django's settings are a module of constants; elsewhere the name can mean anything
            return (module.tree, "INSTALLED_APPS") in module.bindings or (
                module.tree,
                "ALLOWED_HOSTS",
            ) in module.bindings
    return False


class CorsWildcardCredentials(PythonRule):
    """Every origin may send requests with the visitor's credentials. Any web page can then act in the name of whoever is
    logged in, and read the answers. Name the origins that are trusted, or leave credentials off.
    """

    id = "py-cors-wildcard-credentials"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 942
    BAD = (
        'from fastapi.middleware.cors import CORSMiddleware\n\napp.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)\n',
        "from flask_cors import CORS\n\nCORS(app, supports_credentials=True)\n",
        'ORIGINS = ["*"]\napp.add_middleware(\n    CORSMiddleware,\n    allow_origins=ORIGINS,\n    allow_credentials=True,\n)\n',
        "CORS_ALLOW_ALL_ORIGINS = True\nCORS_ALLOW_CREDENTIALS = True\n",
    )
    GOOD = (
        'app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"], allow_credentials=True)\n',
        'app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"])\n',
        'from flask_cors import CORS\n\nCORS(app, origins=["https://shop.example"], supports_credentials=True)\n',
        'CORS(app, resources={r"/api/*": {"origins": "https://shop.example"}}, supports_credentials=True)\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            verdict = _cors(module, call)
            if verdict is not None:
                yield (call.node, "" if verdict else "Any origin may call this with the visitor's credentials.")
        yield from _django(module)
        yield from _by_hand(module)


def _cors(module: Module, call: Call) -> bool | None:
    """Whether a CORS set-up is sound; None where the call is none."""
    if call.name in ("add_middleware", "Middleware", "CORSMiddleware"):
        names = [last(module.path(a)) for a in call.node.args[:1]]
        if call.name != "CORSMiddleware" and names != ["CORSMiddleware"]:
            return None
        credentials, anyone = (
            is_true(_value(module, call, "allow_credentials")),
            _any(module, _value(module, call, "allow_origins")),
        )
        pattern = string(_value(module, call, "allow_origin_regex"))
        return not (credentials and (anyone or pattern in (".*", "https?://.*", "^.*$", ".+", "http.*", "https://.*")))
    if call.name in ("CORS", "cross_origin") and (
        module.imports("flask_cors") or "flask_cors" in call.path or call.path == "CORS"
    ):
        if call.spread:
            return None
        credentials = is_true(_value(module, call, "supports_credentials"))
        origins, resources = _value(module, call, "origins"), _value(module, call, "resources")
        if origins is not None:
            return not (credentials and _any(module, origins))
        if resources is not None:
            credentials = credentials or any(_allows(resources))
            return not (credentials and any(_any(module, v) for v in _origins(resources)))
        return not credentials
    return None


def _value(module: Module, call: Call, name: str) -> ast.expr | None:
    given = call.keyword(name)
    return None if given is None else module.resolved(given)


def _any(module: Module, node: ast.expr | None) -> bool:
    """Whether a list of origins lets everyone in."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return any(_any(module, module.resolved(item)) for item in node.elts)
    return string(node) in ("*", ".*", r".*")


def _origins(resources: ast.expr) -> list[ast.expr]:
    return [
        value
        for node in ast.walk(resources)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if string(key) == "origins"
    ]


def _allows(resources: ast.expr) -> list[bool]:
    """Whether each of the resources lets credentials through."""
    return [
        is_true(value)
        for node in ast.walk(resources)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if string(key) == "supports_credentials"
    ]


def _django(module: Module) -> Iterator[Judged]:
    set_true = {}
    for name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOW_CREDENTIALS"):
        for binding in module.bindings.get((module.tree, name), []):
            if is_true(binding.value):
                set_true[name] = binding.node
    everyone = set_true.get("CORS_ALLOW_ALL_ORIGINS") or set_true.get("CORS_ORIGIN_ALLOW_ALL")
    if everyone is not None and "CORS_ALLOW_CREDENTIALS" in set_true:
        yield (everyone, "Any origin may call this with the visitor's credentials.")


def _by_hand(module: Module) -> Iterator[Judged]:
    """Headers set in a function: the caller's own origin, or `*`, together with credentials."""
    for function in module.functions:
        origin: ast.Assign | None = None
        credentials = False
        for node in module.own(function):
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
                continue
            header = identifier(node.targets[0]).lower()
            if header == "access-control-allow-origin" and (string(node.value) == "*" or _mirrors(module, node)):
                origin = node
            credentials = credentials or (
                header == "access-control-allow-credentials" and (string(node.value) or "").lower() == "true"
            )
        if origin is not None and credentials:
            yield (origin, "Any origin may call this with the visitor's credentials.")


def _mirrors(module: Module, node: ast.Assign) -> bool:
    """Whether the value is the request's own origin, and nothing looks at it first."""
    value = module.resolved(node.value)
    if identifier(value).lower() != "origin" or "request" not in ast.unparse(value):
        return False
    return not any(
        isinstance(above, ast.If) and any(isinstance(n, ast.In) for n in ast.walk(above.test))
        for above in module.ancestors(node)
    )


RULES_PY_SERVER: tuple[Rule, ...] = (DebugServer(), CorsWildcardCredentials())
