"""The calls of the JWT libraries, recognised under any alias, with their options.

Here: which call signs, verifies or decodes, and what it was told. Not here: whether that is a defect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graders.rules.javascript_node import FUNCTIONS, Call, Node, bare
from graders.rules.javascript_options import Options, options, resolved
from graders.rules.javascript_tree import Script

LIBRARY = r"(?:(?:jwt|jsonwebtoken|jsonWebToken|JWT|jose|jose-node-cjs-runtime|(?:\w*[./])?jwt)\.)"
VERIFY = re.compile(rf"^(?:{LIBRARY}(?:default\.)?verify|(?:{LIBRARY})?jwtVerify)$")
SIGN = re.compile(rf"^{LIBRARY}(?:default\.)?sign$")
DECODE = re.compile(
    rf"^(?:{LIBRARY}(?:default\.)?decode|(?:{LIBRARY})?decodeJwt|jwtService\.decode|.*\.jwtService\.decode"
    r"|jwt-decode(?:\.jwtDecode)?|jwtDecode|jwt_decode)$"
)
STRATEGY = re.compile(r"^new (?:passport-jwt\.Strategy|JwtStrategy|JWTStrategy)$")
MIDDLEWARE = re.compile(r"^(?:express-jwt(?:\.expressjwt)?|expressjwt|expressJwt)$")
OTHER_JWT = re.compile(r"^(?:jwt-simple|njwt|koa-jwt|fast-jwt|@\w+/jwt)\b")


@dataclass(frozen=True, eq=False, kw_only=True)
class Checked:
    """A call that verifies tokens. `options` is None when they cannot be seen."""

    call: Call
    options: Options | None


def verifications(script: Script) -> Iterator[Checked]:
    """Every call that checks a token's signature."""
    for call in script.calls:
        if OTHER_JWT.match(call.origin):
            continue
        if VERIFY.match(call.origin) and call.args:
            yield Checked(call=call, options=_given(call, 2))
        elif (STRATEGY.match(call.origin) or MIDDLEWARE.match(call.origin)) and call.args:
            yield Checked(call=call, options=options(call.args[0]))


def signatures(script: Script) -> Iterator[Checked]:
    """Every call of a `sign(payload, key, options)`."""
    for call in script.calls:
        if SIGN.match(call.origin) and not OTHER_JWT.match(call.origin) and call.args:
            yield Checked(call=call, options=_given(call, 2))


def decodings(script: Script) -> Iterator[Call]:
    """Every call that reads a token without checking it."""
    for call in script.calls:
        if DECODE.match(call.origin) and not OTHER_JWT.match(call.origin) and call.args:
            yield call


def is_verification(call: Call) -> bool:
    return bool(VERIFY.match(call.origin)) or call.name in (
        "verifyAsync",
        "createVerify",
        "timingSafeEqual",
        "jwtVerify",
    )


def _given(call: Call, position: int) -> Options | None:
    """The options at a position; no options at all count as an empty, complete object."""
    if any(arg.kind == "spread_element" for arg in call.args):
        return None
    if len(call.args) <= position or _is_callback(call.args[position]):
        return Options()
    if bare(call.args[position]).text in ("undefined", "null"):
        return Options()
    return options(call.args[position])


def _is_callback(node: Node) -> bool:
    value = resolved(node)
    return value.kind in FUNCTIONS or value.text in ("cb", "callback", "done", "next")


def chained(node: Node) -> tuple[dict[str, Call], bool]:
    """The methods called on a builder, directly and through the name it is given; and whether its end was seen."""
    found: dict[str, Call] = {}
    script, top = node.script, node
    while top.parent is not None and (top.parent.kind in {"member_expression", "call_expression"}):
        call = script.call(top.parent) if top.parent.kind == "call_expression" else None
        if call is not None and call.callee is not bare(top):
            break
        if call is not None:
            found[call.name] = call
        top = top.parent
    holder = top.parent
    if holder is not None and holder.kind == "variable_declarator":
        name = holder.field("name")
        bound = script.binding(name) if name is not None and name.kind == "identifier" else None
        for other in script.calls if bound is not None else ():
            if _base(other.callee) is not None and script.binding(_base(other.callee) or other.callee) is bound:
                found[other.name] = other
    return found, "sign" in found


def _base(callee: Node) -> Node | None:
    """The identifier at the bottom of a chain of calls and members."""
    node = callee
    while node.kind in ("member_expression", "call_expression"):
        inner = node.field("object") or node.field("function")
        if inner is None:
            return None
        node = bare(inner)
    return node if node.kind == "identifier" else None
