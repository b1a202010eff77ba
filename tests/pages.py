"""Comparisons of made-up scorecards, for tests of what is drawn from them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from evals.case import Case, Suite
from evals.compare import compare
from evals.comparison import Comparison
from evals.context import SIDES, Context, SideName
from evals.instructions import Instruction, Instructions
from evals.persona import Persona
from evals.scorecard import CriterionLine, DimensionLine, GradeLine, Header, Scorecard
from graders.criterion import TRUST, Criterion, Dimension, Evidence, Grade, GraderRef, Kind, Sort, Status

DIMENSIONS = (Dimension.SECURITY, Dimension.TRANSACTIONALITY, Dimension.ERROR_HANDLING, Dimension.OPERATIONS)
LINES = (
    "Here is the route, with what it takes care of.",
    "```python app.py",
    "def login(db, name):",
    '    row = db.execute("SELECT * FROM users WHERE name = %s", (name,))',
    "    if row is None:",
    "        raise LookupError(name)",
    "    return row",
    "```",
    "Values reach the database as parameters only.",
)


@dataclass(frozen=True, kw_only=True)
class World:
    """What to make a comparison of."""

    cases: int = 3
    criteria: int = 6
    repeats: int = 5
    shared_ids: bool = False
    """Whether all cases have the same criteria."""
    lines: int = 1
    """How often the answer's text is repeated."""
    licensed: tuple[Dimension, ...] = ()
    seed: int = 7


def criterion(number: int, case: int, world: World) -> Criterion:
    prefix = "" if world.shared_ids else f"c{case}-"
    kinds = (Kind.EXECUTION, Kind.RULE, Kind.JUDGE, Kind.JUDGE)
    return Criterion(
        id=f"{prefix}criterion-{number}",
        dimension=DIMENSIONS[number % len(DIMENSIONS)],
        sort=Sort.DEPTH,
        points=2,
        statement=f"Statement {number}: values reach SQL as parameters only.",
        guidance="Pass: parameters. Fail: text.",
        covers=("be-safe",) if number % 2 else (),
        graders=(GraderRef(kind=kinds[number % 4]),),
        must=number == 0,
    )


def suite(world: World) -> Suite:
    cases = tuple(
        Case(
            id=f"case-{n}",
            version=1,
            family=f"family-{n // 4}",
            title=f"The {n}th task, a login route",
            message="Write it.",
            attachments=(),
            files=(),
            criteria=tuple(criterion(k, n, world) for k in range(world.criteria)),
        )
        for n in range(world.cases)
    )
    return Suite(
        id="small", persona="helper", max_tokens=1, repeats=1, model="m", judge="j", unscored_limit=0.05, cases=cases
    )


def header(world: World, revision: str, made: Suite) -> Header:
    return Header(
        suite="small",
        persona="helper",
        revision=revision,
        persona_digest=revision * 16,
        model="some-model",
        judge="some-judge",
        judge_context="alone",
        recording_set="set-1",
        repeats=world.repeats,
        cases=tuple((case.id, case.version, case.digest) for case in made.cases),
        graders=(("judge", "1"),),
        licensed=world.licensed,
    )


def grade(kind: Kind, of: Criterion, status: Status) -> Grade:
    evidence: Mapping[Kind, tuple[Evidence, ...]] = {
        Kind.EXECUTION: (
            Evidence(quote="sql-injection: POST /login -> 200"),
            Evidence(quote="finding: all rows came back"),
        ),
        Kind.RULE: (Evidence(quote='row = db.execute("SELECT * FROM users', line=4),),
        Kind.JUDGE: (
            Evidence(quote="reach the database as parameters only", line=9),
            Evidence(quote="raise LookupError", line=6),
        ),
    }
    return Grade(
        criterion=of.id,
        status=status,
        kind=kind,
        grader={Kind.EXECUTION: "sql-injection", Kind.RULE: "py-sql-injection", Kind.JUDGE: "some-judge"}[kind],
        version="1",
        evidence=() if status is Status.UNSCORED else evidence[kind],
        reason={
            Status.PASS: "Values are parameters everywhere.",
            Status.FAIL: "The name is put into the text of the query.",
            Status.UNSCORED: "The sandbox was not there.",
            Status.NOT_APPLICABLE: "There is no database in this answer.",
        }[status],
    )


def statuses(world: World, rng: random.Random, side: SideName, number: int) -> list[Status]:
    """Most pass; every fifth criterion flips to fail, every seventh to pass, some are unscored or do not apply."""
    rate = {0: 0.95 if side == "base" else 0.05, 3: 0.05 if side == "base" else 0.95}.get(number % 7, 0.9)
    drawn = [Status.PASS if rng.random() < rate else Status.FAIL for _ in range(world.repeats)]
    if number % 11 == 4:
        drawn[-1] = Status.UNSCORED
    return [Status.NOT_APPLICABLE] * world.repeats if number % 23 == 9 else drawn


def grade_lines(world: World, made: Suite, side: SideName) -> Iterator[GradeLine]:
    rng = random.Random(f"{world.seed}{side}")
    for case_number, case in enumerate(made.cases):
        for number, of in enumerate(case.criteria):
            drawn = statuses(world, rng, side, case_number * 3 + number)
            for repeat, status in enumerate(drawn, 1):
                kind = of.graders[0].kind
                yield GradeLine(case=case.id, repeat=repeat, answer="a", grade=grade(kind, of, status), prevails=True)
                if kind is Kind.RULE and repeat == 1 and status is Status.PASS:
                    other = grade(Kind.JUDGE, of, Status.FAIL)
                    yield GradeLine(case=case.id, repeat=repeat, answer="a", grade=other, prevails=False)


def tally(made: Suite, lines: tuple[GradeLine, ...]) -> Iterator[CriterionLine]:
    for case in made.cases:
        for of in case.criteria:
            mine = [x.grade for x in lines if x.prevails and (x.case, x.grade.criterion) == (case.id, of.id)]
            counts = {status: sum(g.status is status for g in mine) for status in Status}
            yield CriterionLine(
                case=case.id,
                criterion=of,
                passes=counts[Status.PASS],
                fails=counts[Status.FAIL],
                not_applicable=counts[Status.NOT_APPLICABLE],
                unscored=counts[Status.UNSCORED],
                decided_by=tuple((kind, n) for kind in TRUST if (n := sum(g.decided and g.kind is kind for g in mine))),
            )


def card(world: World, side: SideName) -> Scorecard:
    made = suite(world)
    lines = tuple(grade_lines(world, made, side))
    criteria = tuple(tally(made, lines))
    dimensions = []
    for dimension in DIMENSIONS:
        mine = [line for line in criteria if line.criterion.dimension is dimension]
        scored = sum(line.scored for line in mine)
        score = sum(line.passes for line in mine) / scored if scored else None
        dimensions.append(
            DimensionLine(
                dimension=dimension,
                score=score,
                interval=(max(0, score - 0.06), min(1, score + 0.06)) if score is not None else None,
                without_promises=score,
                cases=world.cases,
                scored=scored,
                unscored=sum(line.unscored for line in mine),
                not_applicable=sum(line.not_applicable for line in mine),
                decided_by=tuple(
                    (kind, n) for kind in TRUST if (n := sum(dict(line.decided_by).get(kind, 0) for line in mine))
                ),
            )
        )
    return Scorecard(
        header=header(world, "0001" if side == "base" else "0002", made),
        criteria=criteria,
        dimensions=tuple(dimensions),
        grades=lines,
    )


def personas() -> tuple[Persona, Persona]:
    return (
        Persona("helper", "0001", "# Rules\n\nBe safe with data.\n\nExplain yourself in short.\n"),
        Persona("helper", "0002", "# Rules\n\nBe safe with all data and secrets.\n\nAsk before you delete.\n"),
    )


INSTRUCTIONS = Instructions(
    persona="helper",
    items=(
        Instruction("be-safe", (("0001", "Be safe with data."), ("0002", "Be safe with all data and secrets."))),
        Instruction("explain", (("0001", "Explain yourself in short."),)),
        Instruction("ask-first", (("0002", "Ask before you delete."),)),
    ),
)


def made(world: World | None = None) -> tuple[Comparison, Context]:
    """A comparison and its context, the same for the same world."""
    world = world or World()
    the_suite, base, candidate = suite(world), card(world, "base"), card(world, "candidate")
    comparison = compare(base, candidate, the_suite)
    one, two = personas()
    text = "\n".join(LINES * world.lines)
    context = Context(
        base=base,
        candidate=candidate,
        base_persona=one,
        candidate_persona=two,
        suite=the_suite,
        instructions=INSTRUCTIONS,
        answers={
            (side, case.id, repeat): text
            for side in SIDES
            for case in the_suite.cases
            for repeat in range(1, world.repeats + 1)
        },
    )
    return comparison, context


def with_text(context: Context, text: str) -> Context:
    """The same, every answer being this text."""
    return replace(context, answers=dict.fromkeys(context.answers, text))
