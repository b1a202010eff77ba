"""SQL rules on who may do what: grants, functions with their owner's rights."""

from __future__ import annotations

from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.sql_cursor import Cursor, flat, phrase
from graders.rules.sql_lexer import Tokens
from graders.rules.sql_tree import Judged, Script, SqlRule, Step


class GrantToPublic(SqlRule):
    """Rights on data are granted to PUBLIC.

    Every role, present and future, then reads or writes it, a leaked reporting login included. Grant to the one role
    that needs it, and no more than it needs.
    """

    id = "sql-grant-to-public"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 732
    BAD = (
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO admin, public;",
        "DO $$ BEGIN\n  EXECUTE 'GRANT SELECT ON orders TO PUBLIC';\nEND $$;",
    )
    GOOD = (
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;\nGRANT SELECT, INSERT ON orders TO shop_app;",
        "GRANT USAGE ON SCHEMA public TO PUBLIC; -- GRANT ALL ON t TO PUBLIC",
        "SELECT 'GRANT ALL ON t TO PUBLIC';",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for step in found.run:
            outer = tuple(flat(step.tokens))
            if step.starts("revoke") or (step.starts("alter default privileges") and phrase(outer, "revoke")):
                if any(token.word("public") for token in _after(outer, "from")):
                    yield step.line, ""
            elif step.starts("grant") or (step.starts("alter default privileges") and phrase(outer, "grant")):
                if (
                    phrase(outer, "on schema")
                    or phrase(outer, "on type")
                    or phrase(outer, "on database")
                    or phrase(outer, "on language")
                ):
                    continue
                public = any(token.word("public") for token in _after(outer, "to"))
                yield step.line, "every role is granted this" if public else ""


def _after(tokens: Tokens, word: str) -> Tokens:
    """What follows the last such key word."""
    at = max((at for at, token in enumerate(tokens) if token.word(word)), default=len(tokens))
    return tokens[at + 1 :]


class SecurityDefinerSearchPath(SqlRule):
    """A SECURITY DEFINER function does not fix its search_path.

    A caller puts an object of the same name first in the path, and the function runs it with its owner's rights.
    Add SET search_path to the function.
    """

    id = "sql-security-definer-search-path"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 426
    BAD = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$;",
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS void AS $$ BEGIN SET search_path = pg_catalog; END $$ "
            "LANGUAGE plpgsql SECURITY DEFINER;"
        ),
    )
    GOOD = (
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp "
            "AS $$ SELECT 1 $$;"
        ),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$;\n"
            "ALTER FUNCTION f() SET search_path TO '';"
        ),
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT 1 $$; -- SECURITY DEFINER",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        fixed = {
            _routine(step) for step in found.run if step.starts("alter") and phrase(step.tokens, "set search_path")
        }
        for step in found.run:
            name = _routine(step)
            if name and phrase(step.tokens, "security definer"):
                sound = phrase(step.tokens, "set search_path") or name in fixed
                yield step.line, "" if sound else f"{name} runs with its owner's rights and its caller's search_path"


def _routine(step: Step) -> str:
    """Name of the function or procedure that the statement creates or changes; empty for any other statement."""
    cursor = Cursor(step.tokens)
    cursor.any("create or replace", "create", "alter")
    return cursor.name() if cursor.at and cursor.any("function", "procedure", "routine") else ""


RULES_SQL_PRIVILEGES: tuple[Rule, ...] = (GrantToPublic(), SecurityDefinerSearchPath())
