"""What rules decide of a criterion: a bad site fails it, a good site passes it, silence decides nothing.

Here: from sites to a grade. Not here: any defect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graders.answer import READER_VERSION, Answer, Role
from graders.criterion import Criterion, Evidence, Grade, GraderRef, Kind, Status
from graders.rules.rule import Rule, Site
from graders.rules.source import Source, ToolError, run_tools
from graders.task import Task

MAX_EVIDENCE = 3


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A site and where it stands in the whole answer."""

    rule: Rule
    source: Source
    site: Site

    @property
    def line(self) -> int:
        return self.source.line + self.site.line - 1


def sources_of(answer: Answer, task: Task) -> tuple[Source, ...]:
    """What rules look at in an answer: the blocks it proposes or may propose, and the answer as a whole."""
    blocks = tuple(
        Source(
            text=block.text,
            language=block.language,
            file=block.file,
            line=block.line,
            role=block.role,
            elided=block.elided or block.truncated,
        )
        for block in answer.blocks
        if block.language is not None and block.role is not Role.QUOTED and not block.alternative
    )
    return (Source(text=answer.text, language="markdown", answer=answer, task=task), *blocks)


def tools_of(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset(tool for rule in rules for tool in rule.tools)


def grade_rules(
    criteria: Sequence[Criterion], answer: Answer, task: Task, rules: Mapping[str, Rule]
) -> Iterator[Grade]:
    """One grade for each criterion that lists rules, in order."""
    wanted = [(criterion, ref) for criterion in criteria for ref in criterion.graders if ref.rules]
    sources = sources_of(answer, task)
    run_tools(sources, tools_of(rules[name] for _, ref in wanted for name in ref.rules))
    for criterion, ref in wanted:
        yield _grade(criterion, ref, sources, tuple(rules[name] for name in ref.rules))


def _grade(criterion: Criterion, ref: GraderRef, sources: Sequence[Source], rules: Sequence[Rule]) -> Grade:
    looked_at = [
        source for source in sources if ref.file is None or source.file == ref.file or source.language == "markdown"
    ]
    good: list[Placed] = []
    bad: list[Placed] = []
    doubts: list[str] = []
    for rule in rules:
        for source in looked_at:
            if source.language in rule.languages:
                _judge(rule, source, good, bad, doubts)
    return _decided(criterion, ref, rules, good, bad, doubts)


def _judge(rule: Rule, source: Source, good: list[Placed], bad: list[Placed], doubts: list[str]) -> None:
    """Sort one rule's sites in one source. A source with code left out proves nothing good."""
    try:
        sites = list(rule.check(source))
    except ToolError as error:
        doubts.append(str(error))
        return
    except Exception as error:
        if type(rule).__module__.startswith("graders."):
            raise
        doubts.append(f"rule {rule.id} failed: {type(error).__name__}: {error}"[:300])
        return
    if source.elided and source.language != "markdown":
        doubts.append(f"code is left out at line {source.line}")
    for site in sites:
        (good if site.ok else bad).append(Placed(rule=rule, source=source, site=site))


def _decided(
    criterion: Criterion,
    ref: GraderRef,
    rules: Sequence[Rule],
    good: list[Placed],
    bad: list[Placed],
    doubts: list[str],
) -> Grade:
    clear = [placed for placed in bad if placed.source.role is Role.PROPOSED]
    if clear:
        return _grade_of(criterion, rules, Status.FAIL, clear, clear[0].site.message)
    if bad:
        return _grade_of(
            criterion, rules, Status.UNSCORED, bad, "a defect stands in code that the answer may only be quoting"
        )
    if doubts:
        return _grade_of(criterion, rules, Status.UNSCORED, [], doubts[0])
    if not good:
        return _grade_of(criterion, rules, Status.UNSCORED, [], "the answer has no place that these rules judge")
    if ref.veto:
        return _grade_of(
            criterion, rules, Status.UNSCORED, good, "nothing against it was found; these rules cannot prove it"
        )
    return _grade_of(criterion, rules, Status.PASS, good, f"{len(good)} places, all sound")


def _grade_of(
    criterion: Criterion, rules: Sequence[Rule], status: Status, places: Sequence[Placed], reason: str
) -> Grade:
    ordered = sorted(places, key=lambda placed: (placed.line, placed.rule.id))
    evidence = tuple(dict.fromkeys(Evidence(quote=placed.site.quote, line=placed.line) for placed in ordered))[
        :MAX_EVIDENCE
    ]
    return Grade(
        criterion=criterion.id,
        status=status,
        kind=Kind.RULE,
        grader="+".join(rule.id for rule in rules),
        version=rules_version(tuple(rules)),
        evidence=evidence,
        reason=reason,
    )


@lru_cache
def rules_version(rules: tuple[Rule, ...]) -> str:
    """Versions of the reader, the rules and their tools; grades of another version are other grades."""
    from importlib.metadata import version

    names = {"ruff": "ruff", "squawk": "squawk-cli"}
    tools = [f"{tool}-{version(names[tool])}" for tool in sorted(tools_of(rules))]
    return "/".join([f"reader-{READER_VERSION}", "+".join(str(rule.version) for rule in rules), *tools])


def scan(sources: Sequence[Source], rules: Sequence[Rule]) -> tuple[list[Placed], list[str]]:
    """The bad sites of all rules in the given sources, in order, and what could not be looked at."""
    run_tools(sources, tools_of(rules))
    bad: list[Placed] = []
    doubts: list[str] = []
    for source in sources:
        for rule in rules:
            if source.language in rule.languages:
                said: list[str] = []
                _judge(rule, source, [], bad, said)
                doubts += [
                    f"line {source.line}: {rule.id}: {text}" for text in said if not text.startswith("code is left out")
                ]
    return sorted(bad, key=lambda placed: (placed.source.file or "", placed.line, placed.rule.id)), list(
        dict.fromkeys(doubts)
    )
