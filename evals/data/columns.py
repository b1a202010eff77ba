"""The columns of every table that is handed out: names, types, meanings. Datasets, data frames and docs follow from here.

Here: the promise. Not here: how a row is filled (`rows`), or how a table is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Shape: TypeAlias = "type[str] | type[int] | type[float] | type[bool] | list[Shape] | dict[str, Shape]"
"""Type of a value: `[str]` is a list of text, `{"quote": str}` a record. Any value may be null."""

WORDS = {str: "string", int: "int64", float: "float64", bool: "bool"}


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    shape: Shape
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table with a fixed list of columns."""

    name: str
    row: str
    """What one row is."""
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def spelled(shape: Shape) -> str:
    """A type in words.

    >>> spelled([{"quote": str, "line": int}])
    'list of {quote: string, line: int64}'
    """
    if isinstance(shape, list):
        return f"list of {spelled(shape[0])}"
    if isinstance(shape, dict):
        return "{" + ", ".join(f"{name}: {spelled(inner)}" for name, inner in shape.items()) + "}"
    return WORDS[shape]


def markdown(table: Table) -> str:
    """The columns as a Markdown table."""
    lines = [f"| `{one.name}` | {spelled(one.shape)} | {one.meaning} |" for one in table.columns]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *lines])


ABOUT = (
    Column("suite", str, "folder of the cases"),
    Column("persona", str, "name of the persona"),
    Column("revision", str, "revision of the persona"),
    Column("model", str, "model that answered, as the API named it, or that it is not stated"),
)
CRITERION = (
    Column("case", str, "id of the case"),
    Column("case_version", int, "version of the case"),
    Column("criterion", str, "id of the criterion, unique in its case"),
    Column("dimension", str, "one of the nine dimensions, such as `security`"),
    Column("sort", str, "`tripwire`, `depth` or `promise`"),
    Column("points", int, "1 to 10 for something good, -10 to -1 for a harm"),
    Column("must", bool, "whether its failing alone is a regression"),
)
COUNTS = (
    Column("scored", int, "answers that passed or failed"),
    Column("not_applicable", int, "answers to which it does not apply"),
    Column("unscored", int, "answers that no grader could decide"),
    Column("by_execution", int, "answers decided by running their code"),
    Column("by_rule", int, "answers decided by rules"),
    Column("by_judge", int, "answers decided by the judge"),
)

GRADES = Table(
    "grades",
    "what one grader decided of one criterion of one answer",
    (
        *ABOUT,
        *CRITERION,
        Column("repeat", int, "which of several answers to the same request, from 1"),
        Column("answer", str, "first 16 digits of the SHA-256 of the answer; joins with `answers`; empty without an answer"),
        Column("kind", str, "`execution`, `rule` or `judge`"),
        Column("grader", str, "ids of the attacks or rules, joined by `+`, or the judge's"),
        Column("grader_version", str, "grades of different versions do not compare"),
        Column("status", str, "`pass`, `fail`, `not_applicable` or `unscored`; a harm fails when it was done"),
        Column("prevails", bool, "whether this grade counts: the most trusted grader that could decide"),
        Column("advisory", bool, "whether it was decided by a judge that has no licence in the dimension"),
        Column("reason", str, "why, in the grader's words"),
        Column("evidence", [{"quote": str, "line": int}], "quotes with their line in the answer; no line: a transcript"),
        Column("votes", [str], "what each member of a panel of judges said; empty for everyone else"),
    ),
)  # fmt: skip
CRITERIA = Table(
    "criteria",
    "one criterion over all answers of a revision",
    (
        *ABOUT,
        *CRITERION,
        Column("repeats", int, "answers asked for"),
        Column("passes", int, "answers that passed"),
        Column("rate", float, "passes / scored, 0 to 1; null when nothing was scored"),
        *COUNTS,
        Column("executable", int, "answers on which attacks may decide"),
    ),
)
DIMENSIONS = Table(
    "dimensions",
    "the score of one dimension of a revision",
    (
        *ABOUT,
        Column("dimension", str, "one of the nine dimensions, such as `security`"),
        Column("score", float, "0 to 1, mean over cases of the mean over answers; null when nothing was scored"),
        Column("low", float, "lower end of the 95 % interval for these cases asked again"),
        Column("high", float, "upper end of it"),
        Column("without_promises", float, "score over tripwire and depth criteria alone"),
        Column("cases", int, "cases that have a score in it"),
        *COUNTS,
    ),
)
SCORECARDS = Table(
    "scorecards",
    "what a scorecard is about, and everything that its scores depend on",
    (
        *ABOUT,
        Column("persona_digest", str, "SHA-256 of the persona's text"),
        Column("judge", str, "model that judged"),
        Column("judge_context", str, "`alone`, `shared-by-answer`, or `not stated`"),
        Column("licensed", [str], "dimensions in which the judge may gate; elsewhere it is advisory"),
        Column("recording_set", str, "name of the recordings that were made together"),
        Column("isolation", str, "what the answers' code was kept from; null where that is not said"),
        Column("repeats", int, "answers to each case"),
        Column("case_versions", [{"case": str, "version": int, "digest": str}], "the cases, with the SHA-256 of their content"),
        Column("graders", [{"grader": str, "version": str}], "every grader that had a say"),
    ),
)  # fmt: skip
ANSWERS = Table(
    "answers",
    "one recorded answer, with what was asked and where it came from",
    (
        Column("suite", str, "folder of the cases"),
        Column("case", str, "id of the case"),
        Column("case_version", int, "version of the case"),
        Column("persona", str, "name of the persona"),
        Column("revision", str, "revision of the persona"),
        Column("repeat", int, "which of several answers to the same request, from 1"),
        Column("system", str, "the persona's text; null for an empty persona"),
        Column("messages", [{"role": str, "content": str}], "the conversation that was sent"),
        Column("text", str, "the answer as it came"),
        Column("answer", str, "first 16 digits of the SHA-256 of the answer; joins with `grades`"),
        Column("request", str, "SHA-256 of the request"),
        Column("model", str, "model as the API named it; null where the origin does not state it"),
        Column("stop_reason", str, "why the model stopped; null where not stated"),
        Column("input_tokens", int, "as the API counted; null where not stated"),
        Column("output_tokens", int, "as the API counted; null where not stated"),
        Column("cache_read_input_tokens", int, "as the API counted; null where not stated"),
        Column("cache_creation_input_tokens", int, "as the API counted; null where not stated"),
        Column("service_tier", str, "`batch` for an answer out of a batch, else null"),
        Column("provenance", str, "`api`, or `imported`: the importer declares how the answer was made"),
        Column("recording_set", str, "name of the recordings that were made together"),
        Column("request_id", str, "the API's own id; null for imports"),
        Column("declared", [{"topic": str, "statement": str}], "what the importer declared"),
    ),
)
CASES = Table(
    "cases",
    "one case, whole",
    (
        Column("suite", str, "folder of the cases"),
        Column("id", str, "id of the case"),
        Column("version", int, "raised with every change of content"),
        Column("family", str, "cases that are variants of one another share a family"),
        Column("title", str, "one line for people"),
        Column("message", str, "the user's message"),
        Column("attachments", [{"name": str, "text": str}], "files that the user sends along, in order"),
        Column("files", [str], "files that the answer must give complete"),
        Column("minimum", [{"dimension": str, "score": float}], "least score of each answer, where one is stated"),
        Column(
            "criteria",
            [
                {
                    "id": str,
                    "dimension": str,
                    "sort": str,
                    "points": int,
                    "must": bool,
                    "statement": str,
                    "guidance": str,
                    "covers": [str],
                    "graders": [
                        {"kind": str, "attacks": [str], "rules": [str], "text": str, "file": str, "veto": bool}
                    ],
                }
            ],
            "what an answer is graded by, as in [case-format.md](case-format.md); a grader has `attacks` (kind `execution`), `rules` or `text` (kind `rule`; `text` is the check as JSON), or none of them (kind `judge`)",
        ),
        Column("digest", str, "SHA-256 of the content"),
    ),
)
KINDS: dict[str, tuple[Table, ...]] = {
    "results": (GRADES, CRITERIA, DIMENSIONS, SCORECARDS),
    "answers": (ANSWERS,),
    "cases": (CASES,),
}
"""The tables of each kind of dataset; the first is what is loaded when none is named."""
