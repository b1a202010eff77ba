"""JSON Web Tokens: whether what they say is checked before it is believed.

Here: reading tokens. Not here: where their keys come from (`py_secrets`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import is_false, is_none, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.rule import Rule, Severity

DECODE = re.compile(
    r"^(?:jwt|jose\.jwt|python_jose\.jwt|PyJWT|pyjwt|jwt\.PyJWT\(\)|jwt\.api_jwt)\.(?:decode|decode_complete)$"
)
ENCODE = re.compile(r"^(?:jwt|jose\.jwt|jose\.jws)\.(?:encode|sign)$")
UNVERIFIED = re.compile(r"(?:^|\.)get_unverified_claims$")
HEADER = re.compile(r"get_unverified_header|\balg\b")


class JwtUnverified(PythonRule):
    """A token's claims are believed without a checked signature, or with whatever algorithm the token itself names. Anyone
    can then write a token and be anyone. Decode with the key and a fixed list of algorithms, and keep verification on.
    """

    id = "py-jwt-unverified"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 347
    BAD = (
        'import jwt\n\nclaims = jwt.decode(token, options={"verify_signature": False})\n',
        'import jwt\n\nOPTIONS = {"verify_signature": False}\n\ndef user(token):\n    return jwt.decode(token, KEY, algorithms=["HS256"], options=OPTIONS)\n',
        'from jose import jwt\n\ndef subject(token):\n    return jwt.get_unverified_claims(token)["sub"]\n',
        'import jwt\n\nclaims = jwt.decode(token, KEY, algorithms=["HS256", "none"])\n',
        "from jwt import decode\n\nclaims = decode(token, KEY)\n",
        'import jwt\n\ndef read(token):\n    header = jwt.get_unverified_header(token)\n    return jwt.decode(token, KEY, algorithms=[header["alg"]])\n',
        'import jwt\n\ntoken = jwt.encode({"sub": "1"}, None, algorithm="none")\n',
    )
    GOOD = (
        'import jwt\n\nclaims = jwt.decode(token, KEY, algorithms=["RS256"], audience="api", options={"require": ["exp", "sub"]})\n',
        "from jose import jwt\n\nclaims = jwt.decode(token, settings.jwt_secret, algorithms=[settings.jwt_algorithm])\n",
        'import jwt\n\ndef read(token):\n    kid = jwt.get_unverified_header(token)["kid"]\n    return jwt.decode(token, keys[kid], algorithms=["RS256"])\n',
        'import base64\n\nbase64.b64decode(token)\ntext.decode("utf-8")\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            fault = None if module.in_test(call.node) else _verdict(module, call)
            if fault is not None:
                yield (call.node, fault)


def _verdict(module: Module, call: Call) -> str | None:
    """What is wrong with a call that reads or writes a token; empty where nothing is, None for other calls."""
    if UNVERIFIED.search(call.path):
        return None if _verified_afterwards(module, call) else "The claims are read without any check of the signature."
    if ENCODE.match(call.path):
        unsigned = _is_none_algorithm(call.argument(2, "algorithm"))
        return 'A token signed with "none" is not signed.' if unsigned else None
    if DECODE.match(call.path):
        fault = _fault(module, call)
        return None if fault and _verified_afterwards(module, call) else fault
    return None


def _fault(module: Module, call: Call) -> str:
    """What is wrong with a decoding; empty where nothing is."""
    if _off(module, call):
        return "The signature is not verified."
    algorithms = call.argument(2, "algorithms")
    if algorithms is None:
        if call.spread or any(isinstance(argument, ast.Starred) for argument in call.node.args):
            return ""
        return "No list of accepted algorithms is given."
    listed = module.resolved(algorithms)
    if isinstance(listed, ast.List | ast.Tuple | ast.Set):
        items = [module.resolved(item) for item in listed.elts]
        if any(_is_none_algorithm(item) for item in items):
            return 'The algorithm "none" is accepted.'
        if any(_from_header(module, item) for item in items):
            return "The token itself says which algorithm is used."
    if _is_none_algorithm(listed):
        return 'The algorithm "none" is accepted.'
    return "No list of accepted algorithms is given." if is_none(listed) else ""


def _off(module: Module, call: Call) -> bool:
    """Whether the check of the signature is switched off."""
    if is_false(call.keyword("verify")):
        return True
    options = call.argument(3, "options")
    value = None if options is None else module.resolved(options)
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return any(string(key) == "verify_signature" and is_false(module.resolved(item)) for key, item in pairs)
    if isinstance(value, ast.Call) and module.path(value.func) == "dict":
        return any(keyword.arg == "verify_signature" and is_false(keyword.value) for keyword in value.keywords)
    return False


def _is_none_algorithm(node: ast.expr | None) -> bool:
    text = string(node)
    return text is not None and text.lower() == "none"


def _from_header(module: Module, node: ast.expr) -> bool:
    """Whether the algorithm is read from the token's own header."""
    if not isinstance(node, ast.Subscript | ast.Call):
        return False
    root = (
        node.value
        if isinstance(node, ast.Subscript)
        else node.func.value
        if isinstance(node.func, ast.Attribute)
        else node
    )
    return "get_unverified_header" in module.path(root) and HEADER.search(ast.unparse(node)) is not None


def _verified_afterwards(module: Module, call: Call) -> bool:
    """Whether the same function decodes properly afterwards, so that this is only a look to find the key."""
    around = module.function(call.node)
    if around is None:
        return False
    others = [c for c in module.calls_in(module.within(around)) if DECODE.match(c.path)]
    others = [c for c in others if module.place[c.node] > module.place[call.node]]
    return any(not _fault(module, other) for other in others)


RULES_PY_JWT: tuple[Rule, ...] = (JwtUnverified(),)
