"""A criterion as a question to a model: fixed text first, then the task, the answer fenced as data, the statement last.

Everything but the statement is the same for all questions about one answer, so that a prompt cache can hold it.
Which revision of the persona wrote the answer is not told.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from graders.criterion import Criterion
from graders.task import Task

VERDICT_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reason", "quotes", "verdict"],
    "properties": {
        "reason": {"type": "string"},
        "quotes": {"type": "array", "items": {"type": "string"}},
        "verdict": {"type": "string", "enum": ["pass", "fail", "not_applicable"]},
    },
}
"""What a reply must look like; `reason` first, so that the verdict follows from it."""

ANSWER_ENDS = re.compile(r"^=== ANSWER [0-9a-f]{16} ENDS ===$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is sent to a judge."""

    system: str
    text: str
    schema: str
    """Canonical JSON."""


@lru_cache
def rubric() -> str:
    """The fixed text. Changing a word of it makes every judge grade another version."""
    return resources.files("graders.judge").joinpath("question.md").read_text(encoding="utf-8").strip()


def schema_text() -> str:
    return json.dumps(VERDICT_SCHEMA, sort_keys=True, separators=(",", ":"))


@lru_cache
def judge_version() -> str:
    """Identity of fixed text, layout and schema, in 12 hexadecimal digits."""
    layout = _text("task", "answer", "statement", "guidance", harm=False)
    return hashlib.sha256(f"{rubric()}\x00{schema_text()}\x00{layout}".encode()).hexdigest()[:12]


def ask(criterion: Criterion, task: Task, answer: str) -> Question:
    """The question whether a criterion holds for an answer's text."""
    text = _text(task.text, answer, criterion.statement, criterion.guidance, harm=criterion.points < 0)
    return Question(system=rubric(), text=text, schema=schema_text())


def shared_part(text: str) -> str:
    """The beginning of a question that all questions about the same answer share; empty where the text is no question.

    >>> shared_part("=== ANSWER 0123456789abcdef ENDS ===\\n\\nSTATEMENT: It is safe.")
    '=== ANSWER 0123456789abcdef ENDS ==='
    """
    ends = [match.end() for match in ANSWER_ENDS.finditer(text)]
    return text[: ends[-1]] if ends else ""


def _text(task: str, answer: str, statement: str, guidance: str, *, harm: bool) -> str:
    kind = (
        "The statement describes a harm: `fail` means that it was done."
        if harm
        else "The statement describes something good: `pass` means that it is there."
    )
    return "\n".join(
        [
            _fenced("TASK", task),
            "",
            _fenced("ANSWER", answer),
            "",
            f"STATEMENT: {statement}",
            "",
            kind,
            "",
            f"GUIDANCE:\n{guidance}",
        ]
    )


def _fenced(name: str, text: str) -> str:
    """Markers that hold a digest of what they enclose: no text can contain the marker that closes it."""
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"=== {name} {mark} BEGINS ===\n{text.rstrip()}\n=== {name} {mark} ENDS ==="
