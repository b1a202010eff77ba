"""Errors told to whoever asks.

Here: what answers hold of an error's own text. Not here: errors that are swallowed (`py_errors`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_handlers import FAMILIES, is_broad, is_foreign
from graders.rules.python_nodes import Function, identifier, is_none, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Module
from graders.rules.rule import Severity

ANSWERS = re.compile(
    r"(?:^|\.)(?:HTTPException|JSONResponse|ORJSONResponse|PlainTextResponse|HTMLResponse|Response|jsonify|make_response|abort|JsonResponse|"
    r"HttpResponse\w*|json_response|HTTP(?:InternalServerError|BadRequest|Error|BadGateway|ServiceUnavailable)|send_error|APIException|"
    r"UJSONResponse|render_template|render_template_string|error_response|ErrorResponse)$"
)
OWN = re.compile(r"(?:^|\.)(?:Exception|BaseException)$")


class ErrorDetailLeak(PythonRule):
    """An unexpected error's own text is sent to the client. It tells of tables, paths, hosts and libraries, and at times of
    other people's data. Log it with an id, and answer with a fixed sentence and that id.
    """

    id = "py-error-detail-leak"
    dimension = Dimension.SECURITY
    severity = Severity.MEDIUM
    cwe = 209
    BAD = (
        '@app.post("/pay")\ndef pay():\n    try:\n        charge()\n    except Exception as e:\n        raise HTTPException(status_code=500, detail=str(e))\n',
        '@app.route("/pay")\ndef pay():\n    try:\n        charge()\n    except Exception as e:\n        return jsonify({"error": f"failed: {e}"}), 500\n',
        'import traceback\n\n@app.errorhandler(Exception)\ndef failed(error):\n    return {"trace": traceback.format_exc()}, 500\n',
        '@app.exception_handler(Exception)\nasync def failed(request, exc):\n    return JSONResponse(status_code=500, content={"detail": repr(exc)})\n',
        (
            '@app.post("/pay")\ndef pay(db):\n    try:\n        db.commit()\n    except SQLAlchemyError as error:\n        message = str(error)\n'
            "        raise HTTPException(500, message)\n"
        ),
    )
    GOOD = (
        (
            '@app.post("/pay")\ndef pay():\n    try:\n        charge()\n    except Exception as e:\n        logger.exception("pay")\n'
            '        raise HTTPException(status_code=500, detail="internal error") from e\n'
        ),
        '@app.post("/pay")\ndef pay():\n    try:\n        charge()\n    except InsufficientFunds as e:\n        raise HTTPException(status_code=402, detail=str(e))\n',
        '@app.post("/pay")\ndef pay():\n    try:\n        charge()\n    except ValueError as e:\n        raise HTTPException(status_code=400, detail=str(e))\n',
        (
            '@app.exception_handler(Exception)\nasync def failed(request, exc):\n    logger.error("failed: %s", exc)\n'
            '    return JSONResponse(status_code=500, content={"detail": "internal error"})\n'
        ),
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for node in module.nodes:
            if isinstance(node, ast.ExceptHandler) and (is_broad(module, node) or is_foreign(module, node)):
                yield from _answers(module, [n for s in node.body for n in [s, *module.own(s)]], node.name or "")
        for function in module.functions:
            name = _handler_of_errors(module, function)
            if name:
                yield from _answers(module, module.own(function), name)


def _handler_of_errors(module: Module, function: Function) -> str:
    """The error's parameter, when the function answers all errors that nobody caught."""
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or last(module.path(decorator.func)) not in (
            "exception_handler",
            "errorhandler",
            "app_errorhandler",
            "register_error_handler",
        ):
            continue
        kind = decorator.args[0] if decorator.args else None
        broad = kind is not None and (
            OWN.search(module.path(kind))
            or FAMILIES.search(module.path(kind))
            or (isinstance(kind, ast.Constant) and kind.value == 500)
        )
        names = [item.arg for item in function.args.args if item.arg not in ("self", "request", "req", "_", "_request")]
        return names[-1] if broad and names else ""
    return ""


def _answers(module: Module, body: list[ast.AST], name: str) -> Iterator[Judged]:
    """Each answer in a handler: bad when it holds the error's text."""
    for node in body:
        if isinstance(node, ast.Call) and ANSWERS.search(module.path(node.func)):
            parts: list[ast.expr] = [
                *node.args,
                *(k.value for k in node.keywords if k.arg not in ("status_code", "status", "headers")),
            ]
            if last(module.path(node.func)) == "abort" and len(node.args) < 2 and not node.keywords:
                continue
            yield (node, _leak(module, parts, name))
        elif isinstance(node, ast.Return) and node.value is not None:
            value = module.resolved(node.value)
            answers = module.function(node) in module.routes or _has_status(value) or _is_lambda_answer(value)
            if (
                answers
                and not any(isinstance(n, ast.Call) and ANSWERS.search(module.path(n.func)) for n in ast.walk(node))
                and not is_none(value)
            ) and isinstance(value, ast.Dict | ast.Tuple | ast.JoinedStr | ast.BinOp | ast.Call):
                leak = _leak(module, [value], name)
                if leak or _has_status(value):
                    yield (node, leak)


def _has_status(value: ast.expr) -> bool:
    return isinstance(value, ast.Tuple) and any(
        isinstance(item, ast.Constant) and isinstance(item.value, int) and item.value >= 400 for item in value.elts
    )


def _is_lambda_answer(value: ast.expr) -> bool:
    return isinstance(value, ast.Dict) and any(string(key) == "statusCode" for key in value.keys)


def _leak(module: Module, parts: list[ast.expr], name: str) -> str:
    return "The error's own text is sent to the client." if any(_tells(module, part, name, 4) for part in parts) else ""


def _tells(module: Module, node: ast.AST, name: str, steps: int) -> bool:
    """Whether the text of the error (or the trace) is part of the value."""
    match node:
        case ast.Name():
            if node.id == name and name:
                return True
            return steps > 0 and any(_tells(module, value, name, steps - 1) for value in module.values(node))
        case ast.Attribute():
            return (
                node.attr in ("args", "message", "orig", "statement", "pgerror", "detail", "response", "text")
                and identifier(node.value) == name
                and bool(name)
            )
        case ast.Call():
            return _called(module, node, name, steps)
        case ast.IfExp():
            debug = re.search(r"(?i)debug|development|\bdev\b", ast.unparse(node.test))
            return not debug and (_tells(module, node.body, name, steps) or _tells(module, node.orelse, name, steps))
        case ast.Compare() | ast.Lambda():
            return False
    return any(_tells(module, child, name, steps) for child in ast.iter_child_nodes(node))


def _called(module: Module, node: ast.Call, name: str, steps: int) -> bool:
    path = module.path(node.func)
    if re.search(r"(?:^|\.)(?:format_exc|format_exception|print_exc|format_tb)$", path) or path == "sys.exc_info":
        return True
    if last(path) in (
        "str",
        "repr",
        "format",
        "join",
        "dumps",
        "encode",
        "dict",
        "strip",
        "jsonify",
        "unicode",
        "Response",
    ) or (isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "encode", "join")):
        inner: list[ast.AST] = [*node.args, *(k.value for k in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            inner.append(node.func.value)
        return any(_tells(module, item, name, steps) for item in inner)
    # `ErrorBody(message=str(e))`: what goes into a body of another kind
    return (
        node.func is not None
        and identifier(node.func)[:1].isupper()
        and any(_tells(module, item, name, steps) for item in (*node.args, *(k.value for k in node.keywords)))
    )
