"""SQL rule on SQL that a function builds and executes, with the little data flow that it needs.

Here: which text reaches EXECUTE. Not here: SQL built by programs in other languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.source import ToolError
from graders.rules.sql_cursor import Cursor, parts
from graders.rules.sql_lexer import Token, Tokens
from graders.rules.sql_tree import Body, Judged, Script, SqlRule

HARMLESS = frozenset(
    {
        "bigint",
        "integer",
        "int",
        "int4",
        "int8",
        "smallint",
        "numeric",
        "decimal",
        "uuid",
        "boolean",
        "bool",
        "date",
        "timestamptz",
        "timestamp",
        "interval",
        "regclass",
        "regtype",
        "regproc",
        "regrole",
        "real",
        "float8",
        "oid",
    }
)
"""Types whose text cannot carry SQL."""

Assignment = tuple[str, Tokens]
"""A variable, and the expression that it gets."""


class DynamicExecute(SqlRule):
    """A function executes SQL that it builds from the text of a parameter.

    Whoever calls it runs any SQL with the function's rights. Pass values with USING, and names through format's %I or
    quote_ident.
    """

    id = "sql-dynamic-execute"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 89
    BAD = (
        (
            "CREATE FUNCTION f(p_filter text) RETURNS SETOF orders LANGUAGE plpgsql AS $$\n"
            "BEGIN\n"
            "  RETURN QUERY EXECUTE 'SELECT * FROM orders WHERE ' || p_filter;\n"
            "END $$;"
        ),
        (
            "CREATE FUNCTION f(t text, v text) RETURNS void AS $$\n"
            "DECLARE q text;\n"
            "BEGIN\n"
            "  q := format('DELETE FROM %I WHERE name = ''%s''', t, v);\n"
            "  EXECUTE q;\n"
            "END $$ LANGUAGE plpgsql;"
        ),
        "CREATE FUNCTION f(text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE concat(''DROP TABLE '', $1); END';",
    )
    GOOD = (
        (
            "CREATE FUNCTION f(t text, v text) RETURNS void LANGUAGE plpgsql AS $$\n"
            "BEGIN\n"
            "  EXECUTE format('DELETE FROM %I WHERE name = $1', t) USING v; -- 'x' || v\n"
            "END $$;"
        ),
        (
            "CREATE FUNCTION f(t regclass, v text) RETURNS void LANGUAGE plpgsql AS $$\n"
            "BEGIN\n"
            "  EXECUTE 'DELETE FROM ' || t || ' WHERE name = ' || quote_literal(v);\n"
            "END $$;"
        ),
        (
            "CREATE FUNCTION f(d text) RETURNS void LANGUAGE plpgsql AS $$\n"
            "DECLARE o text := CASE WHEN d = 'desc' THEN 'DESC' ELSE 'ASC' END;\n"
            "BEGIN\n"
            "  EXECUTE 'SELECT * FROM t ORDER BY id ' || o;\n"
            "END $$;"
        ),
        "CREATE TRIGGER t BEFORE UPDATE ON o FOR EACH ROW EXECUTE FUNCTION f();",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        try:
            for body in found.bodies:
                if body.language == "plpgsql":
                    yield from _executes(body)
        except RecursionError:
            raise ToolError("an expression is nested too deeply to be followed") from None


def _executes(body: Body) -> Iterator[Judged]:
    assigned = tuple(_assignments(body.tokens))
    tainted = _tainted(body, assigned)
    for at, token in enumerate(body.tokens):
        command = _until(body.tokens[at + 1 :], "into", "using", "loop", "strict") if token.word("execute") else ()
        if not command or command[0].word("function", "procedure", "on"):
            continue
        carried = _carried(command, tainted)
        if carried:
            yield token.line, f"the text of {carried} becomes SQL"
        elif _sound(command) or _soundly_assigned(command, assigned):
            yield token.line, ""


def _sound(command: Tokens) -> bool:
    """Whether an untainted expression is made of literals and quoted parts only."""
    return all(_sound_part(piece) for piece in _operands(command))


def _soundly_assigned(command: Tokens, assigned: tuple[Assignment, ...]) -> bool:
    """Whether it is a variable that only ever gets sound expressions."""
    values = [value for name, value in assigned if len(command) == 1 and command[0].names and name == command[0].value]
    return bool(values) and all(_sound(value) for value in values)


def _operands(tokens: Tokens) -> list[Tokens]:
    """The operands of `||`."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.symbol("(") - token.symbol(")")
        if token.symbol("||") and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [tuple(piece) for piece in pieces]


def _sound_part(tokens: Tokens) -> bool:
    if len(tokens) == 1:
        return tokens[0].kind in {"string", "number"}
    return bool(tokens) and tokens[0].names and (tokens[0].value.startswith("quote_") or tokens[0].value == "format")


def _assignments(tokens: Tokens) -> Iterator[Assignment]:
    """Every assignment and every declaration with a value."""
    begin = 0
    for at, token in enumerate(tokens):
        if token.symbol(";") or token.word("begin", "then", "else", "loop", "declare"):
            begin = at + 1
        elif token.symbol(":=") or (token.symbol("=") and at == begin + 1) or (token.word("default") and at > begin):
            yield tokens[begin].value, _until(tokens[at + 1 :])


def _tainted(body: Body, assigned: tuple[Assignment, ...]) -> frozenset[str]:
    """Names in the body that carry a parameter's text, unless that is looked up in a list of allowed values."""
    tainted = set(_parameters(body.head))
    for at, token in enumerate(body.tokens):
        if token.value in tainted and _compared(Cursor(body.tokens, at + 1)):
            tainted.discard(token.value)
    for _round in range(3):
        tainted |= {name for name, value in assigned if _carried(value, frozenset(tainted))}
    return frozenset(tainted)


def _compared(cursor: Cursor) -> bool:
    """Whether what was just read is looked up in a list of values."""
    if cursor.token is not None and cursor.token.text in {"<>", "!=", "="}:
        cursor.next()
        return cursor.any("all", "any")
    return cursor.any("not in", "in")


def _parameters(head: Tokens) -> Iterator[str]:
    """Names and positions of the parameters whose type can carry SQL."""
    at = next((at for at, token in enumerate(head) if token.symbol("(")), None)
    if at is None or head[0].word("do"):
        return
    position = 0
    for parameter in parts(Cursor(head, at).group()):
        words = [token for token in parameter if token.names]
        mode = words[0].value if words and words[0].word("in", "out", "inout", "variadic") else ""
        words = words[1:] if mode else words
        if mode == "out" or not words:
            continue
        position += 1
        kind = words[1] if len(words) > 1 and not words[1].word("default", "varying") else words[0]
        if kind.value not in HARMLESS:
            yield f"${position}"
            if kind is not words[0]:
                yield words[0].value


def _until(tokens: Tokens, *words: str) -> Tokens:
    """The expression up to its statement's end or one of these words."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += token.symbol("(") - token.symbol(")")
        if token.symbol(";") or depth < 0 or (depth == 0 and token.word(*words)):
            return tokens[:at]
    return tokens


def _carried(tokens: Tokens, tainted: frozenset[str]) -> str:
    """The first tainted name whose text reaches the value of this expression unquoted; empty when there is none."""
    cursor = Cursor(tokens)
    while (token := cursor.next()) is not None:
        if token.word("case", "when"):
            while cursor.token is not None and not cursor.sees("then"):
                cursor.next()
        elif token.names and token.value.startswith("quote_") and cursor.token is not None:
            cursor.group()
        elif token.word("format"):
            carried = _formatted(cursor.group(), tainted)
            if carried:
                return carried
        elif token.value in tainted and token.kind in {"word", "quoted", "parameter"} and not _harmless(cursor):
            return token.value
    return ""


def _harmless(cursor: Cursor) -> bool:
    """Whether the name just read is cast to a type that cannot carry SQL, or names a function."""
    if cursor.token is None:
        return False
    if cursor.token.symbol("::"):
        cursor.next()
        return cursor.token is not None and cursor.token.value in HARMLESS
    return cursor.token.symbol("(")


def _formatted(tokens: Tokens, tainted: frozenset[str]) -> str:
    """The tainted name that a call of format puts in with %s."""
    arguments = parts(tokens)
    if not arguments:
        return ""
    template = "".join(token.value for token in arguments[0] if token.kind == "string")
    taken = 0
    for place, kind in re.findall(r"%(?:(\d+)\$)?-?\d*([sIL%])", template):
        if kind == "%":
            continue
        taken = int(place) if place else taken + 1
        if kind == "s" and taken < len(arguments) and (carried := _carried(arguments[taken], tainted)):
            return carried
    return _carried(arguments[0], tainted)


RULES_SQL_DYNAMIC: tuple[Rule, ...] = (DynamicExecute(),)
