"""Whose money, whose data: where a handler takes the identity from on whose behalf it acts.

Here: handlers that change something for somebody. Not here: how tokens are checked (`py_jwt`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import Function, identifier, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Module
from graders.rules.python_words import snake, words
from graders.rules.rule import Rule, Severity

OWNER = re.compile(
    r"^(?:user_?id|customer_?id|owner_?id|payer_?id|sender_?id|from_?user(?:_?id)?|account_?id|from_?account(?:_?id)?|source_?account(?:_?id)?|"
    r"wallet_?id|from_?wallet(?:_?id)?)$"
)
PERSON = re.compile(r"^(?:user_?id|customer_?id|owner_?id|payer_?id|sender_?id|from_?user(?:_?id)?)$")
MONEY = re.compile(
    r"(?i)pay|charge|transfer|withdraw|order|refund|checkout|purchase|deposit|debit|invoice|wallet|subscri|booking|payout"
)
OTHERS = re.compile(
    r"(?i)webhook|admin|internal|register|sign_?up|login|callback|token|health|create_user|create_account|create_customer|service|notify|ipn"
)
AUTH = re.compile(
    r"(?i)current_?user|current_?customer|current_?account|get_jwt_identity|jwt_identity|get_current|auth(?:enticated|orized)?_?user|principal|claims|"
    r"\bg\.user|request\.user|request\.state\.user|token_?data|token_?payload|identity|caller|auth_?context|user_from_token|require_user|require_auth|verify_token|"
    r"verify_jwt|decode_token|jwt_required|login_required|token_required|auth_required|HTTPBearer|OAuth2|requires_auth|authenticate|Security\("
)
SERVICES = re.compile(r"(?i)api_?key|signature|hmac|internal|service_token|basic|require_service|scope|admin")


class IdentityFromBody(PythonRule):
    """A handler that moves money or writes for somebody takes who that is from the request's body. Whoever sends another
    number acts in another's name. Take the identity from the verified token or session, and check that what is named in the
    body belongs to it.
    """

    id = "py-identity-from-body"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 639
    BAD = (
        (
            'class PaymentRequest(BaseModel):\n    user_id: int\n    amount: int\n\n@app.post("/payments")\nasync def pay(body: PaymentRequest, db=Depends(get_db)):\n'
            "    payment = Payment(user_id=body.user_id, amount=body.amount)\n    db.add(payment)\n    db.commit()\n"
        ),
        (
            '@app.route("/transfer", methods=["POST"])\n@login_required\ndef transfer():\n    data = request.get_json()\n'
            '    debit(data["customer_id"], data["amount"])\n    return jsonify(ok=True)\n'
        ),
        (
            'class Order(BaseModel):\n    customer_id: str\n    amount: int\n\n@router.post("/orders")\nasync def order(order: Order, user: User = Depends(get_current_user)):\n'
            '    logger.info("order by %s", user.id)\n    return await place(order.customer_id, order.amount)\n'
        ),
    )
    GOOD = (
        '@app.post("/payments")\nasync def pay(body: PaymentRequest, user: User = Depends(get_current_user)):\n    return await place(user.id, body.amount)\n',
        (
            'class Order(BaseModel):\n    account_id: str\n    amount: int\n\n@router.post("/orders")\nasync def order(order: Order, user: User = Depends(get_current_user)):\n'
            "    account = await find(order.account_id)\n    if account.owner_id != user.id:\n        raise HTTPException(403)\n    return await place(account, order.amount)\n"
        ),
        'class Payment(BaseModel):\n    user_id: int\n\n@app.post("/webhooks/payments")\ndef paid(body: Payment):\n    mark(body.user_id)\n',
        '@app.get("/users/{user_id}")\ndef show(user_id: int):\n    return find(user_id)\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for function, methods in module.routes.items():
            if not {"post", "put", "patch", "delete"} & set(methods.split()) or module.in_test(function):
                continue
            if OTHERS.search(function.name) or any(OTHERS.search(text) for text in _routes(function)):
                continue
            verdict = _judged(module, function)
            if verdict is not None:
                yield verdict


def _routes(function: Function) -> list[str]:
    return [
        text for d in function.decorator_list for node in ast.walk(d) if (text := string(node)) and text.startswith("/")
    ]


def _judged(module: Module, function: Function) -> Judged | None:
    authenticated = _authenticated(module, function)
    taken = _from_body(module, function)
    caller = _uses_of_caller(module, function)
    if not taken:
        return (caller[0], "") if caller else None
    if caller or _guards(module, function):
        return (caller[0], "") if caller else None
    place, name = taken[0]
    if not authenticated and not (
        PERSON.match(snake(name)) and _moves_money(module, function) and not _other_auth(module, function)
    ):
        return None
    return (place, f"Whose `{name}` it is, the client says itself.")


def _around(module: Module, function: Function) -> str:
    """What stands in the function's signature and decorators, and guards the whole router."""
    parts = [ast.unparse(d) for d in function.decorator_list] + [ast.unparse(function.args)]
    parts += [
        ast.unparse(c.node)
        for c in module.calls
        if c.name in ("APIRouter", "FastAPI", "include_router") and c.keyword("dependencies") is not None
    ]
    return " ".join(parts)


def _authenticated(module: Module, function: Function) -> bool:
    return AUTH.search(_around(module, function)) is not None and not SERVICES.search(_around(module, function))


def _other_auth(module: Module, function: Function) -> bool:
    """Whether another service vouches for the caller, or something around the handlers authenticates."""
    if SERVICES.search(_around(module, function)) or SERVICES.search(
        " ".join(
            n.func.attr if isinstance(n.func, ast.Attribute) else identifier(n.func)
            for n in module.own(function)
            if isinstance(n, ast.Call)
        )
    ):
        return True
    return any(re.search(r"(?i)auth\w*middleware|before_request|authenticat", name) for name in module.identifiers)


def _moves_money(module: Module, function: Function) -> bool:
    texts = [function.name, *_routes(function)]
    return any(MONEY.search(text) for text in texts) or any("amount" in words(n) for n in _names(module, function))


def _names(module: Module, function: Function) -> list[str]:
    return [
        identifier(node) for node in module.own(function) if isinstance(node, ast.Attribute | ast.Name | ast.Subscript)
    ]


def _from_body(module: Module, function: Function) -> list[tuple[ast.AST, str]]:
    """Uses of an owner's id that the body gives, log lines left out."""
    bodies = _bodies(module, function)
    found: list[tuple[ast.AST, str]] = []
    for node in module.own(function):
        root: ast.expr | None = None
        match node:
            case ast.Attribute(ctx=ast.Load()) | ast.Subscript(ctx=ast.Load()):
                root = node.value
            case ast.Call(func=ast.Attribute(attr="get", value=inner)):
                root = inner
        if root is None or not OWNER.match(snake(identifier(node))):
            continue
        if _is_body(module, root, bodies) and not _in_log(module, node):
            found.append((node, identifier(node)))
    return found


def _bodies(module: Module, function: Function) -> frozenset[str]:
    """Parameters that are the request's body."""
    found = set()
    for item in (*function.args.args, *function.args.kwonlyargs):
        if item.annotation is None:
            continue
        kind = module.annotation(item.annotation)
        owner = module.classes.get(last(kind))
        model = owner is not None and any(re.search(r"Model|Schema", last(module.path(base))) for base in owner.bases)
        if model or (
            last(kind)[:1].isupper()
            and re.search(r"(?:Request|Create|In|Body|Payload|Schema|Input|DTO|Command)$", kind)
            and kind not in ("Request", "fastapi.Request")
        ):
            found.add(item.arg)
    return frozenset(found)


def _is_body(module: Module, root: ast.expr, bodies: frozenset[str]) -> bool:
    if isinstance(root, ast.Name) and root.id in bodies:
        return True
    value = module.resolved(root)
    value = value.value if isinstance(value, ast.Await) else value
    text = ast.unparse(value) if len(ast.dump(value)) < 500 else ""
    return (
        re.match(
            r"^(?:flask\.)?request\.(?:json|get_json\(.*\)|json\(\)|form|data|POST)$|^json\.loads\(request\.(?:body|data|get_data\(\))\)$",
            text,
        )
        is not None
    )


def _in_log(module: Module, node: ast.AST) -> bool:
    return any(
        isinstance(above, ast.Call) and re.search(r"(?i)log\w*\.|print|bind", ast.unparse(above.func)[:60])
        for above in module.ancestors(node)
        if not isinstance(above, ast.stmt)
    )


def _uses_of_caller(module: Module, function: Function) -> list[ast.AST]:
    """Where the function works with the identity that was authenticated, log lines left out."""
    parameters = {
        item.arg
        for item in (*function.args.args, *function.args.kwonlyargs)
        if AUTH.search(item.arg) or _depends_on_auth(module, function, item)
    }
    found: list[ast.AST] = []
    for node in module.own(function):
        direct = isinstance(node, ast.Name) and node.id in parameters
        known = isinstance(node, ast.Name | ast.Attribute | ast.Call) and re.match(
            r"^(?:current_user\b|flask_login\.current_user\b|g\.(?:user|user_id|current_user)\b|request\.user\b|request\.state\.user|get_jwt_identity\(|self\.request\.user\b)",
            ast.unparse(node)[:60],
        )
        if (direct or known) and not _in_log(module, node) and not isinstance(getattr(node, "ctx", None), ast.Store):
            found.append(node)
    return found


def _depends_on_auth(module: Module, function: Function, item: ast.arg) -> bool:
    defaults = dict(zip([a.arg for a in function.args.args][::-1], function.args.defaults[::-1], strict=False))
    defaults |= {
        a.arg: d for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if d is not None
    }
    text = (ast.unparse(item.annotation) if item.annotation is not None else "") + (
        ast.unparse(defaults[item.arg]) if item.arg in defaults else ""
    )
    return re.search(r"Depends|Security|CurrentUser|AuthUser", text) is not None and AUTH.search(text) is not None


def _guards(module: Module, function: Function) -> bool:
    """Whether a function that sounds like a check of ownership or permission is called."""
    return any(
        re.search(r"(?i)authori|permission|owner|ensure_|require_|assert_|check_access|can_access|verify_", call.name)
        for call in module.calls_in(module.own(function))
    )


RULES_PY_IDENTITY: tuple[Rule, ...] = (IdentityFromBody(),)
