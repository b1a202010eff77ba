"""Secrets in the logs.

Here: what is logged or printed of passwords, tokens and card data. Not here: secrets in the source (`py_secrets`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import identifier, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.python_words import names_card, names_secret, snake
from graders.rules.rule import Severity

LOGGERS = re.compile(
    r"(?i)(?:^|\.|_|\?)(?:log|logger|logging|_?log|getLogger\(\)|get_logger\(\)|\w*logger|structlog\.\w+\(\)|app\.logger|audit_?log)"
    r"(?:\(\))?\.(?:debug|info|warning|warn|error|exception|critical|fatal|log|success|trace|bind)$"
)
MASKS = re.compile(
    r"(?i)mask|redact|hash|digest|last_?4|last_?four|fingerprint|obfuscat|sanitiz|scrub|censor|^len$|^bool$|^type$|^id$|^hide|truncate|isinstance|"
    r"hmac|sha256|decode|verify|validate|check|^jti|^exists|^count|^tokeniz"
)
AUTH = re.compile(
    r"(?i)^(?:jwt|jose|oauth\w*|bearer|authorization|password|login|authenticate|auth|access_token|refresh_token|secrets|session|api_key|credentials)$"
)


class SecretInLog(PythonRule):
    """A password, token, card number or security code is written to a log or printed. Logs are copied, kept and read by many;
    what stands in them is as good as published, and card data there breaks PCI DSS. Log an id or a masked form.
    """

    id = "py-secret-in-log"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 532
    BAD = (
        'logger.info(f"login of {username} with {password}")\n',
        'import logging\n\nlogging.debug("charging card %s cvv %s", card.card_number, card.cvv)\n',
        'log = structlog.get_logger()\nlog.info("issued", access_token=access_token)\n',
        'logger.debug("headers: %s", request.headers)\n',
        'print("API key: " + settings.api_key)\n',
        'logger.info("auth", extra={"authorization": request.headers["Authorization"]})\n',
    )
    GOOD = (
        'def login(password):\n    logger.info("password checked for %s", user.id)\n',
        'logger.info("card ending %s", card.card_number[-4:])\n',
        'logger.info("token expires", extra={"token_type": token_type, "jti": claims["jti"]})\n',
        'logger.info("key %s", mask(api_key))\n',
        "for token in lexer:\n    print(token)\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        auth = any(AUTH.match(name) for name in module.identifiers)
        for call in module.calls:
            if not _logs(call) or module.in_test(call.node):
                continue
            found = next((name for name in _said(module, call) if _sensitive(name, auth=auth)), None)
            if found is not None:
                yield (call.node, f"`{found}` is written to the log.")
            elif _handles_secrets(module, call):
                yield (call.node, "")


def _logs(call: Call) -> bool:
    return call.path in ("print", "pprint", "pprint.pprint") or LOGGERS.search(call.path) is not None


def _said(module: Module, call: Call) -> Iterator[str]:
    """Names of the values that a logging call writes, those left out that are masked or only looked at."""
    for keyword in call.node.keywords:
        if keyword.arg in ("file", "exc_info", "stack_info", "sep", "end", "flush"):
            continue
        yield from _values(keyword.value)
        if keyword.arg and isinstance(keyword.value, ast.Name | ast.Attribute) and names_card(keyword.arg):
            yield keyword.arg
    for argument in call.node.args:
        value = module.resolved(argument) if isinstance(argument, ast.Name) else argument
        yield from _values(value if isinstance(value, ast.JoinedStr | ast.BinOp | ast.Dict) else argument)


def _values(node: ast.AST) -> Iterator[str]:
    """Names of the values of which an expression's text is made."""
    match node:
        case ast.Attribute(attr="headers", value=owner):
            if re.search(r"(?i)^req(?:uest)?$", identifier(owner)):
                yield "authorization"
        case ast.Subscript(slice=ast.Slice()) | ast.Compare() | ast.Constant() | ast.Lambda():
            return
        case ast.Name() | ast.Attribute() | ast.Subscript():
            yield identifier(node)
        case ast.Call():
            yield from _called_values(node)
        case _:
            # of a choice, the condition is not written
            children = [node.body, node.orelse] if isinstance(node, ast.IfExp) else ast.iter_child_nodes(node)
            for child in children:
                yield from _values(child)


def _called_values(node: ast.Call) -> Iterator[str]:
    called = identifier(node.func)
    if called in ("get", "pop") and isinstance(node.func, ast.Attribute) and node.args:
        yield string(node.args[0]) or ""
        return
    if MASKS.search(called):
        return
    if called in (
        "str",
        "repr",
        "format",
        "dumps",
        "dict",
        "strip",
        "upper",
        "lower",
        "decode",
        "get_secret_value",
        "join",
    ):
        if isinstance(node.func, ast.Attribute):
            yield from _values(node.func.value)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _values(argument)


def _sensitive(name: str, *, auth: bool) -> bool:
    found = snake(name)
    if found in ("headers", "authorization", "auth_header", "authorization_header"):
        return found != "headers" or auth
    if found in ("token", "tokens"):
        return auth and found == "token"
    if found in ("secret", "secrets", "pass", "credential") or (found == "pan" and not auth):
        return found == "secret"
    if found in ("database_url", "db_url", "database_uri", "connection_string", "sqlalchemy_database_uri"):
        return True
    return (names_secret(found) and not found.endswith(("_pass", "tokens"))) or names_card(found)


def _handles_secrets(module: Module, call: Call) -> bool:
    """Whether a secret is at hand where the log is written, so that leaving it out is a merit."""
    around = module.function(call.node)
    if around is None:
        return any(
            _sensitive(identifier(node), auth=True)
            for node in ast.walk(call.node)
            if isinstance(node, ast.Name | ast.Attribute)
        )
    names = [node for node in module.within(around) if isinstance(node, ast.Name | ast.Attribute | ast.arg)]
    return any(_sensitive(identifier(node), auth=True) and identifier(node) != "headers" for node in names)
