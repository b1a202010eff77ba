"""`evals scan`: every rule on Markdown or source files."""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.canonical import Json
from evals.commands import shared
from evals.commands.grade import read_answer_file
from evals.errors import InputError
from evals.nearest import unknown
from graders.answer import read_answer
from graders.rules.grading import Placed, scan, sources_of
from graders.rules.rule import Rule
from graders.rules.source import EXTENSIONS, Source
from graders.task import NO_TASK


def execute(args: argparse.Namespace) -> int:
    rules = _rules(args.rule)
    findings: list[tuple[str, Placed]] = []
    doubts: list[tuple[str, str]] = []
    for file in args.files:
        found, unclear = scan(_sources(file), rules)
        findings += [(file, placed) for placed in found]
        doubts += [(file, doubt) for doubt in unclear]
    errors: list[Json] = [{"file": file, "message": doubt} for file, doubt in doubts]
    if args.format == "sarif":
        from evals.report.sarif import sarif

        shared.put_json(sarif(findings, rules, doubts))
    elif args.format == "json":
        shared.put_json({"findings": [finding_json(file, placed) for file, placed in findings], "errors": errors})
    else:
        _show(findings, doubts)
    return 0


def _rules(wanted: list[str] | None) -> tuple[Rule, ...]:
    known = shared.registry().rules
    strange = [name for name in wanted or () if name not in known]
    if strange:
        raise InputError(*[unknown("rule", name, known) for name in strange])
    return tuple(known[name] for name in wanted) if wanted else tuple(known.values())


def _sources(file: str) -> tuple[Source, ...]:
    """A Markdown answer's proposed blocks, or a source file as one."""
    language = "markdown" if file == "-" else EXTENSIONS.get(Path(file).suffix.lower())
    if language is None:
        raise InputError(f"{file}: what language is this? Known endings: {', '.join(EXTENSIONS)}")
    text = read_answer_file(file)
    if language == "markdown":
        return sources_of(read_answer(text), NO_TASK)
    return (Source(text=text.replace("\r\n", "\n"), language=language, file=Path(file).name),)


def finding_json(file: str, placed: Placed) -> dict[str, Json]:
    rule = placed.rule
    return {
        "rule": rule.id,
        "dimension": rule.dimension.value,
        "severity": rule.severity.value,
        "cwe": rule.cwe,
        "file": file,
        "line": placed.line,
        "quote": placed.site.quote,
        "message": placed.site.message,
    }


def _show(findings: list[tuple[str, Placed]], doubts: list[tuple[str, str]]) -> None:
    from evals.report.safe import plain
    from evals.report.tables import table

    rows = [
        [
            plain(f"{file}:{p.line}"),
            p.rule.id,
            p.rule.severity.value,
            plain(p.site.message, 80),
            plain(p.site.quote, 60),
        ]
        for file, p in findings
    ]
    shared.put(table(rows, ["where", "rule", "severity", "what", "quote"]) if rows else "no findings")
    for file, doubt in doubts:
        shared.insist(plain(f"not looked at: {file}: {doubt}"))
