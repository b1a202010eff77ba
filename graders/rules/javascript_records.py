"""Records of users as they come from a store: whole ones, with everything that stands in the table, or chosen columns.

Here: telling the two apart. Not here: what may be done with a whole record (`js_jwt_claims`, `js_web`).
"""

from __future__ import annotations

import re

from graders.rules.javascript_node import FUNCTIONS, Call, Node, bare, dotted, function_of, member_name
from graders.rules.javascript_options import options, resolved
from graders.rules.javascript_tree import Script
from graders.rules.javascript_values import constant, function_name, words

PEOPLE = r"(?:users?|accounts?|members?|customers?|admins?|employees?|people|persons?)"
FINDERS = re.compile(
    r"^(?:find\w*|get\w*|list\w*|fetch\w*|load\w*|all|first|one\w*|create|insert|save|update|upsert|query|execute"
    r"|select|many|any|findAll|queryOne|run)$"
)
NARROWS = frozenset(
    {
        "select",
        "project",
        "omit",
        "pick",
        "pluck",
        "map",
        "columns",
        "returning",
        "reduce",
        "attributes",
        "toPublic",
        "serialize",
        "toDTO",
        "transform",
    }
)
NARROWING_KEYS = frozenset({"select", "attributes", "projection", "omit", "columns", "fields"})
PASSWORD = re.compile(r"(?:^|_)(?:password|passwd|pwd)(?:_?hash(?:ed)?)?$|^(?:hashed_password|pass_hash)$")
HIDES = re.compile(r"^-password|^-passwd|^-hash|^password_?hash$", re.IGNORECASE)


def is_full_user(node: Node, depth: int = 8) -> bool:
    """Whether an expression is a user's record, or a list of them, with all its columns."""
    if depth <= 0:
        return False
    value = bare(node)
    if value.kind in ("identifier", "shorthand_property_identifier"):
        return _full_by_name(value, depth)
    if value.kind in ("member_expression", "subscript_expression"):
        owner = value.field("object")
        taken = member_name(value) or "0"
        return owner is not None and taken in ("rows", "0", "user", "users", "data") and is_full_user(owner, depth - 1)
    if value.kind == "call_expression":
        call = value.script.call(value)
        return call is not None and _full_by_call(call, depth)
    return False


def _full_by_name(node: Node, depth: int) -> bool:
    bound = node.script.binding(node)
    if bound is None or bound.value is None or bound.how not in ("const", "let", "var"):
        later = bound.later if bound is not None and bound.how in ("let", "var") else []
        return any(is_full_user(value, depth - 1) for value in later)
    if bound.key is not None and not re.fullmatch(r"rows(?:\.\d)?|\d(?:\.\d)?|users?|data", bound.key):
        return False
    if f"{node.text}.password" in node.script.assigned or strips_password(node):
        return False
    value = resolved(bound.value)
    if value.kind == "array":
        return any(_has_password(item) for item in value.children)
    return is_full_user(bound.value, depth - 1)


def strips_password(node: Node) -> bool:
    """Whether the function takes the password out: `delete user.passwordHash`."""
    return any(
        unary.text.startswith(f"delete {node.text}.") and PASSWORD.search(words(unary.text.rsplit(".", 1)[-1]))
        for unary in function_of(node).find("unary_expression")
    )


def _has_password(item: Node) -> bool:
    known = options(item) if item.kind == "object" else None
    return known is not None and any(PASSWORD.search(words(key)) for key in known.keys)


def _full_by_call(call: Call, depth: int) -> bool:
    chain = _chain(call)
    names = {each.name for each in chain}
    if call.name in ("toObject", "toJSON", "get") and call.receiver is not None and not call.args:
        return is_full_user(call.receiver, depth - 1)
    if names & NARROWS or any(_narrowed(each) for each in chain):
        return False
    statements = [text for each in chain if (text := _sql(each)) is not None]
    if statements:
        return any(_whole_row(text) for text in statements)
    local = _local(call)
    if local is not None:
        return any(is_full_user(end, depth - 1) for end in returned(local))
    return any(FINDERS.match(each.name) for each in chain) and _about_people(chain)


def _chain(call: Call) -> list[Call]:
    """A call and the calls that its receiver is made of: `db('users').where(…).first()`."""
    found = [call]
    node = call.receiver
    while node is not None and len(found) < 12:
        node = bare(node)
        if node.kind == "call_expression":
            inner = node.script.call(node)
            if inner is None:
                break
            found.append(inner)
            node = inner.receiver
        else:
            node = node.field("object") if node.kind == "member_expression" else None
    return found


def _narrowed(call: Call) -> bool:
    for arg in call.args:
        known = options(arg)
        if known is not None and NARROWING_KEYS & known.keys.keys():
            return True
    texts = [constant(arg) or "" for arg in call.args]
    return (
        len(call.args) > 1
        and not call.name.startswith(("query", "execute"))
        and any(HIDES.search(text) for text in texts)
    )


def _sql(call: Call) -> str | None:
    text = constant(call.args[0]) if call.args else None
    if text is None and call.args:
        known = options(call.args[0])
        text = constant(known.keys.get("text") or known.keys.get("sql")) if known is not None else None
    return (
        text
        if text is not None and re.match(r"\s*(?:select|insert|update|delete|with)\b", text, re.IGNORECASE)
        else None
    )


def _whole_row(text: str) -> bool:
    """Whether a statement on a table of people gives all columns, or the password's."""
    if not re.search(rf"\b(?:from|into|update)\s+[\w\".`]*\b{PEOPLE}\b", text, re.IGNORECASE):
        return False
    given = re.search(r"\breturning\b(.*)$", text, re.IGNORECASE | re.DOTALL) or re.match(
        r"\s*select\b(.*?)\bfrom\b", text, re.IGNORECASE | re.DOTALL
    )
    return given is not None and bool(
        re.search(r"(?:^|[\s,.])\*|\b(?:password\w*|passwd|pwd)\b", given[1], re.IGNORECASE)
    )


def _about_people(chain: list[Call]) -> bool:
    last = chain[-1]
    written = words(last.path.rsplit(".", 1)[0] if "." in last.path else "")
    tables = [constant(each.args[0]) or "" for each in chain if each.args]
    own = re.search(rf"(?:^|_){PEOPLE}(?:_|$)", written) or any(re.fullmatch(PEOPLE, table) for table in tables)
    return bool(own) and not re.search(r"(?:req|request|ctx|session|cache|redis|token)_", written + "_")


def _local(call: Call) -> Node | None:
    """The function of this source that a plain call leads to."""
    if call.callee.kind != "identifier":
        return None
    bound = call.node.script.binding(call.callee)
    value = bound.value if bound is not None and bound.key is None else None
    return value if value is not None and value.kind in FUNCTIONS else None


def returned(function: Node) -> list[Node]:
    """What a function returns."""
    body = function.field("body")
    if body is not None and body.kind != "statement_block":
        return [body]
    own = [node for node in function.find("return_statement") if function_of(node) is function]
    return [node.children[0] for node in own if node.children]


def named_for_people(call: Call) -> bool:
    """Whether a call's own name says that it gives records of people: `listUsers()`, `store.getUserById(id)`."""
    return bool(
        re.match(
            rf"(?:list|get|find|fetch|load|create|register|add|save|insert|update)_(?:all_)?{PEOPLE}(?:_by_\w+)?$",
            words(call.name),
        )
    )


def keeps_passwords(read: Script) -> bool:
    """Whether this source shows that records have a password column: it reads or writes one, other than a request's."""
    for member in read.kinds("member_expression"):
        if PASSWORD.search(words(member_name(member))):
            owner = dotted(member).rsplit(".", 1)[0]
            if not re.search(
                r"(?:^|\.)(?:body|data|input|value|values|form|query|params|env|config|credentials|args|dto|payload)$",
                owner,
            ):
                return True
    if any(_names_password_column(text.text) for text in read.kinds("string", "template_string")):
        return True
    return any(
        PASSWORD.search(words(pair.children[0].text.strip("'\""))) for pair in read.kinds("pair") if pair.children
    )


def _names_password_column(text: str) -> bool:
    return bool(
        re.match(
            r"\W*(?:select|insert|update|create)\b.*\b(?:password|passwd|pwd)(?:_hash)?\b",
            text,
            re.IGNORECASE | re.DOTALL,
        )
    )


def hides_passwords(read: Script) -> bool:
    """Whether a model of this source leaves the password out when it is turned into JSON or read."""
    for pair in read.kinds("pair", "method_definition", "public_field_definition", "field_definition"):
        name = (
            function_name(pair)
            if pair.kind == "method_definition"
            else pair.children[0].text.strip("'\"")
            if pair.children
            else ""
        )
        if name in ("toJSON", "defaultScope", "omit", "hidden") or pair.text.replace(" ", "") == "select:false":
            return True
    return any(each.text.startswith("@Exclude") for each in read.kinds("decorator")) or any(
        "toJSON" in path for path in read.assigned
    )
